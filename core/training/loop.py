"""The training loop: AdamW, averaged weights, resumable."""

import copy
import math
from collections.abc import Sequence
from contextlib import closing
from pathlib import Path
from typing import Any

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


def _save(path: Path, state: dict[str, Any]) -> None:
    """Write a checkpoint so that a kill leaves the old or the new one."""
    path.parent.mkdir(parents=True, exist_ok=True)
    partial = path.with_suffix(".partial")
    torch.save(state, partial)
    partial.replace(path)


def _train_step(
    module: nn.Module,
    optimizer: torch.optim.Optimizer,
    batch: tuple[Tensor, dict[str, Tensor]],
    half: bool,
) -> float:
    """One forward, backward and update; the loss."""
    device = next(module.parameters()).device
    inputs = batch[0].to(device)
    targets = {name: value.to(device) for name, value in batch[1].items()}
    with torch.autocast(device.type, torch.bfloat16, enabled=half):
        outputs = module(inputs)
    loss = total_loss(outputs, targets)
    optimizer.zero_grad(set_to_none=True)
    loss.backward()  # type: ignore[no-untyped-call]
    nn.utils.clip_grad_norm_(module.parameters(), 5.0)
    optimizer.step()
    return float(loss.detach())


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
    torch.manual_seed(settings.seed)
    student = copy.deepcopy(module).train().to(memory_format=torch.channels_last)
    average = copy.deepcopy(student)
    optimizer = torch.optim.AdamW(
        student.parameters(), lr=settings.rate, weight_decay=settings.decay
    )
    first, recent = 0, 0.0
    path = settings.checkpoint
    if path is not None and path.exists():
        state = torch.load(path, weights_only=True)
        student.load_state_dict(state["student"])
        average.load_state_dict(state["average"])
        optimizer.load_state_dict(state["optimizer"])
        first, recent = state["step"], state["recent"]
    with closing(batches(data, spec, settings, first)) as stream:  # type: ignore[type-var]
        for step, batch in enumerate(stream, start=first):
            for group in optimizer.param_groups:
                group["lr"] = rate_at(step, settings)
            loss = _train_step(student, optimizer, batch, settings.half)
            recent = loss if step == 0 else 0.98 * recent + 0.02 * loss
            # early on the average must forget the random start quickly
            decay = min(settings.average, (1 + step) / (10 + step))
            _update_average(average, student, decay)
            done = step + 1
            if path is not None and (
                done % settings.save_every == 0 or done == settings.steps
            ):
                _save(
                    path,
                    {
                        "student": student.state_dict(),
                        "average": average.state_dict(),
                        "optimizer": optimizer.state_dict(),
                        "step": done,
                        "recent": recent,
                    },
                )
            job.step(done, settings.steps, f"training, loss {recent:.4f}")
    return average.eval()
