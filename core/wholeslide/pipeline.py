"""Reading, networks and instances of a slide, at the same time.

Patches are read ahead by one thread, the networks run in the caller's, and nuclei are
found by a third. Each hands over few patches at a time, so memory depends on the size
of a patch and not on that of the slide.
"""

from __future__ import annotations

from collections import deque
from collections.abc import Generator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError
from core.images import read_slide
from core.job import Job
from core.nuclei.batches import describe_memory
from core.sweep.provenance import weights_hash
from core.wholeslide.finder import HALO, NucleusFinder
from core.wholeslide.grid import SlideGrid, build_grid
from core.wholeslide.log import SlideLog
from core.wholeslide.patches import LocalPatches, PatchSource
from core.wholeslide.settings import SlideSettings
from core.wholeslide.time_left import TimeLeft
from core.wholeslide.tissue import find_tissue

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    import torch
    from numpy.typing import NDArray

    from core.images import Slide
    from core.models import LoadedModel
    from core.types import ModelSpec

LOG_NAME = "run.sqlite"
_BEHIND = 4  # patches whose nuclei wait to be found


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
    *,
    source: PatchSource | None = None,
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
    source
        Gives what the networks find in patches; those of this process if left out.

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
            if source is None:
                source = LocalPatches(models, slide, grid, settings)
            device = next(models[0].module.parameters()).device
            _Work(specs, grid, log, source, device).run(tissue, job)
        except BaseException:
            log.close()
            raise
        notes = (*slide.notes, *filter(None, [note]), *source.notes)
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
        specs: Sequence[ModelSpec],
        grid: SlideGrid,
        log: SlideLog,
        source: PatchSource,
        device: torch.device,
    ) -> None:
        self._device = device
        self._specs, self._grid, self._log, self._source = specs, grid, log, source
        self._finding = ThreadPoolExecutor(1, "slide-nuclei")

    def run(self, tissue: NDArray[np.bool_], job: Job) -> None:
        """Do it; nothing runs any more when this returns or raises."""
        finder = NucleusFinder(self._grid, tissue, self._specs, self._log)
        seen = self._log.patches()
        wanted = np.flatnonzero(tissue.ravel()).tolist()
        todo = [number for number in wanted if number not in seen]
        left = TimeLeft(len(todo))
        waiting = deque([self._finding.submit(finder.advance)])

        def tell() -> None:
            done = len(wanted) - left.remaining
            held = describe_memory(self._device)
            words = f"patches{left.words()}{held and f', {held}'}"
            job.step(done, len(wanted), words)

        found = self._source.see(todo)
        try:
            tell()
            for each in found:
                self._log.add_patch(each.number, each.seconds, each.maps)
                waiting.append(self._finding.submit(finder.add, each.number, each.maps))
                left.finish(1, self._source.burst)
                while len(waiting) > _BEHIND:
                    waiting.popleft().result()
                tell()
            for task in waiting:
                task.result()
            job.step(len(wanted), len(wanted), "patches")
            if todo:
                self._log.shrink()
        finally:
            if isinstance(found, Generator):
                found.close()
            self._finding.shutdown(wait=True, cancel_futures=True)
