"""One live chart with its title and the choices of its axes.

The frame is light and there from the start; the chart inside is made when the frame
has been on screen, see `app.plots.loading`. Charts of frames that are hidden are not
drawn, and not even made.
"""

from typing import TYPE_CHECKING

from PySide6.QtCore import QPoint, QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication, QPaintEvent, QResizeEvent, QShowEvent
from PySide6.QtWidgets import (
    QHBoxLayout,
    QLabel,
    QMenu,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.plots.chart import Axis, Chart
from app.plots.data import PlotData
from app.plots.loading import draw_queue, make_view
from app.plots.menu import ChartCommands, add_x_choices, add_y_choices, fill_menu
from app.plots.raster import chart_image
from app.plots.registry import ChartKind
from app.plots.values_text import chart_values
from app.state.plot_settings import PlotSettings

if TYPE_CHECKING:
    from app.plots.view import ChartView

_SMALLEST = QSize(200, 118)
_GAP = 4
_MORE = " \u25be"


class ChartFrame(QWidget):
    """A chart of the registry, drawn when its turn comes.

    Parameters
    ----------
    kind
        Which chart.
    parent
        Qt owner.
    """

    chosen = Signal(object)  # key of a point that was clicked or stepped to
    hovered = Signal(object)  # key of the point under the pointer, None when it leaves
    settingsChosen = Signal(object)  # PlotSettings
    exportAsked = Signal(str)  # key of the chart
    enlargeAsked = Signal(str)  # key of the chart
    drawn = Signal()  # the newest chart is on show

    def __init__(self, kind: ChartKind, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.kind = kind
        self._data, self._settings = PlotData(), PlotSettings()
        self._note = ""
        self._view: ChartView | None = None
        self._due = True
        self._commands = ChartCommands(
            self.view_all,
            self.copy_picture,
            self.copy_values,
            lambda: self.exportAsked.emit(kind.key),
            lambda: self.enlargeAsked.emit(kind.key),
        )
        self.setAccessibleName(kind.title)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(_SMALLEST)
        self.setFocusPolicy(Qt.FocusPolicy.StrongFocus)
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(0)
        column.addLayout(self._head())
        self._place = QVBoxLayout()
        column.addLayout(self._place, 1)
        self._x = _AxisButton("Horizontal axis")
        self._x.menu().aboutToShow.connect(self._fill_x)
        column.addWidget(self._x, 0, Qt.AlignmentFlag.AlignHCenter)

    def _head(self) -> QHBoxLayout:
        head = QHBoxLayout()
        head.setSpacing(_GAP)
        title = QLabel(self.kind.title)
        title.setProperty("role", "title")
        title.setToolTip(self.kind.about)
        head.addWidget(title)
        head.addStretch(1)
        self._title = title
        self._y = _AxisButton("Vertical axis")
        self._y.menu().aboutToShow.connect(self._fill_y)
        head.addWidget(self._y)
        self.enlarge = QToolButton()
        self.enlarge.setObjectName("enlarge")
        self.enlarge.setText("\u2922")
        self.enlarge.setAutoRaise(True)
        self.enlarge.setAccessibleName(f"Open {self.kind.title.lower()} in a window")
        self.enlarge.setToolTip("Open this chart in a window of its own.")
        self.enlarge.clicked.connect(lambda: self.enlargeAsked.emit(self.kind.key))
        head.addWidget(self.enlarge)
        return head

    def sizeHint(self) -> QSize:
        return QSize(300, 190)

    # What is shown

    @property
    def view(self) -> "ChartView | None":
        """The live chart; None until it has been drawn for the first time."""
        return self._view

    @property
    def chart(self) -> Chart:
        """The chart of what was set last, drawn or not."""
        return self.kind.build(self._data, self._settings.of(self.kind.key))

    def set_data(self, data: PlotData, settings: PlotSettings, note: str = "") -> None:
        """Draw this when the turn of the chart comes; silent.

        Parameters
        ----------
        data, settings
            What the chart is made from.
        note
            Model, tile and sparsity in words, for pictures that are copied.
        """
        self._data, self._settings, self._note = data, settings, note
        self._due = True
        if self._seen():
            draw_queue().add(self)

    def draw_now(self) -> None:
        """Draw what was set last, unless it is hidden; called by the queue."""
        if not self._due or not self._seen():
            return
        self._due = False
        if self._view is None:
            self._make()
        assert self._view is not None
        chart = self.chart
        if chart != self._view.chart:
            self._view.set_chart(chart)
            self._x.set_axis(chart.x, self.width())
            self._y.set_axis(chart.y, self._room())
        self.drawn.emit()

    def _room(self) -> int:
        """Return the width beside the title of the chart."""
        enlarge = 0 if self.enlarge.isHidden() else self.enlarge.width() + _GAP
        return self.width() - self._title.sizeHint().width() - enlarge - 2 * _GAP

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self._x.fit(self.width())
        self._y.fit(self._room())

    def _seen(self) -> bool:
        """Return whether any of it is on screen."""
        return self.isVisible() and not self.visibleRegion().isEmpty()

    def _make(self) -> None:
        view = make_view()
        view.setAccessibleName(self.kind.title)
        view.setAccessibleDescription(self.kind.about)
        view.chosen.connect(self.chosen)
        view.hovered.connect(self.hovered)
        view.menuAsked.connect(self._on_menu)
        self._place.addWidget(view)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        # Not a focus proxy: that takes what follows the chart off the way of Tab.
        self.setTabOrder(self, view)
        self._view = view

    def showEvent(self, event: QShowEvent) -> None:
        super().showEvent(event)
        if self._view is not None and self._due:
            draw_queue().add(self)

    def paintEvent(self, event: QPaintEvent) -> None:
        super().paintEvent(event)
        if self._due:  # scrolled into sight, or on screen for the first time
            draw_queue().add(self)

    # What the user does

    def menu(self) -> QMenu:
        """Return a new menu of the chart."""
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        choose = self.settingsChosen.emit
        fill_menu(menu, self.chart, self._data, self._settings, choose, self._commands)
        return menu

    def view_all(self) -> None:
        """Show the whole chart again."""
        if self._view is not None:
            self._view.view_all()

    def copy_picture(self) -> None:
        """Put the chart with its legend on the clipboard."""
        QGuiApplication.clipboard().setImage(chart_image(self.chart, note=self._note))

    def copy_values(self) -> None:
        """Put the points on the clipboard, as a table."""
        QGuiApplication.clipboard().setText(chart_values(self.chart))

    def _on_menu(self, place: QPoint) -> None:
        self.menu().popup(place)

    def _fill_x(self) -> None:
        menu = self._x.menu()
        menu.clear()
        add_x_choices(menu, self.chart, self._settings, self.settingsChosen.emit)

    def _fill_y(self) -> None:
        menu = self._y.menu()
        menu.clear()
        choose = self.settingsChosen.emit
        add_y_choices(menu, self.chart, self._data, self._settings, choose)


class _AxisButton(QToolButton):
    """The title of an axis; pressed, it offers what else can be there."""

    def __init__(self, name: str) -> None:
        super().__init__()
        self._name, self._axis = name, Axis("")
        self.setAutoRaise(True)
        self.setProperty("role", "axis")
        self.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
        self.setMenu(QMenu(self))
        self.hide()

    def set_axis(self, axis: Axis, room: int) -> None:
        """Write the title of an axis; silent."""
        self._axis = axis
        self.setAccessibleName(f"{self._name}: {axis.title}")
        self.setToolTip(f"{self._name}: {axis.title}\nPress to choose what it shows.")
        self.setVisible(bool(axis.title))
        self.fit(room)

    def fit(self, room: int) -> None:
        """Write the shorter title where the whole one has no room; silent.

        Parameters
        ----------
        room
            Width in pixels.
        """
        axis, before = self._axis, self.text()
        self.setText(f"{axis.title}{_MORE}")
        if axis.short and self.sizeHint().width() > room:
            self.setText(f"{axis.short}{_MORE}")
        owner = self.parentWidget()
        layout = owner.layout() if owner is not None else None
        if layout is not None and self.text() != before:
            layout.activate()  # or the new title is cut off for a frame
