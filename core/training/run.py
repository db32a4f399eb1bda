"""A training run between two steps: everything that a checkpoint holds.

To read this file, start from `Run.step`.
"""

import copy
import math
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import torch
from torch import Tensor, nn

from core.errors import InputError
from core.pruning import MaskPlan
from core.pruning.planning.weight_masks import as_tensor
from core.strided import subsampled_pointwise
from core.training.callbacks import Callbacks
from core.training.device import layout
from core.training.loss import Outputs, distillation_loss, total_loss
from core.training.settings import TrainingSettings

_MOST_SKIPPED = 20  # steps in a row whose loss is not a number


def rate_at(step: float, settings: TrainingSettings) -> float:
    """Learning rate of a step: linear rise, plateau, cosine fall to 0.

    Parameters
    ----------
    step
        0 to ``settings.steps - 1``.
    settings
        The run.
    """
    rise = min(1.0, (step + 1) / max(settings.warmup, 1))
    return settings.rate * rise * _fall(step, settings)


def _fall(step: float, settings: TrainingSettings) -> float:
    start = settings.steps * (1 - settings.cooldown)
    fallen = max(0.0, (step - start) / max(settings.steps - start, 1))
    return 0.5 * (1 + math.cos(math.pi * min(fallen, 1.0)))


def _update_average(average: nn.Module, module: nn.Module, decay: float) -> None:
    """Move the average one step towards the module, statistics included."""
    current = module.state_dict()
    with torch.no_grad():
        for name, value in average.state_dict().items():
            if value.is_floating_point():
                value.lerp_(current[name], 1 - decay)
            else:
                value.copy_(current[name])


class Run:
    """Student, average, optimiser, and the best weights so far.

    Parameters
    ----------
    module
        Copied.
    settings
        The run; its checkpoint is read when there is one.
    aids
        Teacher and masks.
    device
        Where the copy goes.
    """

    def __init__(
        self,
        module: nn.Module,
        settings: TrainingSettings,
        aids: Callbacks,
        device: torch.device,
    ) -> None:
        self._settings = settings
        self._device = device
        self._student = copy.deepcopy(module).to(device).train()
        self._layout = layout(device)
        _lay_out(self._student, self._layout)
        self.average = copy.deepcopy(self._student).eval()
        self.teacher = _still(aids.teacher, device)
        self._gone = _gone_weights(self._student, aids.masks, device)
        self._hold_masks(self.average)
        self._hold_masks(self._student)
        self._optimizer = torch.optim.AdamW(
            self._student.parameters(), lr=settings.rate, weight_decay=settings.decay
        )
        self._drops = any(
            isinstance(m, nn.modules.dropout._DropoutNd)  # noqa: SLF001
            and m.p > 0
            for m in self._student.modules()
        )
        self.done, self.recent, self.skipped = 0, 0.0, 0
        self.best: dict[str, Tensor] | None = None
        self.best_loss, self.best_step, self.waited = math.inf, 0, 0
        self._spent, self._since, self._bad = 0.0, time.monotonic(), 0
        if settings.checkpoint is not None and settings.checkpoint.exists():
            self._resume(settings.checkpoint)

    @property
    def spent(self) -> float:
        """Seconds of this part and of those before it."""
        return self._spent + time.monotonic() - self._since

    @property
    def share(self) -> float:
        """How much of the run is over, 0 to 1: by steps or by time."""
        share = self.done / max(self._settings.steps, 1)
        if self._settings.minutes:
            share = max(share, self.spent / (60 * self._settings.minutes))
        return min(share, 1.0)

    def _resume(self, path: Any) -> None:
        state = torch.load(path, weights_only=True, map_location=self._device)
        try:
            self._student.load_state_dict(state["student"])
        except RuntimeError as error:
            raise InputError(
                f"{path} was saved by the training of another network: name another "
                "checkpoint, or remove it."
            ) from error
        self.average.load_state_dict(state["average"])
        self._optimizer.load_state_dict(state["optimizer"])
        self.done, self.recent = state["step"], state["recent"]
        self.best = state.get("best")
        self.best_loss = state.get("best_loss", math.inf)
        self.best_step = state.get("best_step", 0)
        self.waited = state.get("waited", 0)
        self._spent = state.get("spent", 0.0)

    def save(self, *, last: bool = False) -> None:
        """Write the checkpoint when it is due; after the last step it is."""
        settings = self._settings
        due = last or self.done % settings.save_every == 0
        if settings.checkpoint is None or not due:
            return
        state = {
            "student": self._student.state_dict(),
            "average": self.average.state_dict(),
            "optimizer": self._optimizer.state_dict(),
            "step": self.done,
            "recent": self.recent,
            "best": self.best,
            "best_loss": self.best_loss,
            "best_step": self.best_step,
            "waited": self.waited,
            "spent": self.spent,
        }
        # a kill leaves the old file or the new one, never half of one
        path = settings.checkpoint
        path.parent.mkdir(parents=True, exist_ok=True)
        partial = path.with_suffix(".partial")
        torch.save(state, partial)
        partial.replace(path)

    def judged(self, loss: float) -> None:
        """Keep the averaged weights when they do better than any before."""
        if loss < self.best_loss:
            state = self.average.state_dict()
            self.best = {name: value.clone() for name, value in state.items()}
            self.best_loss, self.best_step, self.waited = loss, self.done, 0
        else:
            self.waited += 1

    def result(self) -> nn.Module:
        """Return the best averaged weights or the last, see `TrainingSettings`."""
        if self.best is None or not self._settings.keep_best:
            self.best_step = self.done
        else:
            self.average.load_state_dict(self.best)
        _lay_out(self.average, torch.channels_last)  # what prediction is fastest in
        return self.average

    def step(self, batch: tuple[Tensor, dict[str, Tensor]]) -> None:
        """Learn from one batch."""
        rate = self._rate()
        for group in self._optimizer.param_groups:
            group["lr"] = rate
        inputs = batch[0].to(self._device, memory_format=self._layout)
        targets = {name: value.to(self._device) for name, value in batch[1].items()}
        loss = self._loss(inputs, targets)
        value = float(loss.detach())
        if math.isfinite(value):
            self._descend(loss, rate)
            self.recent = 0.98 * self.recent + 0.02 * value if self.done else value
        else:
            self._skip()
        # early on the average must forget the random start quickly
        decay = min(self._settings.average, (1 + self.done) / (10 + self.done))
        _update_average(self.average, self._student, decay)
        self.done += 1

    def _rate(self) -> float:
        settings = self._settings
        if not settings.minutes:
            return rate_at(self.done, settings)
        rise = min(1.0, (self.done + 1) / max(settings.warmup, 1))
        return settings.rate * rise * _fall(self.share * settings.steps, settings)

    def _loss(self, inputs: Tensor, targets: dict[str, Tensor]) -> Tensor:
        half = self._settings.half
        kind = self._device.type
        cast = torch.autocast(kind, torch.bfloat16, enabled=half)
        with cast, self._chance(), subsampled_pointwise(self._student):
            outputs: Outputs = self._student(inputs)
        if self.teacher is None:
            return total_loss(outputs, targets, self._settings.type_weights)
        with torch.no_grad(), torch.autocast(kind, torch.bfloat16, enabled=half):
            goals = self.teacher(inputs)
        loss = self._settings.distil * distillation_loss(outputs, goals)
        known = targets["known"]
        if bool(known.any()):
            taught = {name: value[known] for name, value in targets.items()}
            loss = loss + total_loss(
                _part(outputs, known), taught, self._settings.type_weights
            )
        return loss

    @contextmanager
    def _chance(self) -> Iterator[None]:
        """Draw dropout from seed and step, so that a resumed run repeats it."""
        if not self._drops:
            yield
            return
        gpu = self._device.type == "cuda"
        with torch.random.fork_rng([self._device] if gpu else []):
            torch.manual_seed(self._settings.seed * 1_000_003 + self.done)
            yield

    def _descend(self, loss: Tensor, rate: float) -> None:
        self._optimizer.zero_grad(set_to_none=True)
        loss.backward()  # type: ignore[no-untyped-call]
        for name, gone in self._gone.items():
            gradient = self._student.get_parameter(name).grad
            if gradient is not None:
                gradient.masked_fill_(gone, 0.0)
        nn.utils.clip_grad_norm_(self._student.parameters(), 5.0)
        self._optimizer.step()
        self._bad = 0
        if self._settings.pressure:
            _shrink_scales(self._student, rate * self._settings.pressure)
        self._hold_masks(self._student)

    def _skip(self) -> None:
        """Leave a step out; give up when there are many in a row."""
        self.skipped += 1
        self._bad += 1
        if self._bad >= _MOST_SKIPPED:
            raise InputError(
                f"The training does not converge: the loss was not a number "
                f"{self._bad} times in a row. Give a lower rate than "
                f"{self._settings.rate:g}."
            )

    def _hold_masks(self, module: nn.Module) -> None:
        """Set masked weights to zero, bit by bit."""
        with torch.no_grad():
            for name, gone in self._gone.items():
                module.get_parameter(name).masked_fill_(gone, 0.0)


def _lay_out(module: nn.Module, form: torch.memory_format) -> None:
    """Give the kernels of convolutions a memory layout, in place."""
    for value in module.parameters():
        if value.ndim == 4:
            value.data = value.data.contiguous(memory_format=form)


def _still(teacher: nn.Module | None, device: torch.device) -> nn.Module | None:
    """Return the teacher in eval mode on the device; the one given stays as it is."""
    if teacher is None:
        return None
    first = next(teacher.parameters(), None)
    here = first is None or first.device == device
    if here and not teacher.training:
        return teacher
    return copy.deepcopy(teacher).to(device).eval()


def _gone_weights(
    module: nn.Module, masks: MaskPlan | None, device: torch.device
) -> dict[str, Tensor]:
    """Return where weights are to stay zero, by parameter."""
    if masks is None:
        return {}
    named = dict(module.named_parameters(remove_duplicate=False))
    for name, mask in masks.kept.items():
        if name not in named or tuple(named[name].shape) != mask.shape:
            raise InputError(
                f"These masks were made for another model: they name {name} with the "
                f"shape {mask.shape}. Make masks for this model."
            )
    return {name: ~as_tensor(m).to(device) for name, m in masks.kept.items()}


def _part(outputs: Outputs, chosen: Tensor) -> Outputs:
    if isinstance(outputs, Tensor):
        return outputs[chosen]
    return {name: value[chosen] for name, value in outputs.items()}


def _shrink_scales(module: nn.Module, by: float) -> None:
    """Soft-threshold batch-norm scales: the proximal step of an L1 penalty.

    The paper adds the penalty's subgradient to the gradient, which Adam would
    rescale; done after the step, as decoupled weight decay is, it is exact.
    """
    with torch.no_grad():
        for layer in module.modules():
            if isinstance(layer, nn.BatchNorm2d) and layer.affine:
                scale = layer.weight
                scale.copy_(scale.sign() * (scale.abs() - by).clamp_min(0.0))
