"""A folder of tiles, scored and shown the worst first: from its command to its window.

To read this file, start from `TileFolders.open`; what is scored when is decided in
`app.state.folder_scoring`.
"""

from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Slot

from app.controllers.deployment.side_work import SideWork
from app.plots.styles import series_name
from app.state import events
from app.state.folder_scoring import can_go_on, find_model
from app.state.tile_folder import FolderTile, ScoredFolder, TileScore
from app.text import format as text
from app.worker.folder_tiles import Thumbnail, list_folder, read_thumbnail
from core.tables import METRICS

if TYPE_CHECKING:
    from app.controllers.controller import Controller
    from app.state.app_state import AppState
    from app.state.store import Store
    from app.views.main_window.window import Window
    from app.views.panels.tile_folder import TileCard, TileFolderWindow
    from app.worker.runner import Runner
    from core.sources import Source


class TileFolders(QObject):
    """Joins the window of a folder's tiles, the state and the main window.

    Parameters
    ----------
    window
        Its owner; asks for folders.
    store
        Has the scores, and says with what they are made.
    runner
        Lists folders and reads small pictures.
    controller
        Opens tiles that are clicked.
    """

    def __init__(
        self,
        window: "Window",
        store: "Store",
        runner: "Runner",
        controller: "Controller",
    ) -> None:
        super().__init__(window)
        self._window, self._store, self._controller = window, store, controller
        self._runner = runner
        self.panel: TileFolderWindow | None = None
        self._side: SideWork | None = None
        self._unread: list[FolderTile] = []  # no picture yet
        window.folderChosen.connect(self.open)
        window.closing.connect(self.close)

    @Slot(str)
    def open(self, path: str) -> None:
        """List a folder, and bring its window to the front."""
        panel = self.panel or self._build()
        panel.set_folder(Path(path).name, "")
        panel.show()
        panel.raise_()
        panel.activateWindow()
        if self._side is not None:
            self._side.submit(lambda: list_folder(path))

    def _build(self) -> "TileFolderWindow":
        # late: most windows never look through a folder
        from app.views.main_window.dialogs import ask_tiles
        from app.views.panels.tile_folder import TileFolderWindow

        self.panel = panel = TileFolderWindow(self._window)
        self._side = SideWork(self._runner, self)
        say = self._store.dispatch
        panel.startAsked.connect(lambda: say(events.FolderScored()))
        panel.stopAsked.connect(lambda: say(events.FolderStopped()))
        panel.folderAsked.connect(partial(ask_tiles, self._window))
        panel.tileChosen.connect(self.go_to)
        panel.left.connect(self._on_left)
        self._side.came.connect(self._on_came)
        self._side.failed.connect(panel.set_note)
        self._store.changed.connect(self._on_changed)
        return panel

    def go_to(self, source: "Source") -> None:
        """Open a tile in the main window, with the model that it was scored with."""
        folder = self._store.state.folder
        model = folder.model if folder is not None else None
        # the same calibration tiles, or it would be another pruned model
        kept = model.calibration if model is not None and self._holds else None
        self._controller.open("", source, calibration=kept)

    @property
    def _holds(self) -> bool:
        return can_go_on(self._store.state)

    @Slot()
    def close(self) -> None:
        """Let go of everything. Call before the window goes."""
        if self._side is not None:
            self._side.close()
        self._unread.clear()
        self.panel = None

    @Slot()
    def _on_left(self) -> None:
        self._unread.clear()
        self._store.dispatch(events.FolderClosed())

    # What comes back

    @Slot(object)
    def _on_came(self, value: object) -> None:
        if isinstance(value, ScoredFolder):
            self._unread = list(value.tiles)
            self._read_next()
            self._store.dispatch(events.FolderOpened(value))
        elif isinstance(value, Thumbnail):
            if self.panel is not None:
                self.panel.grid.set_picture(value.source, value.pixels)
            self._read_next()

    def _read_next(self) -> None:
        """Read one more picture: others may need the lane in between."""
        if self._unread and self._side is not None:
            source = self._unread.pop(0).source
            self._side.submit(lambda: read_thumbnail(source))

    @Slot(object, object)
    def _on_changed(self, old: "AppState", new: "AppState") -> None:
        if self.panel is None or new.folder is None:
            return
        panel, folder = self.panel, new.folder
        metric = new.display.metric
        if old.folder is None or old.folder.path != folder.path:
            number = text.counted(len(folder.tiles), "tile")
            title = f"{Path(folder.path).name}, {number}"
            panel.set_folder(title, " ".join(folder.notes))
        if folder is not old.folder or metric != old.display.metric:
            panel.grid.set_tiles(list_cards(folder, metric))
        if opened_of(new) != opened_of(old) or folder is not old.folder:
            panel.grid.set_opened(opened_of(new))
        same = (
            folder is old.folder
            and new.opened is old.opened
            and new.request == old.request
            and metric == old.display.metric
        )
        if not same:
            self._show_work(new)

    def _show_work(self, state: "AppState") -> None:
        panel, folder = self.panel, state.folder
        if panel is None or folder is None:
            return
        done, total = len(folder.scores), len(folder.tiles)
        late = folder.model is not None and folder.model != find_model(state)
        panel.set_scored(describe_scores(state, folder), late=late)
        running = folder.running and can_go_on(state)
        panel.set_estimate(describe_rest(folder, late=late), ready=total > 0)
        panel.set_running(running)
        if running:
            panel.set_progress(done, total, "Scored when nothing else is computed.")
        else:
            panel.set_said("" if done == total or not done else "Stopped.")


def opened_of(state: "AppState") -> "Source | None":
    """Return what the open tile was opened from."""
    return state.opened.source if state.opened is not None else None


def describe_scores(state: "AppState", folder: ScoredFolder) -> str:
    """Return what the scores of a folder are of."""
    model = folder.model
    if model is None:
        return "Not scored yet."
    heuristics = state.opened.heuristics if state.opened is not None else ()
    titles = {item.name: item.title for item in heuristics}
    request = model.request
    name = series_name(request, titles)
    pruned = name if request.model else f"{name}, {text.percent(request.sparsity, 1)}"
    metric = METRICS[state.display.metric]
    truths = [score.truth for score in folder.scores.values() if not score.problem]
    against = "the ground truth"
    if not all(truths) or not truths:
        against += ", or the dense model where there is none"
        against = "the dense model" if truths and not any(truths) else against
    words = f"{metric.title} of {pruned}, against {against}, worst first."
    now = find_model(state)
    if now is None or now == model:
        return words
    if replace(now, request=request) == model:
        return f"{words} The active pane shows another model."
    return f"{words} The open model or its calibration has changed since."


def describe_rest(folder: ScoredFolder, *, late: bool) -> str:
    """Return what the button would do."""
    done, total = len(folder.scores), len(folder.tiles)
    if folder.running or (done == total and not late):
        return f"{done:,} of {total:,} tiles scored."
    if late or not done:
        return "Scores all tiles with the model of the active pane."
    return f"{done:,} of {total:,} tiles scored; goes on with the rest."


def list_cards(folder: ScoredFolder, metric: str) -> "list[TileCard]":
    """Return what is written below each tile, the worst first."""
    return [
        describe_tile(tile, folder.scores.get(tile.source), metric)
        for tile in folder.sort(metric)
    ]


def describe_tile(tile: FolderTile, score: TileScore | None, metric: str) -> "TileCard":
    """Return what is written below one tile."""
    from app.views.panels.tile_folder import TileCard

    if score is None:
        tip = f"{tile.name}\nNo score yet."
        return TileCard(tile.source, tile.name, tip=tip)
    if score.problem:
        tip = f"{tile.name}\n{score.problem}"
        return TileCard(
            tile.source, tile.name, text.DASH, "not scored", tip, doubt=True
        )
    value = text.score(score.value(metric))
    gone = score.lost + score.merged
    about = f"{gone:,} of {score.dense:,} gone" if gone else f"{score.dense:,} nuclei"
    against = "the ground truth" if score.truth else "the dense model"
    lines = [
        tile.name,
        f"{METRICS[metric].title} {value} against {against}",
        f"The dense model finds {text.counted(score.dense, 'nucleus', 'nuclei')}; "
        f"the pruned one loses {score.lost:,} and merges {score.merged:,}.",
        *score.notes,
    ]
    return TileCard(
        tile.source, tile.name, value, about, "\n".join(lines), doubt=bool(score.notes)
    )
