"""The main window: places the views, owns menus and keys, accepts dropped files.

It decides nothing: what the user asks for leaves as a signal.
"""

from collections.abc import Collection, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import QByteArray, QEvent, Qt
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QResizeEvent,
)
from PySide6.QtWidgets import (
    QDockWidget,
    QVBoxLayout,
    QWidget,
)

from app.state.app_state import Message
from app.state.events import DemoSwitched, MessageShown
from app.state.session.model_choices import ModelChoice
from app.state.session.sources import SESSION_ENDING, left_out, sorted_out
from app.state.values import SampleTitle
from app.text.format import TIMES
from app.text.slides import SLIDES, SlideSize
from app.views.main_window import dialogs, own_network
from app.views.main_window.columns import Columns
from app.views.main_window.menus import Menus
from app.views.main_window.signals import WindowSignals
from app.views.panels.controls import Controls
from app.views.panels.demo import DemoPanel
from app.views.panels.hints import HintBar
from app.views.panels.layers import Layers
from app.views.panels.messages import MessageBar
from app.views.panels.nuclei import NucleiBar
from app.views.panels.part import PartPanel
from app.views.panels.plots import Plots
from app.views.panels.reading import ReadingPanel
from app.views.panels.status import Status
from app.views.panels.table import Table
from app.views.panels.viewer import Viewer
from app.views.widgets.actions import all_actions, by_subject
from app.views.widgets.class_names import ClassNamesBox
from app.views.widgets.column import ScrollColumn, with_footer
from app.views.widgets.command_palette import CommandPalette
from app.views.widgets.model_box import ModelBox
from app.views.widgets.notices import NoticeRow
from app.views.widgets.nucleus_popup import NucleusPopup
from app.views.widgets.pixel_size import PixelSize, PixelSizeBox
from app.views.widgets.ratio_box import RatioBox
from app.views.widgets.reader_box import ReaderBox
from app.views.widgets.shortcut_sheet import MOUSE, ShortcutSheet

_CONTROLS_WIDTH = 300
_PLOTS_WIDTH = 320
_LOW = 44  # lines of text: a lower window leaves the drawing of layers out


class Window(WindowSignals):
    """Controls, panes and plots.

    Parameters
    ----------
    samples
        Tiles that come with the program.
    models
        Models that do.
    parent
        Qt owner.
    """

    def __init__(
        self,
        samples: Sequence[SampleTitle] = (),
        models: Sequence[SampleTitle] = (),
        parent: QWidget | None = None,
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("PruneScope")
        self.setAcceptDrops(True)
        self.resize(1280, 800)
        self.controls, self.viewer = Controls(), Viewer()
        self.plots, self.nuclei, self.layers = Plots(), NucleiBar(), Layers()
        self.messages, self.status, self.hints = MessageBar(), Status(), HintBar()
        self.demo = DemoPanel([(s.key, s.name, _size(s)) for s in SLIDES])
        self.reading, self.table, self.part = ReadingPanel(), Table(), PartPanel()
        self.palette_box, self._keys = CommandPalette(self), ShortcutSheet(self)
        self.reader_box, self.ratios = ReaderBox(self), RatioBox(self)
        self._demo = self._reading = self._saving = self._choosing = False
        self.nucleus = NucleusPopup(self)
        self._pixel_size, self._flags = PixelSize(), frozenset[str]()
        self._classes: tuple[tuple[str, ...], str] = ((), "")
        self._place()
        self.menus = Menus(self, samples, models)
        self.addToolBar(self.menus.toolbar)
        self.setStatusBar(self.status)
        self.controls.set_ready(False)
        self.viewer.set_note("Opening the demo model and a tile…")

    def _place(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.viewer, 1)
        column.addWidget(self.nuclei)
        column.addWidget(self.layers)
        column.addWidget(self.demo)
        column.addWidget(self.reading, 1)
        column.addWidget(self.part, 1)
        self.ratios.fileAsked.connect(self._ask_ratios)
        self._notices = NoticeRow((self.hints, self.messages), middle)
        column.addWidget(self._notices)
        self._left = ScrollColumn(self.controls)
        side = with_footer(self._left, self.controls.primary)
        self._split = Columns(side, middle, self.plots)
        self._split.changed.connect(lambda: self.set_flags(self._flags))
        self.sideToggled.connect(self._on_side)
        self._split.setSizes([_CONTROLS_WIDTH, 660, _PLOTS_WIDTH])
        self.setCentralWidget(self._split)
        self._add_table()
        self._connect()

    def _add_table(self) -> None:
        """Put the table of models below everything, hidden at first."""
        self._dock = QDockWidget("Models tried")
        self._dock.setObjectName("models")
        self._dock.setAllowedAreas(Qt.DockWidgetArea.BottomDockWidgetArea)
        self._dock.setWidget(self.table)
        self.addDockWidget(Qt.DockWidgetArea.BottomDockWidgetArea, self._dock)
        self._dock.hide()
        self._dock.visibilityChanged.connect(self.tableShown)

    def _connect(self) -> None:
        """Answer what the window can answer by itself."""
        asked = self.controls.training.folderAsked
        asked.connect(partial(dialogs.ask_training, self))
        self.wholeAsked.connect(self.viewer.show_whole)
        self.blinkAsked.connect(self.viewer.blink)
        self.escapeAsked.connect(self._on_escape)
        self.storyAsked.connect(self.demo.storyAsked)
        self.chartAsked.connect(self.plots.ask_export)
        self.tableToggled.connect(self.show_table)
        self.paletteAsked.connect(self.show_palette)
        self.keysAsked.connect(self.show_keys)
        self.classesAsked.connect(self.show_classes)
        self.readerAsked.connect(self.reader_box.show)
        self.pixelSizeAsked.connect(self.show_pixel_size)
        self.status.pixelSizeAsked.connect(self.show_pixel_size)

    # Setters: silent

    def set_demo(self, on: bool) -> None:
        """Show the demo view, or the bench."""
        self._demo = on
        self._arrange()
        if on:
            self.demo.setFocus()  # a ring around a picture would look like a hint

    def _arrange(self) -> None:
        """Show what belongs to the bench, the demo view or the reading."""
        bench = not (self._demo or self._reading or self._choosing)
        plain = self._demo or self._reading
        for bar in (self.menus.toolbar, self.menuBar(), self.status, self._notices):
            bar.setVisible(not plain)
        self.viewer.set_plain(plain)
        self.nuclei.set_plain(plain)
        self.layers.setVisible(bench)
        if not bench:
            self._dock.hide()
        whole = self._reading or self._choosing
        self.viewer.setVisible(not whole)
        self.nuclei.setVisible(not whole)
        self.demo.setVisible(self._demo and not whole)
        self.reading.setVisible(self._reading and not self._choosing)
        self.part.setVisible(self._choosing)
        self.hints.set_covered(self._choosing)
        self._split.set_bench(bench)  # last: it asks how much room the rest needs

    def show_table(self, on: bool | None = None) -> None:
        """Show or hide the table of models; the other way round when left out."""
        self._dock.setVisible(self._dock.isHidden() if on is None else on)
        if self._dock.isVisible():
            self.table.filter.setFocus()

    def set_flags(self, flags: Collection[str]) -> None:
        """Allow and tick commands by what is the case."""
        self._flags = frozenset(flags)
        layers = () if self.layers.network.isHidden() else ("layers",)
        self.menus.set_flags(self._flags.union(self._split.shown, layers))

    def set_saving(self, on: bool) -> None:
        """Ask before the window closes, while files are written."""
        self._saving = on

    def set_recent(self, paths: Sequence[str]) -> None:
        """List the tiles that were opened from files, the latest first."""
        self.menus.set_recent(paths)

    def set_recent_sessions(self, paths: Sequence[str]) -> None:
        """List the sessions that were opened or saved, the latest first."""
        self.menus.set_recent_sessions(paths)

    def set_theme(self, theme: str) -> None:
        """Mark a theme in the menu."""
        self.menus.set_theme(theme)

    def command(self, name: str) -> QAction:
        """Return the action of a command by its name."""
        return self.menus.actions[name]

    def set_reading(self, on: bool) -> None:
        """Show the blinded reading in the place of everything else."""
        self._reading = on
        self._arrange()

    def set_choosing(self, on: bool) -> None:
        """Show the overview of a slide in the place of everything else."""
        if on != self._choosing:
            self._choosing = on
            self._arrange()
            if on:
                self.part.view.setFocus()

    def set_pixel_size(self, size: PixelSize) -> None:
        """Say the pixel size of the tile; the box for it begins with this."""
        self._pixel_size = size
        self.status.set_pixel_size(size.caption, size.sentence)

    @property
    def splitter(self) -> QByteArray:
        """Widths of the columns, to be restored."""
        return self._split.saveState()

    def restore_splitter(self, state: QByteArray) -> None:
        """Give the columns the widths of last time."""
        self._split.restoreState(state)

    # Help

    def show_palette(self) -> None:
        """Open the search for commands."""
        self.palette_box.offer(all_actions(self))

    def show_keys(self) -> None:
        """Open the sheet of keys."""
        self._keys.set_keys({**by_subject(all_actions(self)), "Mouse": MOUSE})
        self._keys.open()

    # What the user does

    def show_models(
        self, choices: Sequence[ModelChoice], current: str, *, beside: bool
    ) -> None:
        """Open the box in which a model is chosen."""
        box = ModelBox(choices, current, beside=beside, parent=self)
        box.chosen.connect(lambda source: self.openAsked.emit(source, ""))
        box.besideChosen.connect(self.besideAsked)
        box.fileAsked.connect(lambda: dialogs.ask_model(self))
        box.folderAsked.connect(lambda: dialogs.ask_model_folder(self))
        box.networkAsked.connect(lambda: own_network.ask_network(self))
        box.open()

    def set_classes(self, names: Sequence[str], place: str) -> None:
        """Say how the classes of the open classifier are called, and where it lies."""
        self._classes = tuple(names), place

    def show_classes(self) -> None:
        """Open the box in which classes are named."""
        box = ClassNamesBox(*self._classes, parent=self)
        box.chosen.connect(self.classesChosen)
        box.fileAsked.connect(
            lambda: dialogs.ask_text(self, "Names of classes", "names", box.set_text)
        )
        box.open()

    def show_pixel_size(self) -> None:
        """Open the box in which the pixel size is typed."""
        if self._pixel_size.caption:
            box = PixelSizeBox(self._pixel_size, self)
            box.chosen.connect(self.pixelSizeChosen)
            box.open()

    def _ask_ratios(self) -> None:
        title, show = self.ratios.windowTitle(), self.ratios.set_text
        dialogs.ask_text(self, title, "ratios", show)

    def _on_side(self, side: str) -> None:
        if side == "layers":
            self.nuclei.set_listed(False)
            self.layers.toggle_network()
            self.set_flags(self._flags)
        else:
            self._split.toggle(side)

    def resizeEvent(self, event: QResizeEvent) -> None:
        super().resizeEvent(event)
        self.layers.set_short(self.height() < _LOW * self.fontMetrics().height())
        self.set_flags(self._flags)

    def _on_escape(self) -> None:
        if self._choosing:
            self.part.left.emit()
        elif self._reading:
            self.reading.closed.emit()
        elif self._demo:
            self.asked.emit(DemoSwitched(False))
        else:
            self.status.cancelAsked.emit()

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_B and not event.isAutoRepeat():
            self.blinkAsked.emit(False)
        else:
            super().keyReleaseEvent(event)

    def changeEvent(self, event: QEvent) -> None:
        """Let go of what is held when another window comes to the front."""
        if event.type() == QEvent.Type.ActivationChange and not self.isActiveWindow():
            self.blinkAsked.emit(False)
        if event.type() == QEvent.Type.PaletteChange:
            self.menus.draw_icons()
        super().changeEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            _copy_only(event)

    def dropEvent(self, event: QDropEvent) -> None:
        urls = event.mimeData().urls()
        # a web address is passed on, so that the user is told what it is
        paths = [url.toLocalFile() or url.toString() for url in urls]
        model, tile = sorted_out(paths)
        _copy_only(event)
        if Path(paths[0] if paths else "").suffix.lower() == SESSION_ENDING:
            self.sessionAsked.emit(paths[0])
            return
        if model or tile:
            self.openAsked.emit(model, tile)
        if said := left_out(paths):
            self.asked.emit(MessageShown(Message(said, kind="info")))

    def close_unasked(self) -> None:
        """Close though files are being written: nobody is there to be asked."""
        self._saving = False
        self.close()

    def closeEvent(self, event: QCloseEvent) -> None:
        if self._saving and not dialogs.ask_leave(self):
            event.ignore()
            return
        self.closing.emit()
        super().closeEvent(event)


def _copy_only(event: QDropEvent) -> None:
    """Accept a drop as a copy: after a move the source may delete its file."""
    event.setDropAction(Qt.DropAction.CopyAction)
    event.accept()


def _size(slide: SlideSize) -> str:
    return f"Times for {slide.width:g} {TIMES} {slide.height:g} mm of tissue."
