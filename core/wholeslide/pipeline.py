"""Reading, networks and instances of a slide, at the same time.

Patches are read ahead by one thread, the networks run in the caller's, and nuclei are
found by a third. Each hands over few patches at a time, so memory depends on the size
of a patch and not on that of the slide.
"""

from __future__ import annotations

import time
from collections import deque
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core.deployment import deploy
from core.errors import InputError
from core.images import read_slide
from core.job import Job
from core.nuclei.batches import Precision, forward_batch
from core.nuclei.outputs import cut
from core.nuclei.preprocess import pixels_to_input
from core.sweep.provenance import weights_hash
from core.wholeslide.finder import HALO, NucleusFinder
from core.wholeslide.grid import SlideGrid, build_grid
from core.wholeslide.log import SlideLog
from core.wholeslide.tissue import find_tissue

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray
    from torch import nn

    from core.images import Slide
    from core.models import LoadedModel
    from core.nuclei import Maps
    from core.types import ModelSpec

LOG_NAME = "run.sqlite"
_AHEAD = 2  # batches that are read before they are needed
_BEHIND = 4  # patches whose nuclei wait to be found


@dataclass(frozen=True, slots=True)
class SlideSettings:
    """How a slide is run.

    Parameters
    ----------
    mpp
        Micrometres per pixel, in place of what the slide says.
    resample
        Whether the slide may be resampled to the pixel size of the model.
    everywhere
        Whether patches without tissue are looked at, too.
    batch
        Patches that go through a network together.
    precision
        See `core.nuclei.batches`.
    runtime
        Key of `core.deployment.RUNTIMES`.
    threads
        Of another runtime than torch; 0 for as many as torch has.
    """

    mpp: float | None = None
    resample: bool = True
    everywhere: bool = False
    batch: int = 1
    precision: Precision = "float32"
    runtime: str = "torch"
    threads: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class SlideRun:
    """A finished run.

    Parameters
    ----------
    log
        What was found; open.
    grid
        Where patches lie.
    tissue
        bool (rows, columns), patches that were looked at.
    specs
        Of the models, dense first.
    overview
        uint8 (height, width, 3), the slide at low power; None where it has no coarse
        level.
    notes
        Sentences that a user should know.
    """

    log: SlideLog
    grid: SlideGrid
    tissue: NDArray[np.bool_]
    specs: tuple[ModelSpec, ...]
    overview: NDArray[np.uint8] | None
    notes: tuple[str, ...] = ()


def run_slide(
    models: Sequence[LoadedModel],
    path: Path,
    folder: Path,
    settings: SlideSettings | None = None,
    job: Job | None = None,
) -> SlideRun:
    """Find the nuclei of a slide.

    Parameters
    ----------
    models
        One, or the dense and the pruned one; both see the same patches.
    path
        Of the slide.
    folder
        Where the log is; a run that was stopped goes on there.
    settings
        See `SlideSettings`.
    job
        Progress with the time that is left, and cancelling.

    Returns
    -------
    SlideRun
        Its log has to be closed.

    Raises
    ------
    InputError
        When the slide, or the folder, cannot be used with these models.
    Cancelled
        What was found so far is in the log.
    """
    settings, job = settings or SlideSettings(), job or Job()
    specs = tuple(model.spec for model in models)
    _check_specs(specs)
    with read_slide(path) as slide:
        grid = build_grid(slide, specs[0], settings.mpp, resample=settings.resample)
        tissue, note = find_tissue(slide, grid)
        if settings.everywhere:
            tissue, note = np.ones(grid.shape, np.bool_), ""
        overview = None if note else slide.overview().pixels
        identity = _identity(models, slide, grid, settings)
        log = SlideLog(folder / LOG_NAME, identity)
        try:
            _Work(models, slide, grid, log, settings).run(tissue, job)
        except BaseException:
            log.close()
            raise
        notes = (*slide.notes, *filter(None, [note]))
    return SlideRun(log, grid, tissue, specs, overview, notes)


def _check_specs(specs: Sequence[ModelSpec]) -> None:
    """Refuse models that do not see the same patches."""
    for spec in specs:
        if spec.task != "nuclei":
            raise InputError(
                f"{spec.name} gives one class for a whole patch; choose a model that "
                "finds nuclei."
            )
    if len({(each.window, each.stride, each.reader, each.mpp) for each in specs}) > 1:
        raise InputError(
            f"{specs[0].name} and {specs[1].name} take other patches or pixel sizes; "
            "compare a model with one that was pruned from it."
        )


def _identity(
    models: Sequence[LoadedModel],
    slide: Slide,
    grid: SlideGrid,
    settings: SlideSettings,
) -> dict[str, Any]:
    """Return everything that decides the result, by the name a user knows it by."""
    path = slide.path
    size = path.stat().st_size if path.is_file() else 0
    kinds = ("model", "pruned model")
    return {
        **{kind: weights_hash(m) for kind, m in zip(kinds, models, strict=False)},
        "slide": [path.name, size, *slide.size],
        "scale": [grid.level, str(grid.ratio), grid.mpp],
        "choice of patches": [settings.everywhere, HALO],
        "precision": settings.precision,
        # left out for torch, so that folders of earlier versions go on
        **({"runtime": settings.runtime} if settings.runtime != "torch" else {}),
    }


class _Work:
    """Everything that the log does not have."""

    def __init__(
        self,
        models: Sequence[LoadedModel],
        slide: Slide,
        grid: SlideGrid,
        log: SlideLog,
        settings: SlideSettings,
    ) -> None:
        self._models, self._settings = models, settings
        self._slide, self._grid, self._log = slide, grid, log
        modules = [_deployed(model, settings) for model in models]
        self._networks = _Networks(models, modules, settings)
        self._reader = ThreadPoolExecutor(1, "slide-reader")
        self._finding = ThreadPoolExecutor(1, "slide-nuclei")

    def run(self, tissue: NDArray[np.bool_], job: Job) -> None:
        """Do it; nothing runs any more when this returns or raises."""
        specs = [model.spec for model in self._models]
        finder = NucleusFinder(self._grid, tissue, specs, self._log)
        seen = self._log.patches()
        wanted = np.flatnonzero(tissue.ravel()).tolist()
        todo = [number for number in wanted if number not in seen]
        left = TimeLeft(len(todo))
        waiting = deque([self._finding.submit(finder.advance)])
        try:
            for batch in self._read_ahead(todo):
                done = len(wanted) - left.remaining
                job.step(done, len(wanted), f"patches{left.words()}")
                for number, maps in self._see(batch):
                    waiting.append(self._finding.submit(finder.add, number, maps))
                left.finish(len(batch.numbers))
                while len(waiting) > _BEHIND:
                    waiting.popleft().result()
            for each in waiting:
                each.result()
            job.step(len(wanted), len(wanted), "patches")
            if todo:
                self._log.shrink()
        finally:
            self._reader.shutdown(wait=True, cancel_futures=True)
            self._finding.shutdown(wait=True, cancel_futures=True)

    def _see(self, batch: _Batch) -> Iterator[tuple[int, list[Maps]]]:
        """Run the networks over a batch; each patch is in the log when it is given."""
        found, spent = self._networks.run(batch.pixels, batch.numbers[0])
        for index, number in enumerate(batch.numbers):
            rows, columns = (span.keep for span in self._grid.spans(number))
            maps = [cut(each[index], (rows, columns)) for each in found]
            seconds = {"read": batch.seconds / len(batch.numbers), "network": spent}
            self._log.add_patch(number, seconds, maps)
            yield number, maps

    def _read_ahead(self, todo: Sequence[int]) -> Iterator[_Batch]:
        """Yield batches that were read while the networks ran."""
        size = max(self._settings.batch, 1)
        ahead: deque[Future[_Batch]] = deque()
        for at in range(0, len(todo), size):
            ahead.append(self._reader.submit(self._read, list(todo[at : at + size])))
            if len(ahead) > _AHEAD:
                yield ahead.popleft().result()
        while ahead:
            yield ahead.popleft().result()

    def _read(self, numbers: list[int]) -> _Batch:
        start = time.perf_counter()
        pixels = [self._grid.read(self._slide, number) for number in numbers]
        return _Batch(numbers, pixels, time.perf_counter() - start)


@dataclass(frozen=True, slots=True, eq=False)
class _Batch:
    """Patches that go through the networks together, and how long reading took."""

    numbers: list[int]
    pixels: list[NDArray[np.uint8]]
    seconds: float


class _Networks:
    """Both networks, in turns that alternate from patch to patch."""

    def __init__(
        self,
        models: Sequence[LoadedModel],
        modules: Sequence[nn.Module],
        settings: SlideSettings,
    ) -> None:
        self._models, self._modules, self._settings = models, modules, settings

    def run(
        self, pixels: list[NDArray[np.uint8]], number: int
    ) -> tuple[list[list[Maps]], list[float]]:
        """Return maps by model and patch, and seconds a patch by model.

        Which network goes first depends on the number of the patch, so that neither
        always finds the caches warm.
        """
        count = len(self._models)
        found: list[list[Maps]] = [[] for _ in range(count)]
        spent = [0.0] * count
        turn = range(count) if number % 2 == 0 else reversed(range(count))
        for place in turn:
            model = self._models[place]
            start = time.perf_counter()
            inputs = torch.cat([pixels_to_input(each, model) for each in pixels])
            found[place] = forward_batch(
                self._modules[place], model.spec, inputs, self._settings.precision
            )
            spent[place] = (time.perf_counter() - start) / len(pixels)
        return found, spent


def _deployed(model: LoadedModel, settings: SlideSettings) -> nn.Module:
    """Return a module that runs the network in the runtime that was asked for."""
    if settings.runtime == "torch":
        return model.module
    if next(model.module.parameters()).device.type != "cpu":
        raise InputError(
            "Other runtimes than torch run on the processor; choose --device cpu."
        )
    if settings.precision != "float32":
        raise InputError(
            "Other runtimes than torch compute in float32; leave out --precision."
        )
    return deploy(model, settings.runtime, settings.threads or torch.get_num_threads())


class TimeLeft:
    """How long the remaining patches will take, going by those of this run.

    Parameters
    ----------
    remaining
        Patches to do.
    clock
        Seconds, from any origin.
    """

    def __init__(
        self, remaining: int, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.remaining = remaining
        self._clock = clock
        self._start: float | None = None
        self._done = 0

    def finish(self, patches: int) -> None:
        """Count patches that are done; the first ones only start the clock."""
        self.remaining -= patches
        if self._start is None:  # caches, memory and thread pools are set up by then
            self._start = self._clock()
            return
        self._done += patches

    @property
    def seconds(self) -> float | None:
        """Seconds that are left; None before anything can be said."""
        if self._start is None or not self._done:
            return None
        return (self._clock() - self._start) / self._done * self.remaining

    def words(self) -> str:
        """Return ``, about 3 min left``, or nothing."""
        seconds = self.seconds
        if seconds is None:
            return ""
        if seconds < 90:
            return f", about {seconds:.0f} s left"
        if seconds < 5400:
            return f", about {seconds / 60:.0f} min left"
        return f", about {seconds / 3600:.1f} h left"
