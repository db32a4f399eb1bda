"""A grid of trials on the workers of a Dask cluster.

Every worker gets each model once, with its tiles, statistics and dense answers. Trials
are submitted in the order of the grid, each a task of its own; a record is stored here
as soon as it arrives. What a worker that was killed was doing is done by another; when
the scheduler is gone, the sweep waits for it and goes on with what is not stored.

To read this file, start from `run_cluster_sweep`.
"""

from __future__ import annotations

import time
from collections import Counter
from dataclasses import asdict, dataclass, field
from typing import TYPE_CHECKING, Any

from core.cluster.connection import (
    ClusterSettings,
    Connection,
    is_lost,
    lost_note,
)
from core.cluster.worker import ClusterTrial, WorkerVersion, work
from core.errors import BenchError, InputError
from core.job import Job
from core.models import load_model
from core.store import TrialIdentity
from core.sweep.evaluator import Subject
from core.sweep.folder import read_calibration, read_folder
from core.sweep.runner import SweepSummary
from core.training.finetune import labelled_examples

if TYPE_CHECKING:
    from collections.abc import Callable

    from distributed import Future

    from core.store import Record, TrialStore
    from core.sweep.folder import TileFolder
    from core.sweep.grid import Grid
    from core.types import PruneRequest

_POLL = 0.2  # seconds between looks at the cancel flag
_SAID = 2.0  # seconds between two questions to the scheduler how busy workers are
_MOST_DEATHS = 3  # of workers that did one trial, after which it is the trial's fault


def run_cluster_sweep(
    grid: Grid,
    store: TrialStore,
    settings: ClusterSettings,
    job: Job | None = None,
    *,
    on_record: Callable[[Record], None] | None = None,
) -> SweepSummary:
    """Run every trial of a grid that the store does not have, on workers.

    Parameters
    ----------
    grid, store, job, on_record
        As of `core.sweep.run_sweep`.
    settings
        Which workers.

    Raises
    ------
    InputError
        When there are no workers, or one has another version.
    InputError, ModelError, StoreError, Cancelled
        As `core.sweep.run_sweep`.
    """
    job, start = job or Job(), time.monotonic()
    job.step(0, 0, "Reading tiles")
    data = read_folder(grid.data)
    run = _ClusterRun(grid, store, data, job, on_record)
    run.find_open_trials()
    lost = 0
    if run.open:
        with Connection(settings, job) as connection:
            run.finish(connection)
            lost = connection.lost
    return SweepSummary(
        total=run.total,
        done=run.done,
        resumed=run.total - run.done - len(run.open),
        reused=0,
        impossible=tuple(run.impossible),
        notes=(*data.notes, *lost_note(lost)),
        seconds=time.monotonic() - start,
    )


@dataclass(slots=True)
class _ClusterRun:
    """A sweep under way."""

    grid: Grid
    store: TrialStore
    data: TileFolder
    job: Job
    on_record: Callable[[Record], None] | None
    total: int = 0
    done: int = 0
    impossible: list[tuple[PruneRequest, str]] = field(default_factory=list)
    #: Trials that the store lacks, with their place in the grid.
    open: dict[TrialIdentity, int] = field(default_factory=dict)
    _subjects: dict[str, Subject] = field(default_factory=dict)
    _deaths: Counter[TrialIdentity] = field(default_factory=Counter)
    _workers: str = ""  # how many there are and how busy, in words
    _ask_again: float = 0.0  # when the scheduler is asked that next

    def find_open_trials(self) -> None:
        """Open the models, and look up what the store has."""
        names = dict.fromkeys(self.grid.models)
        self.total = len(self.grid)
        chosen = read_calibration(self.grid.calibration)
        for name in names:
            self.job.step(0, self.total, f"Opening {name}")
            model = load_model(name)
            tiles = self.data.tiles_for(model.spec)
            subject = Subject(model, tiles, chosen, self.grid.running)
            self._subjects[name] = subject
            if "finetune" in self.grid.recoveries:
                scored = subject.material.scored
                labelled_examples(model.spec, self.grid.training, scored)
        running = self.grid.running
        timing = running.timing(self.grid.timing)
        known = {} if timing is None else asdict(timing)
        known |= running.identity
        for place, (name, request) in enumerate(self.grid.points()):
            subject = self._subjects[name]
            trial = TrialIdentity(
                name,
                subject.weights,
                self.data.digest,
                request,
                known,
                subject.calibration.digest,
            )
            stored = self.store.get(trial.key)
            if stored is None:
                self.open[trial] = place
            elif stored.status == "impossible":
                self.impossible.append((request, stored.reason))
        statistics = set(self.grid.recoveries) != {"none"}
        for subject in self._subjects.values():
            if self.open:
                subject.prepare(self.job, statistics=statistics)

    def finish(self, connection: Connection) -> None:
        """Run rounds until everything is stored; each begins with what is lacking."""
        while self.open:
            try:
                self._round(connection)
            except Exception as error:
                if not is_lost(error):
                    raise
                connection.renew()

    def _round(self, connection: Connection) -> None:
        """Submit every open trial, and store the records as they arrive."""
        client = connection.client
        version = WorkerVersion.here()
        sharing = connection.check_workers(version)
        sent = {
            name: client.scatter(subject, broadcast=True, hash=False)
            for name, subject in self._subjects.items()
        }
        futures: dict[Future, TrialIdentity] = {}
        for trial, place in sorted(self.open.items(), key=lambda each: each[1]):
            timing = self.grid.running.timing(self.grid.timing)
            asked = ClusterTrial(trial, timing, sharing, version)
            future = client.submit(
                work, sent[trial.model], asked, priority=-place, pure=False
            )
            futures[future] = trial
        try:
            while futures:
                self._say(connection)
                for future in connection.wait(list(futures), _POLL):
                    self._take(future, futures.pop(future))
            connection.describe()  # counts the workers that were lost
        finally:
            connection.cancel(list(futures))

    def _take(self, future: Any, trial: TrialIdentity) -> None:
        """Store what a future holds; an error of it is raised here."""
        if future.status == "error":
            self._explain(future.exception(), trial)
        record: Record = future.result(timeout=30)
        self.store.add(record)
        del self.open[trial]
        self.done += 1
        if record.status == "impossible":
            self.impossible.append((trial.request, record.reason))
        if self.on_record is not None:
            self.on_record(record)

    def _explain(self, error: BaseException, trial: TrialIdentity) -> None:
        """Raise what ended a trial: a fault of it, or the death of its worker."""
        from distributed import KilledWorker

        if isinstance(error, BenchError):
            raise error
        if not isinstance(error, KilledWorker):
            raise RuntimeError(f"a worker failed: {error!r}") from error
        self._deaths[trial] += 1
        if self._deaths[trial] < _MOST_DEATHS:
            raise error
        request = trial.request
        raise InputError(
            f"{request.heuristic} at {request.sparsity:g} ended its worker "
            f"{_MOST_DEATHS} times, probably for lack of memory; use fewer workers on "
            "each machine, or smaller tiles."
        )

    def _say(self, connection: Connection) -> None:
        if time.monotonic() >= self._ask_again:
            self._workers = connection.describe()
            self._ask_again = time.monotonic() + _SAID
        at = self.total - len(self.open)
        self.job.step(at, self.total, f"trials on {self._workers}")
