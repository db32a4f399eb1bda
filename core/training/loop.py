"""The training loop: AdamW, averaged weights, resumable."""

import copy
import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.job import Job
from core.training.batches import batches
from core.training.data import Example
from core.training.loss import total_loss
from core.training.settings import Settings
from core.types import ModelSpec


def rate_at(step: int, settings: Settings) -> float:
    """Learning rate of a step: linear rise, plateau, cosine fall to 0.

    Parameters
    ----------
    step
        0 to ``settings.steps - 1``.
    settings
        The run.
    """
    rise = min(1.0, (step + 1) / max(settings.warmup, 1))
    start = settings.steps * (1 - settings.cooldown)
    fallen = max(0.0, (step - start) / max(settings.steps - start, 1))
    return settings.rate * rise * 0.5 * (1 + math.cos(math.pi * fallen))


def _update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """Move the average one step towards the module, statistics included."""
    current = module.state_dict()
    with torch.no_grad():
        for name, value in average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])


class _Run:
    """A training run between two steps: what a checkpoint holds.

    Parameters
    ----------
    module
        Copied.
    settings
        The run; its checkpoint is read when there is one.
    """

    def __init__(self, module: nn.Module, settings: Settings) -> None:
        self._settings = settings
        self._student = copy.deepcopy(module).train()
        for value in self._student.parameters():
            if value.ndim == 4:
                value.data = value.data.contiguous(memory_format=torch.channels_last)
        self.average = copy.deepcopy(self._student).eval()
        self._optimizer = torch.optim.AdamW(
            self._student.parameters(), lr=settings.rate, weight_decay=settings.decay
        )
        self.done, self.recent = 0, 0.0
        if settings.checkpoint is not None and settings.checkpoint.exists():
            self._resume(settings.checkpoint)

    def _resume(self, path: Path) -> None:
        state = torch.load(path, weights_only=True)
        self._student.load_state_dict(state["student"])
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.done, self.recent = state["step"], state["recent"]

    def save(self) -> None:
        """Write the checkpoint when it is due."""
        path, settings = self._settings.checkpoint, self._settings
        due = self.done % settings.save_every == 0 or self.done == settings.steps
        if path is None or not due:
            return
        state = {
            "student": self._student.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self.done,
            "recent": self.recent,
        }
        # a kill leaves the old file or the new one, never half of one
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def step(self, batch: tuple[Tensor, dict[str, Tensor]]) -> None:
        """Learn from one batch."""
        for group in self._optimizer.param_groups:
            group["lr"] = rate_at(self.done, self._settings)
        device = next(self._student.parameters()).device
        inputs = batch[0].to(device)
        targets = {name: value.to(device) for name, value in batch[1].items()}
        with torch.autocast(device.type, torch.bfloat16, enabled=self._settings.half):
            outputs = self._student(inputs)
        loss = total_loss(outputs, targets)
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._student.parameters(), 5.0)
        self._optimizer.step()
        value = float(loss.detach())
        self.recent = 0.98 * self.recent + 0.02 * value if self.done else value
        # early on the average must forget the random start quickly
        decay = min(self._settings.average, (1 + self.done) / (10 + self.done))
        _update_average(self.average, self._student, decay)
        self.done += 1


def fit(
    module: nn.Module,
    spec: ModelSpec,
    data: Sequence[Example],
    settings: Settings,
    job: Job | None = None,
) -> nn.Module:
    """Train a network on tiles with ground truth.

    Serves the demo model as well as fine-tuning after pruning. With a
    checkpoint file that exists, the run goes on where that left off and ends
    with the same weights as one that was never interrupted.

    Parameters
    ----------
    module
        Returns a dict with ``np``, ``dist`` and perhaps ``tp``; left as it is.
    spec
        How pixels are scaled.
    data
        At least one example.
    settings
        The run.
    job
        Told of every step; the text holds the mean loss of late.

    Returns
    -------
    nn.Module
        A new module in eval mode with averaged weights, on `module`'s device.

    Raises
    ------
    InputError
        When `data` is empty.
    Cancelled
        When the job was cancelled.
    """
    if not data:
        raise InputError("There is nothing to train on: give at least one tile.")
    job = job or Job()
    run = _Run(module, settings)
    with closing(batches(data, spec, settings, run.done)) as stream:
        for batch in stream:
            run.step(batch)
            run.save()
            text = f"training, loss {run.recent:.4f}"
            job.step(run.done, settings.steps, text)
    return run.average
