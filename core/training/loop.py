"""Training: batches in, a better network out.

Start with `train`; `fit` is the same for those who only want the network.
"""

import math
from collections.abc import Sequence
from contextlib import closing
from functools import partial

from torch import nn

from core.errors import InputError
from core.job import Job
from core.latency import PeakMemory, peak_memory
from core.training.batches import batches
from core.training.callbacks import Callbacks, Reason, Trained
from core.training.data import Example
from core.training.device import pick_device
from core.training.progress import Progress, ProgressReporter, thinned
from core.training.run import Run
from core.training.settings import TrainingSettings
from core.training.validation import Snapshots, Validation
from core.types import ModelSpec


def fit(
    module: nn.Module,
    spec: ModelSpec,
    data: Sequence[Example],
    settings: TrainingSettings,
    job: Job | None = None,
    aids: Callbacks | None = None,
) -> nn.Module:
    """Train a network; see `train`, of which this is the network alone."""
    return train(module, spec, data, settings, job, aids).module


def train(
    module: nn.Module,
    spec: ModelSpec,
    data: Sequence[Example],
    settings: TrainingSettings,
    job: Job | None = None,
    aids: Callbacks | None = None,
) -> Trained:
    """Train a network on tiles with ground truth, a teacher's outputs, or both.

    Serves the demo model as well as fine-tuning after pruning. With a
    checkpoint file that exists, the run goes on where that left off and ends
    with the same weights as one that was never interrupted (as long as no limit
    of time decides its end).

    Parameters
    ----------
    module
        Returns a dict of maps, or class logits; left as it is.
    spec
        How pixels are scaled, and which heads there are.
    data
        At least one example.
    settings
        The run.
    job
        Told of every step; the text holds the mean loss of late, the peak of memory
        and the time left.
    aids
        Teacher, validation tiles, masks, and who looks on.

    Returns
    -------
    Trained
        With a new module in eval mode with averaged weights: with validation tiles
        the best, else the last ones.

    Raises
    ------
    InputError
        When there is nothing to learn from, the checkpoint is of another network,
        the device is not there, or the loss is no number again and again.
    Cancelled
        When the job was cancelled.
    """
    job, aids = job or Job(), aids or Callbacks()
    _check(data, settings, aids)
    first = next(module.parameters())
    device = pick_device(settings.device) if settings.device else first.device
    with peak_memory(device) as memory:
        run = Run(module, settings, aids, device)
        loop = _Loop(run, spec, settings, aids, job, memory)
        reason = loop.run(data)
        trained = run.result().to(first.device)
    return Trained(
        module=trained,
        steps=run.done,
        seconds=run.spent,
        losses=tuple(loop.losses),
        checks=tuple(loop.checks),
        best=run.best_step,
        reason=reason,
        peak_memory=memory.grown,
        device=str(device),
        skipped=run.skipped,
    )


def _check(
    data: Sequence[Example], settings: TrainingSettings, aids: Callbacks
) -> None:
    if not data:
        raise InputError("There is nothing to train on: give at least one tile.")
    if aids.teacher is None and not all(e.known for e in (*data, *aids.validation)):
        raise InputError(
            "Tiles without ground truth can only be learned from another model: give "
            "labels, or distil."
        )
    if settings.steps < 0 or settings.minutes < 0 or not settings.rate > 0:
        raise InputError(
            "A training needs steps and minutes that are not negative, and a rate "
            "above 0."
        )


class _Loop:
    """The steps of one call, and what is done between them."""

    def __init__(
        self,
        run: Run,
        spec: ModelSpec,
        settings: TrainingSettings,
        aids: Callbacks,
        job: Job,
        memory: PeakMemory,
    ) -> None:
        self._run, self._spec, self._settings = run, spec, settings
        self._aids, self._job = aids, job
        self._validation = Validation(spec, aids.validation, settings.crop, run.teacher)
        self._looks = Snapshots(aids.on_snapshot, settings.watch_every)
        self._telling = ProgressReporter(aids.on_progress)
        self._memory = memory
        self.losses: list[float] = []
        self.checks: list[tuple[int, float]] = []

    def run(self, data: Sequence[Example]) -> Reason:
        """Go on to the end; returns why it is the end."""
        run, settings = self._run, self._settings
        if run.done == 0:
            self._judge()
        reason = self._over()
        if reason is not None:
            return reason
        before, spent = run.done, run.spent
        with closing(batches(data, self._spec, settings, run.done)) as stream:
            for batch in stream:
                run.step(batch)
                self.losses.append(run.recent)
                reason = self._over()
                if reason in ("steps", "minutes") or self._check_due():
                    self._judge()
                    reason = reason or self._over()
                run.save(last=reason is not None)
                pace = (run.spent - spent) / (run.done - before)
                left = self._left(pace) if reason is None else 0.0
                on_progress = partial(self._progress, left)
                self._telling.due(on_progress, last=reason is not None)
                self._report(pace, left)
                self._looks.due(run.average)
                if reason is not None:
                    return reason
        return "steps"

    def _check_due(self) -> bool:
        return self._run.done % max(self._settings.check_every, 1) == 0

    def _judge(self) -> None:
        if self._validation:
            loss = self._validation.loss(self._run.average)
            self._run.judged(loss)
            self.checks.append((self._run.done, loss))

    def _over(self) -> Reason | None:
        run, settings = self._run, self._settings
        if run.done >= settings.steps:
            return "steps"
        if settings.minutes and run.spent >= 60 * settings.minutes:
            return "minutes"
        if settings.patience and run.waited >= settings.patience:
            return "patience"
        return "stopped" if self._aids.stop is not None and self._aids.stop() else None

    def _left(self, pace: float) -> float:
        """Seconds still to come, by steps or by the clock."""
        run, settings = self._run, self._settings
        left = pace * (settings.steps - run.done)
        if settings.minutes:
            left = min(left, max(60 * settings.minutes - run.spent, 0.0))
        return left

    @property
    def _keeps_best(self) -> bool:
        return self._run.best is not None and self._settings.keep_best

    def _progress(self, left: float) -> Progress:
        run = self._run
        return Progress(
            step=run.done,
            seconds=run.spent,
            left=left,
            losses=thinned(self.losses, run.done - len(self.losses) + 1),
            checks=tuple(self.checks),
            best=run.best_step if self._keeps_best else run.done,
            peak_memory=self._memory.grown,
        )

    def _report(self, pace: float, left: float) -> None:
        run, settings = self._run, self._settings
        text = (
            f"training: loss {run.recent:.3f}, {self._memory.grown / 1e6:.0f} MB extra "
            f"memory{_in_words(left)}"
        )
        if settings.minutes and left < pace * (settings.steps - run.done):
            total = math.ceil(60 * settings.minutes)
            self._job.step(min(int(run.spent), total), total, text)
        else:
            self._job.step(run.done, settings.steps, text)


def _in_words(seconds: float) -> str:
    if seconds < 90:
        return f", about {seconds:.0f} s left"
    if seconds < 5400:
        return f", about {seconds / 60:.0f} min left"
    return f", about {seconds / 3600:.1f} h left"
