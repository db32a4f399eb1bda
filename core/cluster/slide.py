"""A slide on the workers of a Dask cluster: each task is a block of patches.

Workers read the slide and run the networks; nuclei are found here, from the maps that
come back, by the same code as without workers. To read this file, start from
`run_cluster_slide`.
"""

from __future__ import annotations

import os
import platform
from collections import Counter, deque
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import torch

from core.arithmetic import flush_denormals
from core.benchmark.model import to_inference_layout
from core.cluster.connection import Connection, is_lost, lost_note
from core.cluster.worker import WorkerVersion
from core.errors import BenchError, InputError
from core.images import read_slide
from core.job import Cancelled, Job
from core.wholeslide import (
    LocalPatches,
    SlideSettings,
    build_grid,
    build_module,
    run_slide,
)

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from distributed import Future
    from torch import nn

    from core.cluster.connection import ClusterSettings
    from core.models import LoadedModel
    from core.wholeslide import SeenPatch, SlideRun

_BLOCK = 8  # patches of a task: some seconds of work, and 16 MB of maps
_AHEAD = 2  # tasks for each worker that are handed out
_POLL = 0.2  # seconds between looks at the cancel flag
_MOST_DEATHS = 3  # of workers that had one block


@dataclass(frozen=True, slots=True)
class SlideBlock:
    """Patches of a slide as they travel to a worker.

    Parameters
    ----------
    path
        Of the slide, the same on all machines.
    size
        Of the slide's finest level: another file of that name is refused.
    settings
        See `SlideSettings`.
    numbers
        Of the patches.
    sharing
        Into how many parts the cores of the worker's machine go; it uses one.
    version
        Of the program that asks.
    """

    path: Path
    size: tuple[int, int]
    settings: SlideSettings
    numbers: tuple[int, ...]
    sharing: int
    version: WorkerVersion


def run_cluster_slide(
    models: Sequence[LoadedModel],
    path: Path,
    folder: Path,
    settings: SlideSettings,
    cluster: ClusterSettings,
    job: Job | None = None,
) -> SlideRun:
    """Find the nuclei of a slide with workers.

    Parameters
    ----------
    models, path, folder, settings, job
        As of `core.wholeslide.run_slide`; workers read the slide at the same path.
    cluster
        Which workers.

    Raises
    ------
    InputError
        When there are no workers, one has another version or cannot read the slide.
    InputError, Cancelled
        As `core.wholeslide.run_slide`.
    """
    job = job or Job()
    path = path.absolute()
    with read_slide(path) as slide:
        size = slide.size
    with Connection(cluster, job) as connection:
        patches = _ClusterPatches(connection, models, (path, size), settings, job)
        return run_slide(models, path, folder, settings, job, source=patches)


class _ClusterPatches:
    """Hands out blocks of patches, few at a time, and gives what comes back."""

    def __init__(
        self,
        connection: Connection,
        models: Sequence[LoadedModel],
        slide: tuple[Path, tuple[int, int]],
        settings: SlideSettings,
        job: Job,
    ) -> None:
        self._connection, self._models = connection, models
        self._slide, self._settings, self._job = slide, settings, job
        self._deaths: Counter[tuple[int, ...]] = Counter()

    @property
    def burst(self) -> int:
        """Patches that come at about the same time from all workers."""
        return _BLOCK * max(self._connection.count, 1)

    @property
    def notes(self) -> tuple[str, ...]:
        """Whether workers were lost on the way."""
        return lost_note(self._connection.lost)

    def see(self, todo: Sequence[int]) -> Iterator[SeenPatch]:
        """Yield what the networks find."""
        blocks = [tuple(todo[at : at + _BLOCK]) for at in range(0, len(todo), _BLOCK)]
        left = dict.fromkeys(blocks)
        while left:
            try:
                for block, found in self._round(list(left)):
                    del left[block]
                    yield from found
            except Exception as error:
                if not is_lost(error):
                    raise
                self._connection.renew()

    def _round(
        self, blocks: list[tuple[int, ...]]
    ) -> Iterator[tuple[tuple[int, ...], list[SeenPatch]]]:
        """Give blocks as they are done; raises when workers are lost for good."""
        connection, version = self._connection, WorkerVersion.here()
        sharing = connection.check_workers(version)
        models = connection.client.scatter(
            tuple(self._models), broadcast=True, hash=False
        )
        waiting, running = deque(blocks), dict[Any, tuple[int, ...]]()
        try:
            while waiting or running:
                most = _AHEAD * max(connection.count, 1)
                while waiting and len(running) < most:
                    block = waiting.popleft()
                    asked = SlideBlock(
                        *self._slide, self._settings, block, sharing, version
                    )
                    future = connection.client.submit(
                        see_block, models, asked, priority=-block[0], pure=False
                    )
                    running[future] = block
                if self._job.cancelled:
                    raise Cancelled
                for future in connection.wait(list(running), _POLL):
                    block = running.pop(future)
                    yield block, self._take(future, block)
        finally:
            connection.cancel(list(running))

    def _take(self, future: Future, block: tuple[int, ...]) -> list[SeenPatch]:
        """Return what a future holds; an error of it is raised here."""
        from distributed import KilledWorker

        if future.status == "error":
            error = future.exception()
            if isinstance(error, KilledWorker):
                self._deaths[block] += 1
                if self._deaths[block] >= _MOST_DEATHS:
                    raise InputError(
                        f"Patch {block[0]} ended its worker {_MOST_DEATHS} times, "
                        "probably for lack of memory; use fewer workers on each "
                        "machine, or a smaller --batch."
                    )
            if not isinstance(error, BenchError | KilledWorker):
                raise RuntimeError(f"a worker failed: {error!r}") from error
            raise error
        found: list[SeenPatch] = future.result(timeout=30)
        return found


def see_block(models: tuple[LoadedModel, ...], asked: SlideBlock) -> list[SeenPatch]:
    """Run the networks over a block of patches on this worker.

    Raises
    ------
    InputError
        When this worker has another version, or cannot read the slide.
    """
    machine = platform.node() or "unknown"
    asked.version.check(WorkerVersion.here(), machine)
    cores = max((os.cpu_count() or 1) // max(asked.sharing, 1), 1)
    torch.set_num_threads(asked.settings.threads or cores)
    try:
        slide = read_slide(asked.path)
    except InputError as error:
        raise InputError(
            f"The worker on {machine} cannot read the slide ({error}); put it where "
            "all machines find it at the same path."
        ) from error
    with slide, flush_denormals():
        if slide.size != asked.size:
            raise InputError(
                f"{asked.path} is another slide on {machine}; put the same one where "
                "all machines find it."
            )
        own, spec = asked.settings, models[0].spec
        grid = build_grid(slide, spec, own.mpp, resample=own.resample)
        patches = LocalPatches(models, slide, grid, own, _prepared(models, own))
        return list(patches.see(asked.numbers))


_KEPT: list[tuple[Any, SlideSettings, list[nn.Module]]] = []
"""The networks of the last slide, ready to run; none or one."""


def _prepared(
    models: tuple[LoadedModel, ...], settings: SlideSettings
) -> list[nn.Module]:
    """Return the networks in their runtime, made once for each slide and worker."""
    if not _KEPT or _KEPT[0][0] is not models or _KEPT[0][1] != settings:
        for model in models:
            to_inference_layout(model.module)
        modules = [build_module(model, settings) for model in models]
        _KEPT[:] = [(models, settings, modules)]
    return _KEPT[0][2]
