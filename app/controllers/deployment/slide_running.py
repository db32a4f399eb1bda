"""Whole slides from the window: from a wish to a process, from its files to a map.

To read this file, start from `SlideRunning.start`.
"""

import json
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from PySide6.QtCore import QObject, QStandardPaths, Slot

from app.controllers.deployment.pruned_file import PrunedFile, model_arguments
from app.controllers.deployment.side_work import SideWork
from app.controllers.work_process import WorkProcess
from app.state.deployment import Available, SlideWish
from app.state.slide_map import SlideMap, find_part
from app.text.slide_result import UNITS, lines
from core.children import COMMAND
from core.errors import BenchError, InputError

if TYPE_CHECKING:
    from collections.abc import Callable

    from app.state.store import Store
    from app.state.values import Opened
    from app.views.panels.slide_run import SlideRunWindow
    from app.worker.runner import Runner
    from core.sources import Source

_LOG, _SUMMARY = "run.sqlite", "summary.json"
_KEPT = "finished patches are kept"


@dataclass(frozen=True, slots=True, eq=False)
class SlideResult:
    """A finished run and its slide.

    Parameters
    ----------
    summary
        As `core.wholeslide.regions.summarise` returns it, with the slide's path.
    folder
        Where it lies.
    slide
        The slide, small; None when its file is gone.
    """

    summary: dict[str, Any]
    folder: Path
    slide: SlideMap | None


class SlideRunning(QObject):
    """Joins the window of whole slides, the process that runs one and the main window.

    Parameters
    ----------
    window
        What asks and is set.
    store
        Says which model is open and how it is pruned.
    runner
        Reads results in its lane for files.
    open_part
        Opens a part of a slide in the main window.
    """

    def __init__(
        self,
        window: "SlideRunWindow",
        store: "Store",
        runner: "Runner",
        open_part: "Callable[[Source], None]",
    ) -> None:
        super().__init__(window)
        self._window, self._store, self._open_part = window, store, open_part
        self._wish: SlideWish | None = None  # of the run that begins
        self._result: SlideResult | None = None
        self.process = WorkProcess(COMMAND, "slide run", _KEPT, parent=self)
        self._side = SideWork(runner, self)
        self._pruned = PrunedFile(store, self)
        self._connect()
        self._side.submit(_find_available)

    def _connect(self) -> None:
        window, process = self._window, self.process
        window.startAsked.connect(self.start)
        window.cancelAsked.connect(self.cancel)
        window.wishChanged.connect(self._show_size)
        window.placeAsked.connect(self.go_to)
        window.resultsAsked.connect(self.open_results)
        process.stepped.connect(window.set_progress)
        process.ended.connect(self._on_ended)
        process.failed.connect(self._on_failed)
        self._side.came.connect(self._on_came)
        self._side.failed.connect(lambda words: self._on_failed(words, ""))
        self._pruned.ready.connect(self._on_pruned)
        self._pruned.failed.connect(lambda words: self._on_failed(words, ""))

    def set_opened(self, opened: "Opened | None") -> None:
        """Take note of what the main window shows."""
        if opened is None:
            return
        window = self._window
        if not window.wish.slide and opened.slide is not None:
            window.set_slide(opened.slide.source.name)
        self._show_size(window.wish)

    # What the user asks for

    def start(self, wish: SlideWish) -> None:
        """Run a slide, or go on with it; the pruned model is written first."""
        if self._store.state.opened is None or self.process.running or self._wish:
            return
        self._wish = wish
        self._window.set_running(True)
        self._window.set_note("")
        self._window.set_progress(0, 0, "Starting")
        if wish.pruned:
            self._window.set_progress(0, 0, "Writing the pruned model")
            self._pruned.ask(Path(wish.out))
        else:
            self._order("")

    def cancel(self) -> None:
        """End the run at once; finished patches stay."""
        self._wish = None
        self.process.cancel()
        self._stopped(f"Cancelled; {_KEPT}. Run slide goes on.")

    def open_results(self, folder: str) -> None:
        """Show the map of an earlier run."""
        self._side.submit(lambda: read_result(Path(folder)))

    def go_to(self, place: int) -> None:
        """Open a region in the main window."""
        found = self._result
        if found is None or found.slide is None:
            return
        region = found.summary["regions"][place]
        box = region["x"], region["y"], region["width"], region["height"]
        view = find_part(found.slide, box, _typed_size(self._store.state.opened))
        self._open_part(replace(found.slide.source, view=view))

    def close(self) -> None:
        """End everything. Call before the window goes."""
        self._wish = None
        self.process.close()
        self._side.close()
        self._window.deleteLater()

    # What comes back

    @Slot(str)
    def _on_pruned(self, path: str) -> None:
        if self._wish is not None:
            self._order(path)

    def _order(self, plan: str) -> None:
        wish, self._wish = self._wish, None
        opened = self._store.state.opened
        if wish is None or opened is None:
            return
        options = ["slide", *model_arguments(opened.model.source), "--json"]
        options += ["--plan", plan] if plan else []
        mpp = _typed_size(opened) if _is_open(opened, wish.slide) else None
        options += ["--tile-mpp", f"{mpp:g}"] if mpp else []
        self.process.start(json.dumps([*options, *wish.arguments()]))

    @Slot(object)
    def _on_came(self, value: object) -> None:
        if isinstance(value, Available):
            self._window.deployment.set_available(value)
        elif isinstance(value, SlideResult):
            self._show_result(value)

    def _show_result(self, found: SlideResult) -> None:
        self._result = found
        unit = UNITS[found.summary["unit"]]
        regions = found.summary.get("regions", ())
        self._window.set_results(found.slide, regions, unit)
        told = lines(found.summary, found.folder, worst=0)  # the table has them
        self._window.set_summary([" ".join(each.split()) for each in told])

    @Slot(str)
    def _on_ended(self, _: str) -> None:
        self._stopped("Done.")
        self.open_results(self._window.wish.out)

    @Slot(str, str)
    def _on_failed(self, sentence: str, details: str) -> None:
        self._wish = None
        if not self.process.running:
            self._stopped("")
        self._window.set_note(sentence, details)

    def _stopped(self, words: str) -> None:
        self._window.set_running(False)
        self._window.set_said(words)
        self._show_size(self._window.wish)

    @Slot(object)
    def _show_size(self, wish: SlideWish) -> None:
        opened = self._store.state.opened
        if opened is None or opened.model.task != "nuclei":
            words = "Open a model that finds nuclei first."
            self._window.set_estimate(words, ready=False)
            return
        if wish.slide and not wish.out:
            self._window.set_out(str(default_folder(wish.slide)))
            wish = self._window.wish
        self._window.set_models(_models(opened, wish, self._store.state.request))
        problem = wish.missing()
        there = ""
        if not problem and Path(wish.out, _LOG).is_file():
            done = Path(wish.out, _SUMMARY).is_file()
            there = "This folder holds a run, which is "
            there += "shown again." if done else "gone on with where it stopped."
        self._window.set_estimate(problem or there, ready=not problem)


def read_result(folder: Path) -> SlideResult:
    """Read a finished run and its slide, small.

    Parameters
    ----------
    folder
        Of the run.

    Raises
    ------
    InputError
        When the folder holds no finished run.
    """
    path = folder / _SUMMARY
    try:
        summary = json.loads(path.read_text(encoding="utf-8"))
        words = UNITS[summary["unit"]], summary["models"], summary["time"]
        assert all(words)
    except (OSError, ValueError, KeyError, TypeError, AssertionError) as error:
        raise InputError(
            f"{folder} holds no finished run of a slide; choose another folder."
        ) from error
    return SlideResult(summary, folder, _slide_of(summary))


def _slide_of(summary: dict[str, Any]) -> SlideMap | None:
    from app.worker.slides import read_map  # late: the window is there first

    try:
        found = read_map(Path(str(summary.get("slide", ""))))
    except BenchError:
        return None
    return replace(found, wanted=summary.get("model_mpp"))


def default_folder(slide: str) -> Path:
    """Return where the results of a slide go when nobody says."""
    place = QStandardPaths.StandardLocation.DocumentsLocation
    folder = QStandardPaths.writableLocation(place) or str(Path.home())
    return Path(folder) / "PruneScope" / f"{Path(slide).stem}-slide"


def _find_available() -> Available:
    from app.worker.deployment import find_available  # imports torch

    return find_available()


def _typed_size(opened: "Opened | None") -> float | None:
    """Return the pixel size that was typed for the open part of a slide."""
    return opened.source.view.pixel_size if opened else None


def _is_open(opened: "Opened", slide: str) -> bool:
    return opened.source.name == slide


def _models(opened: "Opened", wish: SlideWish, request: Any) -> str:
    """Say which models run."""
    dense = Path(opened.model.source).name
    if not wish.pruned:
        return dense
    if request.model:
        return f"{dense}, and {Path(request.model).name} beside it"
    return (
        f"{dense}, and the model of the active pane beside it: {request.heuristic}, "
        f"{request.sparsity:.0%} removed"
    )
