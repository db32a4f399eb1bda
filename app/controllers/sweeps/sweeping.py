"""Sweeps from the window: from a wish to a process, from its store to curves.

To read this file, start from `Sweeping.start`.
"""

import os
from collections.abc import Callable
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QStandardPaths, Slot

from app.controllers.sweeps.process import order_of
from app.controllers.sweeps.stores import read_results
from app.controllers.work_process import WorkProcess
from app.plots.data import PlotData
from app.plots.exports import ChartExport
from app.plots.registry import chart_kind
from app.plots.state_data import Caption, file_stem
from app.plots.store_data import store_dash, store_data
from app.state.deployment import Available
from app.state.plot_settings import PlotSettings
from app.state.sweep_values import StoreContents, SweepSettings
from app.state.timers import single_shot
from app.text import format as text
from app.views.widgets.store_list import StoreRow
from app.worker.runner import Failure, Runner
from core.children import SWEEP
from core.results import TrialIdentity
from core.tables import TILE_ENDINGS, metric_titles

if TYPE_CHECKING:
    from app.state.values import Opened
    from app.views.panels.sweep import SweepWindow
    from core.types import PruneRequest

READ_MS = 150  # between looks at a store that is being written
_NO_SCORE = (
    "No score is defined for these trials: neither the whole nor a pruned model "
    "finds a nucleus, and there is no ground truth."
)


@dataclass(frozen=True, slots=True)
class _Ordered:
    """An order that is ready to be started, made on the worker thread."""

    text: str
    out: Path


@dataclass(slots=True)
class _Shown:
    """What the curves are drawn from."""

    results: list[StoreContents] = field(default_factory=list)
    plots: PlotSettings = field(default_factory=PlotSettings)


class Sweeping(QObject):
    """Joins the sweep window, the process that sweeps and the main window.

    Parameters
    ----------
    window
        What asks and is set.
    runner
        Reads stores in its lane for files.
    go_to
        Puts the main window to a request.
    parent
        Qt owner.
    """

    def __init__(
        self,
        window: "SweepWindow",
        runner: Runner,
        go_to: Callable[["PruneRequest"], None],
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._window, self._runner, self._go_to = window, runner, go_to
        self._reads: list[int] = []  # numbers of what the runner was given
        self._opened: Opened | None = None
        self._shown = _Shown()
        self._out: Path | None = None  # store of the sweep that runs
        self._reading = False
        self._starting = False
        self._closed = False
        self._tiles: tuple[str, int] = "", 1  # folder last counted
        self.process = WorkProcess(SWEEP, "sweep", "finished trials are kept", self)
        self._soon = single_shot(self, READ_MS, self._read_on)
        self._connect()
        self._submit(_find_available)
        self._show_size(window.form.wish)
        self._show_results()

    def _connect(self) -> None:
        window, process = self._window, self.process
        window.startAsked.connect(self.start)
        window.cancelAsked.connect(self.cancel)
        window.wishChanged.connect(self._show_size)
        window.openAsked.connect(self.open_results)
        window.closeAsked.connect(self.close_results)
        window.charts.settingsChosen.connect(self._on_settings)
        window.charts.exportAsked.connect(self._on_export)
        window.charts.pointChosen.connect(self._on_point)
        process.stepped.connect(window.set_progress)
        process.stored.connect(self._on_stored)
        process.ended.connect(self._on_ended)
        process.failed.connect(self._on_failed)
        self._runner.finished.connect(self._on_came)
        self._runner.failed.connect(self._on_came)

    # What the user asks for

    def set_opened(self, opened: "Opened | None") -> None:
        """Take note of what the main window shows."""
        if opened is None or opened is self._opened:
            return
        fresh = self._opened is None or self._opened.model.source != opened.model.source
        self._opened = opened
        self._window.form.set_heuristics(opened.heuristics)
        if fresh and not self.process.running:
            self._window.form.set_store(str(default_store(opened.model.source)))
        self._show_size(self._window.form.wish)
        self._show_results()

    def set_locked(self, names: tuple[str, ...]) -> None:
        """Take note of the layers that the main window keeps at full width."""
        self._window.form.set_locked(names)
        self._show_size(self._window.form.wish)

    def start(self, wish: SweepSettings) -> None:
        """Start a sweep; trials that its store has are not run again."""
        opened = self._opened
        if opened is None or self.process.running or self._starting:
            return
        model, source = opened.model.source, opened.source.pair
        out = Path(wish.out)
        self._starting = True
        self._window.set_running(True)
        self._window.set_progress(0, 0, "Starting")
        self._window.set_note("")
        self._submit(lambda: _Ordered(order_of(model, wish, source), out))

    def cancel(self) -> None:
        """End the sweep at once; its finished trials stay."""
        self._starting = False
        self.process.cancel()
        self._stopped("Cancelled; finished trials are kept. Start it again to go on.")

    def open_results(self, path: str) -> None:
        """Draw the curves of a store."""
        here = Path(path)
        known = next((r for r in self._shown.results if _same(r.path, here)), None)
        self._submit(lambda: read_results(here, known))

    def close_results(self, place: int) -> None:
        """Take a store off the plots."""
        if place < len(self._shown.results):
            del self._shown.results[place]
            self._show_results()

    def close(self) -> None:
        """End everything. Call before the window goes."""
        self._closed = True
        self._soon.stop()
        self.process.close()
        for number in self._reads:
            self._runner.cancel(number)
        self._window.deleteLater()

    # What comes back

    def _submit(self, call: Callable[[], object]) -> None:
        """Have a store read, or an order written, beside what is computed."""
        if not self._closed:
            self._reads.append(-1 - len(self._reads))
            self._runner.start(self._reads[-1], lambda _: call(), "files")

    @Slot(int, object)
    def _on_came(self, number: int, value: object) -> None:
        if self._closed or number not in self._reads:
            return
        if isinstance(value, _Ordered):
            if self._starting:
                self._starting = False
                self._out = value.out
                self.process.start(value.text)
                self._on_stored()  # what an earlier sweep left there
        elif isinstance(value, Available):
            self._window.form.deployment.set_available(value)
        elif isinstance(value, StoreContents):
            self._reading = False
            self._accept(value)
        elif isinstance(value, Failure):
            self._reading = False
            if self._starting:
                self._starting = False
                self._stopped("")
            self._window.set_note(value.message)

    def _accept(self, found: StoreContents) -> None:
        shown = self._shown.results
        for place, each in enumerate(shown):
            if _same(each.path, found.path):
                shown[place] = found
                break
        else:
            shown.append(found)
        self._show_results()

    @Slot()
    def _on_stored(self) -> None:
        if not self._soon.isActive():
            self._soon.start()

    @Slot()
    def _read_on(self) -> None:
        if self._out is None or not self._out.exists():
            return
        if self._reading:
            self._soon.start()
            return
        self._reading = True
        self.open_results(str(self._out))

    @Slot(str)
    def _on_ended(self, sentence: str) -> None:
        self._stopped(f"Done. {sentence}")

    @Slot(str, str)
    def _on_failed(self, sentence: str, details: str) -> None:
        self._stopped("")
        self._window.set_note(sentence, details)

    def _stopped(self, words: str) -> None:
        self._window.set_running(False)
        self._window.set_said(words)
        self._on_stored()

    def _on_settings(self, settings: PlotSettings) -> None:
        self._shown.plots = settings
        self._show_results()

    def _on_export(self, asked: ChartExport) -> None:
        settings = self._shown.plots.of(asked.key)
        chart = chart_kind(asked.key).build(self._data(), settings)
        from app.export.chart_files import save_chart  # seldom needed

        self._window.set_note(save_chart(chart, asked, self._caption().note).text)

    def _on_point(self, key: object) -> None:
        """Go to a plotted state, if its model is the open one."""
        if not isinstance(key, TrialIdentity) or self._opened is None:
            return
        if not same_model(key.model, self._opened.model.source):
            self._window.set_note(
                f"This point is of the model {key.model}: open that model first, "
                "then click again."
            )
            return
        self._window.set_note("")
        self._go_to(key.request)

    # What is shown

    @Slot(object)
    def _show_size(self, wish: SweepSettings) -> None:
        opened = self._opened
        if opened is None:
            self._window.set_estimate("Open a model first.", ready=False)
            return
        tiles = self._count(wish.data) if wish.data else 1
        words = f"{opened.picture.name}" if not wish.data else _tiles(tiles)
        self._window.form.set_about(words)
        problem = wish.missing()
        if self._window.form.lacks_folder:
            problem = "Choose a folder of tiles."
        elif not tiles:
            problem = "This folder holds no images: choose another."
        if problem:
            self._window.set_estimate(problem, ready=False)
            return
        network = opened.seconds.get("network", 1.0)
        where = wish.machines.describe()
        seconds = wish.seconds(tiles, network, os.cpu_count() or 1)
        size = f"{text.counted(wish.trials, 'trial')} on {_tiles(tiles)}"
        there = " Goes on where it stopped." if Path(wish.out).exists() else ""
        self._window.set_estimate(
            f"{size}, {where or f'roughly {text.duration(seconds)}'}.{there}",
            ready=True,
        )

    def _count(self, folder: str) -> int:
        """Count the images of a folder, once for each folder."""
        if self._tiles[0] != folder:
            self._tiles = folder, count_images(Path(folder))
        return self._tiles[1]

    def _show_results(self) -> None:
        shown, window = self._shown, self._window
        results = shown.results
        defined = {key for each in results for key in each.metrics}
        if any(each.trials for each in results) and not defined:
            window.set_note(_NO_SCORE)
        if defined and shown.plots.score not in defined:
            first = next(iter(metric_titles(defined)))
            shown.plots = replace(shown.plots, score=first)
        window.set_stores(
            [_row(n, each, len(results)) for n, each in enumerate(results)]
        )
        window.charts.set_data(self._data(), shown.plots, self._caption())

    def _data(self) -> PlotData:
        heuristics = self._opened.heuristics if self._opened else ()
        titles = {each.name: each.title for each in heuristics}
        return store_data(self._shown.results, titles)

    def _caption(self) -> Caption:
        """Return which stores the charts are of."""
        names = [each.path.stem for each in self._shown.results]
        return Caption(" · ".join(names), file_stem("sweep", *names))


def _find_available() -> Available:
    from app.worker.deployment import find_available  # imports torch

    return find_available()


def default_store(model: str) -> Path:
    """Return where the results of a model go when nobody says."""
    place = QStandardPaths.StandardLocation.DocumentsLocation
    folder = QStandardPaths.writableLocation(place) or str(Path.home())
    return Path(folder) / "PruneScope" / f"{Path(model).stem or 'model'}.sqlite"


def same_model(first: str, second: str) -> bool:
    """Return whether two sources are one: a catalogue name, or a file."""
    if first == second:
        return True
    paths = Path(first), Path(second)
    return all(each.is_file() for each in paths) and paths[0].samefile(paths[1])


def count_images(folder: Path) -> int:
    """Count the tiles that a sweep of a folder would read."""
    place = folder / "images" if (folder / "images").is_dir() else folder
    if not place.is_dir():
        return 0
    found = _images(place)
    if not found and place == folder:  # one folder for each class
        found = sum(_images(each) for each in place.iterdir() if each.is_dir())
    return found


def _images(place: Path) -> int:
    return sum(
        each.suffix.lower() in TILE_ENDINGS and not each.name.startswith(".")
        for each in place.iterdir()
    )


def _tiles(number: int) -> str:
    return text.counted(number, "tile")


def _same(first: Path, second: Path) -> bool:
    return first.absolute() == second.absolute()


def _row(number: int, results: StoreContents, stores: int) -> StoreRow:
    dash = store_dash(number, stores) or "solid"
    parts = [results.machine, text.counted(len(results.trials), "trial")]
    if results.tiles:
        parts.append(_tiles(results.tiles))
    if results.impossible:
        parts.append(f"{results.impossible} impossible")
    about = " · ".join(part for part in parts if part)
    return StoreRow(results.path.name, about, str(results.path), dash)
