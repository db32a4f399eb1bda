"""Running a grid into a store.

Start with `run_sweep`. Trials that the store has are skipped, so a sweep that
was killed goes on where it stopped. Accuracy uses all cores; latency is then
measured in a process of its own while this one waits.
"""

import time
from collections.abc import Callable, Sequence
from dataclasses import asdict, dataclass, field
from typing import Any

from core.benchmark.tasks.parallel import limited_cores
from core.errors import InputError
from core.job import Job, StepKind
from core.latency import LatencyProcess, TimingSettings, release_memory
from core.models import load_model
from core.store import Record, TrialIdentity, TrialStore
from core.sweep.evaluator import Subject
from core.sweep.folder import TileFolder, read_calibration, read_folder
from core.sweep.grid import Grid
from core.sweep.provenance import provenance
from core.sweep.running import Running
from core.sweep.trial import TrialSettings, run_trial
from core.training.finetune import labelled_examples
from core.types import REPAIR, FineTune, PruneRequest, Tile


@dataclass(frozen=True, slots=True)
class SweepSummary:
    """How a sweep went.

    Parameters
    ----------
    total
        Trials of the grid.
    done
        Computed now.
    resumed
        Found in the store.
    reused
        Of those done, how many had the same plan as an earlier one and took
        over its scores.
    impossible
        Requests that cannot be met, with the reason, from now and before.
    notes
        Sentences about the data and the store.
    seconds
        Duration.
    """

    total: int
    done: int
    resumed: int
    reused: int
    impossible: tuple[tuple[PruneRequest, str], ...]
    notes: tuple[str, ...]
    seconds: float


def run_sweep(
    grid: Grid,
    store: TrialStore,
    job: Job | None = None,
    *,
    on_record: Callable[[Record], None] | None = None,
) -> SweepSummary:
    """Run every trial of a grid that the store does not have.

    Parameters
    ----------
    grid
        What to cover.
    store
        Gets each record as soon as it is there.
    job
        Progress, with the remaining time in words, and cancelling.
    on_record
        Called with each new record, for a plot that fills in.

    Returns
    -------
    summary
        Impossible points are reported there and stored; the rest runs.

    Raises
    ------
    InputError, ModelError
        When tiles, labels or a model cannot be used, before anything runs.
    StoreError
        When a record cannot be written.
    Cancelled
        Finished trials are in the store.
    """
    job = job or Job()
    start = time.monotonic()
    job.step(0, 0, "Reading tiles")
    data, chosen = read_folder(grid.data), read_calibration(grid.calibration)
    with limited_cores(grid.running.threads), LatencyProcess() as process:
        facts = provenance()
        if grid.calibration:
            facts["calibration_source"] = grid.calibration
        progress = _Progress(job, len(grid))
        run = _Run(data, store, process, progress, facts, chosen, grid.running)
        for name in dict.fromkeys(grid.models):
            run.open(name)
            if "finetune" in grid.recoveries:
                run.check(name, grid.training)
        for name, request in grid.points():
            record = run.step(name, request, grid.running.timing(grid.timing))
            if record is not None and on_record is not None:
                on_record(record)
    notes = data.notes
    if store.set_aside is not None:
        notes += (f"The damaged store was kept as {store.set_aside.name}.",)
    return SweepSummary(
        total=run.progress.total,
        done=run.done,
        resumed=run.resumed,
        reused=run.reused,
        impossible=tuple(run.impossible),
        notes=notes,
        seconds=time.monotonic() - start,
    )


def rerun(
    record: Record, data: TileFolder, job: Job | None = None, calibration: str = ""
) -> Record:
    """Repeat a trial from its record alone; nothing is stored.

    Parameters
    ----------
    record
        From a store or an export.
    data
        The tiles it was run on.
    job
        For progress and cancelling.
    calibration
        As `Grid.calibration`.

    Returns
    -------
    again
        With the same plan hash and scores, on the same versions; latency is
        not measured.

    Raises
    ------
    InputError
        When the tiles, the model's weights or the calibration tiles are others
        than then.
    """
    trial = record.trial
    if data.digest != trial.data:
        raise InputError(
            "These tiles are not those of the record; give the same folder."
        )
    model = load_model(trial.model)
    tiles = read_calibration(calibration)
    if not record.trial.calibration:  # earlier versions took the folder's alone
        tiles = [each.tile for each in data.tiles]
    running = Running.from_identity(record.trial.timing)
    subject = Subject(model, data.tiles_for(model.spec), tiles, running)
    known = record.trial.calibration
    if known and known != subject.calibration.digest:
        raise InputError(
            "The record was calibrated on other tiles "
            f"({', '.join(record.provenance.get('calibration', ()))}); name their "
            "folder with --calibration."
        )
    if subject.weights != trial.weights:
        raise InputError(
            f"{trial.model} has other weights than the record's; give the same file."
        )
    return run_trial(subject, trial, TrialSettings(provenance()), None, job or Job())


@dataclass(slots=True)
class _Progress:
    """Steps of a sweep, with the time that is left."""

    job: Job
    total: int
    at: int = 0
    worked: int = 0
    spent: float = 0.0

    def within(self, what: str) -> Job:
        """Job for the parts of one trial: passes cancelling, reports the sweep."""
        outer = self

        class Part(Job):
            def step(
                self, done: int, total: int, part: str, kind: StepKind = "work"
            ) -> None:
                text = f"{what}: {part}{outer.left()}"
                outer.job.step(outer.at, outer.total, text, kind)

        return Part()

    def left(self) -> str:
        """Remaining time in words, from the trials so far."""
        if not self.worked:
            return ""
        seconds = self.spent / self.worked * (self.total - self.at)
        if seconds < 90:
            return f", about {seconds:.0f} s left"
        if seconds < 5400:
            return f", about {seconds / 60:.0f} min left"
        return f", about {seconds / 3600:.1f} h left"


@dataclass(slots=True)
class _Run:
    """A sweep under way."""

    data: TileFolder
    store: TrialStore
    process: LatencyProcess
    progress: _Progress
    facts: dict[str, Any]
    calibration: Sequence[Tile] | None = None
    running: Running = field(default_factory=Running)
    done: int = 0
    resumed: int = 0
    reused: int = 0
    impossible: list[tuple[PruneRequest, str]] = field(default_factory=list)
    _subjects: dict[str, Subject] = field(default_factory=dict)
    _known: dict[tuple[object, ...], Record] = field(default_factory=dict)

    def open(self, name: str) -> None:
        """Load and trace a model."""
        self.progress.job.step(0, self.progress.total, f"Opening {name}")
        model = load_model(name)
        tiles = self.data.tiles_for(model.spec)
        self._subjects[name] = Subject(model, tiles, self.calibration, self.running)

    def check(self, name: str, training: FineTune) -> None:
        """Find out now whether there is something to fine-tune on."""
        subject = self._subjects[name]
        labelled_examples(subject.model.spec, training, subject.material.scored)

    def step(
        self, name: str, request: PruneRequest, timing: TimingSettings | None
    ) -> Record | None:
        """Do one trial unless the store has it; returns what is new."""
        subject = self._subjects[name]
        settings = {} if timing is None else asdict(timing)
        settings |= self.running.identity
        trial = TrialIdentity(
            name,
            subject.weights,
            self.data.digest,
            request,
            settings,
            subject.calibration.digest,
        )
        stored = self.store.get(trial.key)
        if stored is not None:
            self._remember(stored)
            self.resumed += 1
            self.progress.at += 1
            return None
        start = time.monotonic()
        label = f"{request.heuristic} {request.sparsity:.0%}"
        job = self.progress.within(label)
        record = self._work(subject, trial, timing, job)
        self.store.add(record)
        self._remember(record)
        self.done += 1
        self.progress.at += 1
        self.progress.worked += 1
        self.progress.spent += time.monotonic() - start
        release_memory()
        return record

    def _work(
        self,
        subject: Subject,
        trial: TrialIdentity,
        timing: TimingSettings | None,
        job: Job,
    ) -> Record:
        def find_twin(plan_hash: str) -> Record | None:
            twin = self._known.get(_twin(trial, plan_hash))
            self.reused += twin is not None
            return twin

        asked = TrialSettings(self.facts, timing, find_twin)
        return run_trial(subject, trial, asked, self.process, job)

    def _remember(self, record: Record) -> None:
        if record.status == "impossible":
            self.impossible.append((record.trial.request, record.reason))
        else:
            self._known.setdefault(_twin(record.trial, record.plan_hash), record)


def _twin(trial: TrialIdentity, plan_hash: str) -> tuple[object, ...]:
    """What makes two trials have the same result: the plan and its repair."""
    timing = tuple(sorted((key, str(each)) for key, each in trial.timing.items()))
    repair = trial.request.key(without=REPAIR)
    return (
        trial.weights,
        trial.data,
        trial.calibration,
        plan_hash,
        repair,
        timing,
    )
