"""The toolbar and its menus: what can be opened, saved and shown.

It decides nothing: what the user asks for leaves as a signal of the window.
"""

from collections.abc import Sequence
from functools import partial

from PySide6.QtCore import Qt
from PySide6.QtGui import QAction, QActionGroup, QKeySequence
from PySide6.QtWidgets import QMenu, QSizePolicy, QToolBar, QWidget

from app.state.values import SampleTitle
from app.views.main_window import dialogs
from app.views.main_window.signals import WindowSignals
from app.views.widgets.actions import action_of, entry, menu_button

FILES, SHOW, HELP, PANES = "Files", "What is shown", "Help", "Panes"
_PLOTS = (
    ("accuracy", "Accuracy"),
    ("latency", "Latency"),
    ("trade", "Accuracy and latency"),
)


class Toolbar(QToolBar):
    """Everything above the panes.

    Parameters
    ----------
    window
        Whose signals are emitted, and which owns the keys.
    samples
        Tiles that come with the program.
    models
        Models that do.
    """

    def __init__(
        self,
        window: WindowSignals,
        samples: Sequence[SampleTitle],
        models: Sequence[SampleTitle] = (),
    ) -> None:
        super().__init__("Main", window)
        self._window = window
        self.setMovable(False)
        self.setContextMenuPolicy(Qt.ContextMenuPolicy.PreventContextMenu)
        for caption, ask, key in (
            ("Open model…", dialogs.ask_model, "Ctrl+M"),
            ("Open tile…", dialogs.ask_tile, "Ctrl+O"),
            ("Open labels…", dialogs.ask_labels, "Ctrl+L"),
        ):
            self.addAction(action_of(window, caption, partial(ask, window), key, FILES))
        samples_tip = (
            "Tiles and models that come with the program, and the tiles opened last."
        )
        menu = self._samples(samples, models)
        self.addWidget(menu_button("Samples", samples_tip, menu))
        export_tip = "Save the model, the masks, the report or the settings."
        self.addWidget(menu_button("Export", export_tip, self._export()))
        sweep = window.sweepAsked.emit
        self.addAction(action_of(window, "Sweep…", sweep, "Ctrl+R", FILES))
        gap = QWidget()
        gap.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.addWidget(gap)
        keys = QKeySequence.StandardKey
        undo, redo = window.undoAsked.emit, window.redoAsked.emit
        self._undo = action_of(window, "Undo", undo, keys.Undo, FILES)
        self._redo = action_of(window, "Redo", redo, keys.Redo, FILES)
        self.addActions([self._undo, self._redo])
        self.set_travel(back=False, forth=False)
        view_tip = "Masks, panes, colours of the window, hints and keys."
        self.addWidget(menu_button("View", view_tip, self._view()))
        # no button: found by its key and in the list of commands
        action_of(window, "Quit", window.close, "Ctrl+Q", FILES)
        self._demo = action_of(window, "Demo view", lambda: None, "F5", SHOW)
        self._demo.setCheckable(True)
        self._demo.toggled.connect(window.demoAsked)
        self.addAction(self._demo)

    # Menus

    def _samples(
        self, samples: Sequence[SampleTitle], models: Sequence[SampleTitle]
    ) -> QMenu:
        menu = QMenu(self)
        for model in models:
            entry(
                menu, model.title, partial(self._window.openAsked.emit, model.name, "")
            )
        menu.addSeparator()
        for sample in samples:
            source = f"sample:{sample.name}"
            call = partial(self._window.openAsked.emit, "", source)
            entry(menu, sample.title, call)
        self._recent = menu.addMenu("Recent tiles")
        self.set_recent(())
        return menu

    def _export(self) -> QMenu:
        window, menu = self._window, QMenu(self)
        save = partial(dialogs.ask_save, window)
        export = window.exportAsked.emit
        for caption, asked, name, kinds in (
            ("Pruned model…", window.saveAsked.emit, "pruned.safetensors", _MODELS),
            ("Report…", partial(export, "report"), "report.html", "HTML (*.html)"),
            ("Nuclei of the pruned model…", partial(export, "pruned"), *_MASKS),
            ("Nuclei of the whole model…", partial(export, "dense"), *_DENSE),
            ("Points as a table…", window.tableAsked.emit, "points.csv", "*.csv"),
        ):
            entry(menu, caption, partial(save, asked, name, kinds))
        folder = partial(dialogs.ask_folder, window, partial(export, "folder"))
        entry(menu, "Everything in a folder…", folder)
        menu.addSeparator()
        for key, title in _PLOTS:
            asked = partial(export, f"plot:{key}")
            call = partial(save, asked, f"{key}.svg", "SVG (*.svg);;PNG (*.png)")
            entry(menu, f"Plot: {title.lower()}…", call)
        call = partial(save, window.pictureAsked.emit, "prunescope.png", "*.png")
        entry(menu, "Picture of the window…", call)
        menu.addSeparator()
        settings = partial(save, partial(export, "settings"), *_SETTINGS)
        entry(menu, "Settings as a file…", settings)
        entry(menu, "Use settings from a file…", partial(dialogs.ask_setup, window))
        return menu

    def _view(self) -> QMenu:
        window, menu = self._window, QMenu(self)
        for caption, key, what in (
            ("Show or hide masks", "H", "visible"),
            ("Fill or outline", "F", "fill"),
            ("Difference", "D", "difference"),
            ("Swipe between dense and pruned", "W", "swipe"),
            ("Ground truth", "T", "truth"),
        ):
            call = partial(window.displayAsked.emit, what)
            menu.addAction(action_of(window, caption, call, key, SHOW))
        whole = window.wholeAsked.emit
        menu.addAction(action_of(window, "Whole tile", whole, "0", SHOW))
        table = action_of(
            window, "Models tried", window.tableToggled.emit, "Ctrl+J", SHOW
        )
        menu.addAction(table)
        self._add_panes(menu)
        group = QActionGroup(menu)
        self._themes: dict[str, QAction] = {}
        for key, caption in (
            ("system", "Colours as the desktop"),
            ("light", "Light"),
            ("dark", "Dark"),
        ):
            action = entry(menu, caption, partial(window.themeAsked.emit, key))
            action.setCheckable(True)
            group.addAction(action)
            self._themes[key] = action
        menu.addSeparator()
        find = action_of(
            window, "Find a command…", window.paletteAsked.emit, "Ctrl+K", HELP
        )
        find.setShortcuts([QKeySequence("Ctrl+K"), QKeySequence("Ctrl+Shift+P")])
        keys = action_of(window, "Keys…", window.keysAsked.emit, "F1", HELP)
        keys.setShortcuts([QKeySequence("F1"), QKeySequence("?")])
        menu.addActions([find, keys])
        entry(menu, "Show hints", partial(window.hintsAsked.emit, True))
        return menu

    def _add_panes(self, menu: QMenu) -> None:
        """Add what can be done to panes, each with its key."""
        window = self._window
        menu.addSeparator()
        self._panes = [
            action_of(
                window,
                f"Edit pane {number}",
                partial(window.paneAsked.emit, number - 1),
                key,
                PANES,
            )
            for number, key in enumerate("1234", 1)
        ]
        add, close = window.paneAdded.emit, window.paneClosed.emit
        self._more = action_of(window, "Add a pane", add, "Ctrl+T", PANES)
        self._less = action_of(window, "Close pane", close, "Ctrl+W", PANES)
        menu.addActions([self._more, self._less, *self._panes])
        menu.addSeparator()
        self.set_panes(1)

    # Setters: silent

    def set_demo(self, on: bool) -> None:
        """Mark whether the demo view is on."""
        self._demo.setChecked(on)

    def set_panes(self, count: int) -> None:
        """Allow the keys of so many panes; 0 leaves the digits to the demo view."""
        for index, action in enumerate(self._panes):
            action.setEnabled(index < count)
            action.setVisible(index < max(count, 1))
        self._more.setEnabled(0 < count < len(self._panes))
        self._less.setEnabled(count > 1)

    def set_travel(self, *, back: bool, forth: bool) -> None:
        """Allow undo and redo."""
        self._undo.setEnabled(back)
        self._redo.setEnabled(forth)

    def set_recent(self, paths: Sequence[str]) -> None:
        """List the tiles that were opened from files, the latest first."""
        self._recent.clear()
        self._recent.setEnabled(bool(paths))
        for path in paths:
            entry(self._recent, path, partial(self._window.openAsked.emit, "", path))

    def set_theme(self, theme: str) -> None:
        """Mark a theme in the menu."""
        if theme in self._themes:
            self._themes[theme].setChecked(True)


_MODELS = "safetensors (*.safetensors);;ONNX (*.onnx);;torch.export (*.pt2)"
_NUCLEI = "GeoJSON for QuPath (*.geojson);;Label image (*.tif)"
_MASKS = ("pruned.geojson", _NUCLEI)
_DENSE = ("dense.geojson", _NUCLEI)
_SETTINGS = ("prunescope.json", "Settings (*.json)")
