"""The main window: places the views, owns menus and keys, accepts dropped files.

It decides nothing: what the user asks for leaves as a signal.
"""

from collections.abc import Callable, Sequence
from functools import partial

from PySide6.QtCore import Qt, Signal
from PySide6.QtGui import (
    QAction,
    QActionGroup,
    QCloseEvent,
    QDragEnterEvent,
    QDropEvent,
    QKeyEvent,
    QKeySequence,
)
from PySide6.QtWidgets import (
    QFileDialog,
    QMainWindow,
    QMenu,
    QScrollArea,
    QSizePolicy,
    QSplitter,
    QToolBar,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.sources import sorted_out
from app.values import Sample
from app.views.controls import Controls
from app.views.demo import Demo
from app.views.messages import MessageBar
from app.views.nuclei import NucleiBar
from app.views.plots import Plots
from app.views.status import Status
from app.views.viewer import Viewer
from app.widgets.widths import Widths

IMAGES = "Images (*.png *.jpg *.jpeg *.tif *.tiff *.bmp);;All files (*)"
MODELS = "Models (*.safetensors *.tar *.pth *.pt);;All files (*)"
_CONTROLS_WIDTH = 300
_PLOTS_WIDTH = 320


class Window(QMainWindow):
    """Controls, panes and plots.

    Parameters
    ----------
    samples
        Tiles that come with the program.
    parent
        Qt owner.
    """

    openAsked = Signal(str, str)  # model, tile; empty: keep
    labelsAsked = Signal(str)  # ground truth of the open tile
    saveAsked = Signal(str)  # path of the pruned model
    tableAsked = Signal(str)
    pictureAsked = Signal(str)
    demoAsked = Signal(bool)
    displayAsked = Signal(str)  # hide, fill, difference or truth
    themeAsked = Signal(str)
    undoAsked = Signal()
    redoAsked = Signal()
    closing = Signal()

    def __init__(
        self, samples: Sequence[Sample] = (), parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setWindowTitle("PruneScope")
        self.setAcceptDrops(True)
        self.resize(1280, 800)
        self.controls, self.viewer = Controls(), Viewer()
        self.plots, self.nuclei, self.layers = Plots(), NucleiBar(), Widths()
        self.messages, self.status, self.demo = MessageBar(), Status(), Demo()
        self._place()
        self._build_toolbar(samples)
        self._build_keys()
        self.setStatusBar(self.status)
        self.controls.set_ready(False)
        self.viewer.set_note("Opening the demo model and a tile…")

    def _place(self) -> None:
        middle = QWidget()
        column = QVBoxLayout(middle)
        column.setContentsMargins(0, 0, 0, 0)
        column.setSpacing(4)
        column.addWidget(self.messages)
        column.addWidget(self.viewer, 1)
        column.addWidget(self.nuclei)
        column.addWidget(self.layers)
        column.addWidget(self.demo)
        self._left = QScrollArea()
        self._left.setWidget(self.controls)
        self._left.setWidgetResizable(True)
        self._left.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._left.setMinimumWidth(280)
        self._split = QSplitter(Qt.Orientation.Horizontal)
        self._split.setChildrenCollapsible(False)
        for widget in (self._left, middle, self.plots):
            self._split.addWidget(widget)
        self._split.setStretchFactor(1, 1)
        self._split.setSizes([_CONTROLS_WIDTH, 660, _PLOTS_WIDTH])
        self.setCentralWidget(self._split)

    # Menus and keys

    def _build_toolbar(self, samples: Sequence[Sample]) -> None:
        bar = QToolBar("Main")
        bar.setMovable(False)
        bar.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        self.addToolBar(bar)
        bar.addAction(self._action("Open model…", self._ask_model, "Ctrl+M"))
        bar.addAction(self._action("Open tile…", self._ask_tile, "Ctrl+O"))
        bar.addAction(self._action("Open labels…", self._ask_labels, "Ctrl+L"))
        menu = QMenu(self)
        for sample in samples:
            source = f"sample:{sample.name}"
            _entry(menu, sample.title, partial(self.openAsked.emit, "", source))
        self._recent = menu.addMenu("Recent tiles")
        self.set_recent(())
        bar.addWidget(_menu_button("Samples", menu))
        bar.addWidget(_menu_button("Export", self._export_menu()))
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        bar.addWidget(gap)
        keys = QKeySequence.StandardKey
        self._undo = self._action("Undo", self.undoAsked.emit, keys.Undo)
        self._redo = self._action("Redo", self.redoAsked.emit, keys.Redo)
        bar.addActions([self._undo, self._redo])
        self.set_travel(back=False, forth=False)
        bar.addWidget(_menu_button("View", self._view_menu()))
        self._demo = self._action("Demo view", lambda: None, "F5")
        self._demo.setCheckable(True)
        self._demo.toggled.connect(self.demoAsked)
        bar.addAction(self._demo)

    def _export_menu(self) -> QMenu:
        menu = QMenu(self)
        for caption, asked, name, kinds in (
            ("Pruned model…", self.saveAsked, "pruned.safetensors", "*.safetensors"),
            ("Points as a table…", self.tableAsked, "points.csv", "*.csv"),
            ("Picture of the window…", self.pictureAsked, "prunescope.png", "*.png"),
        ):
            _entry(menu, caption, partial(self._ask_save, asked.emit, name, kinds))
        return menu

    def _view_menu(self) -> QMenu:
        menu = QMenu(self)
        group = QActionGroup(menu)
        self._themes: dict[str, QAction] = {}
        for key, caption in (
            ("system", "As the desktop"),
            ("light", "Light"),
            ("dark", "Dark"),
        ):
            action = _entry(menu, caption, partial(self.themeAsked.emit, key))
            action.setCheckable(True)
            group.addAction(action)
            self._themes[key] = action
        menu.addSeparator()
        for caption, key, what in (
            ("Show or hide masks", "H", "hide"),
            ("Fill or outline", "F", "fill"),
            ("Difference", "D", "difference"),
            ("Ground truth", "T", "truth"),
        ):
            call = partial(self.displayAsked.emit, what)
            menu.addAction(self._action(caption, call, key))
        menu.addAction(self._action("Whole tile", self.viewer.show_whole, "0"))
        hint = menu.addAction("Hold B: dense masks in the pruned pane")
        hint.setEnabled(False)
        return menu

    def _build_keys(self) -> None:
        leave = QAction(self)
        leave.setShortcut("Esc")
        leave.triggered.connect(self._on_escape)
        self.addAction(leave)

    def _action(
        self,
        caption: str,
        call: Callable[[], object],
        key: str | QKeySequence.StandardKey,
    ) -> QAction:
        action = QAction(caption, self)
        action.setShortcut(key)
        shown = action.shortcut().toString(QKeySequence.SequenceFormat.NativeText)
        action.setToolTip(f"{caption} ({shown})")
        action.triggered.connect(lambda _=False: call())
        self.addAction(action)
        return action

    # Setters: silent

    def set_demo(self, on: bool) -> None:
        """Show the demo view, or the bench."""
        self._demo.setChecked(on)
        for widget in (self._left, self.plots, self.layers):
            widget.setVisible(not on)
        self.demo.setVisible(on)

    def set_travel(self, *, back: bool, forth: bool) -> None:
        """Allow undo and redo."""
        self._undo.setEnabled(back)
        self._redo.setEnabled(forth)

    def set_recent(self, paths: Sequence[str]) -> None:
        """List the tiles that were opened from files, the latest first."""
        self._recent.clear()
        self._recent.setEnabled(bool(paths))
        for path in paths:
            _entry(self._recent, path, partial(self.openAsked.emit, "", path))

    def set_theme(self, theme: str) -> None:
        """Mark a theme in the menu."""
        if theme in self._themes:
            self._themes[theme].setChecked(True)

    # What the user does

    def _ask_model(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open model", "", MODELS)
        if path:
            self.openAsked.emit(path, "")

    def _ask_tile(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Open tile", "", IMAGES)
        if path:
            self.openAsked.emit("", path)

    def _ask_labels(self) -> None:
        path, _ = QFileDialog.getOpenFileName(self, "Ground truth", "", IMAGES)
        if path:
            self.labelsAsked.emit(path)

    def _ask_save(self, emit: Callable[[str], None], name: str, kinds: str) -> None:
        path, _ = QFileDialog.getSaveFileName(self, "Export", name, kinds)
        if path:
            emit(path)

    def _on_escape(self) -> None:
        if self.demo.isVisible():
            self.demoAsked.emit(False)
        else:
            self.status.cancelAsked.emit()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_B and not event.isAutoRepeat():
            self.viewer.blink(True)
        else:
            super().keyPressEvent(event)

    def keyReleaseEvent(self, event: QKeyEvent) -> None:
        if event.key() == Qt.Key.Key_B and not event.isAutoRepeat():
            self.viewer.blink(False)
        else:
            super().keyReleaseEvent(event)

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        if event.mimeData().hasUrls():
            event.acceptProposedAction()

    def dropEvent(self, event: QDropEvent) -> None:
        paths = [url.toLocalFile() for url in event.mimeData().urls()]
        model, tile = sorted_out([path for path in paths if path])
        event.acceptProposedAction()
        if model or tile:
            self.openAsked.emit(model, tile)

    def closeEvent(self, event: QCloseEvent) -> None:
        self.closing.emit()
        super().closeEvent(event)


def _entry(menu: QMenu, caption: str, call: Callable[[], object]) -> QAction:
    """Add a line to a menu; Qt's "checked" argument does not reach ``call``."""
    action = menu.addAction(caption)
    action.triggered.connect(lambda _=False: call())
    return action


def _menu_button(caption: str, menu: QMenu) -> QToolButton:
    button = QToolButton()
    button.setText(caption)
    button.setMenu(menu)
    button.setPopupMode(QToolButton.ToolButtonPopupMode.InstantPopup)
    button.setToolTip(menu.title() or caption)
    return button
