"""Every chart of the registry with one legend and one choice of the score."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial

from PySide6.QtCore import QSignalBlocker, Qt, Signal
from PySide6.QtGui import QCloseEvent, QShowEvent
from PySide6.QtWidgets import QComboBox, QHBoxLayout, QLabel, QVBoxLayout, QWidget

from app.plots.data import PlotData
from app.plots.frame import ChartFrame
from app.plots.quantities import score_shown
from app.plots.registry import ChartKind, chart_kind
from app.plots.state_data import Caption
from app.state.plot_settings import PlotSettings
from app.views.widgets.chart_export import ChartExportDialog
from app.views.widgets.legend import Legend
from core.tables import METRICS

Source = Callable[[], tuple[PlotData, PlotSettings, Caption]]


class ChartPanel(QWidget):
    """Charts of one set of data; arranged by who owns it.

    Parameters
    ----------
    kinds
        Which charts, in order.
    parent
        Qt owner.
    """

    pointChosen = Signal(object)  # key of a point
    pointHovered = Signal(object)  # the same under the pointer, or None
    settingsChosen = Signal(object)  # PlotSettings
    exportAsked = Signal(object)  # ChartExport

    def __init__(
        self, kinds: Sequence[ChartKind], parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self._data, self._settings = PlotData(), PlotSettings()
        self._caption = Caption()
        self._windows: dict[str, ChartWindow] = {}
        self._source: Source | None = None  # of what is drawn when it comes back
        self.legend = Legend()
        self.legend.toggled.connect(
            lambda key: self.settingsChosen.emit(self._settings.toggled(key))
        )
        self.score = QComboBox()
        self.score.setAccessibleName("Score shown")
        self.score.setToolTip(
            "AJI and PQ judge each nucleus; Dice only the area, and F1 only whether "
            "nuclei were found."
        )
        self.score.activated.connect(self._on_score)
        self._offer(self._data.score_choices())
        self.frames = {kind.key: self._frame(kind) for kind in kinds}

    def _frame(self, kind: ChartKind) -> ChartFrame:
        frame = ChartFrame(kind)
        self._connect(frame)
        frame.enlargeAsked.connect(self.enlarge)
        return frame

    def _connect(self, frame: ChartFrame) -> None:
        frame.chosen.connect(self.pointChosen)
        frame.hovered.connect(self.pointHovered)
        frame.settingsChosen.connect(self.settingsChosen)
        frame.exportAsked.connect(self.ask_export)

    def head(self) -> QVBoxLayout:
        """Return the choice of the score, and the legend below it."""
        column = QVBoxLayout()
        column.setSpacing(4)
        row = QHBoxLayout()
        row.addWidget(QLabel("Score"))
        row.addWidget(self.score)
        row.addStretch(1)
        column.addLayout(row)
        column.addWidget(self.legend)
        return column

    # Setters: silent

    def set_source(self, source: Source) -> None:
        """Draw what a function returns; silent.

        Parameters
        ----------
        source
            Returns the arguments of `set_data`. Called now, or when the panel is
            shown again: charts that nobody sees are not even made.
        """
        if self.isVisible():
            self.set_data(*source())
        else:
            self._source = source

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        source, self._source = self._source, None
        if source is not None:
            self.set_data(*source())

    def set_data(
        self, data: PlotData, settings: PlotSettings, caption: Caption
    ) -> None:
        """Draw this; each chart when its turn comes.

        Parameters
        ----------
        data, settings
            What the charts are made from.
        caption
            What they are of.
        """
        self._data, self._settings, self._caption = data, settings, caption
        self._offer(data.score_choices())
        with QSignalBlocker(self.score):
            shown = score_shown(data, settings.score)
            self.score.setCurrentIndex(self.score.findData(shown))
        self.legend.set_curves(data.curves[::-1], settings.hidden)
        for frame in self.frames.values():
            frame.set_data(data, settings, caption.note)
        for window in self._windows.values():
            window.set_data(data, settings, caption.note)

    def _offer(self, keys: Sequence[str]) -> None:
        now = [self.score.itemData(index) for index in range(self.score.count())]
        if now == list(keys):
            return
        with QSignalBlocker(self.score):
            self.score.clear()
            for key in keys:
                self.score.addItem(METRICS[key].title, key)
                last, tip = self.score.count() - 1, METRICS[key].tip
                self.score.setItemData(last, tip, Qt.ItemDataRole.ToolTipRole)

    # What the user does

    def enlarge(self, key: str) -> "ChartWindow":
        """Open a chart in a window of its own, or bring that window to the front."""
        found = self._windows.get(key)
        if found is None:
            found = self._windows[key] = ChartWindow(chart_kind(key), self.window())
            self._connect(found.frame)
            found.legend.toggled.connect(self.legend.toggled)
            found.closed.connect(partial(self._windows.pop, key, None))
            found.set_data(self._data, self._settings, self._caption.note)
        found.show()
        found.raise_()
        found.activateWindow()
        return found

    def ask_export(self, key: str) -> None:
        """Ask how large a chart is to be written, and where."""
        dialog = ChartExportDialog(chart_kind(key), self._caption.stem, self.window())
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.accepted.connect(partial(self._on_export, dialog))
        dialog.open()

    def _on_export(self, dialog: ChartExportDialog) -> None:
        asked = dialog.ask_path()
        if asked is not None:
            self.exportAsked.emit(asked)

    def _on_score(self, index: int) -> None:
        chosen = replace(self._settings, score=self.score.itemData(index))
        self.settingsChosen.emit(chosen)


class ChartWindow(QWidget):
    """One chart, large, with its legend.

    Parameters
    ----------
    kind
        Which chart.
    parent
        Window that it stays with.
    """

    closed = Signal()

    def __init__(self, kind: ChartKind, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Window)
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.setWindowTitle(f"{kind.title} · PruneScope")
        self.resize(900, 620)
        self.legend = Legend(rows=1)
        self.frame = ChartFrame(kind)
        self.frame.enlarge.hide()
        column = QVBoxLayout(self)
        column.setContentsMargins(14, 12, 14, 12)
        column.addWidget(self.legend)
        column.addWidget(self.frame, 1)

    def set_data(self, data: PlotData, settings: PlotSettings, note: str) -> None:
        """Draw this; silent."""
        self.legend.set_curves(data.curves[::-1], settings.hidden)
        self.frame.set_data(data, settings, note)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closed.emit()
        super().closeEvent(event)
