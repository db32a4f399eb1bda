"""Looks at a network while it is trained: how good it is, and what it shows."""

import math
import time
from collections.abc import Callable, Sequence
from dataclasses import replace

import cv2
import numpy as np
import torch
from torch import Tensor, nn

from core.training.batches import stack
from core.training.data import Example
from core.training.loss import distillation_loss, total_loss
from core.types import ModelSpec

_MOST = 12  # crops: a check must not cost more than a few steps


class Validation:
    """The loss on tiles that are not learned from, always on the same crops.

    Parameters
    ----------
    spec
        How pixels are scaled.
    examples
        The tiles; may be empty.
    side
        Of the crops, in pixels.
    teacher
        For tiles without ground truth, in eval mode.
    """

    def __init__(
        self,
        spec: ModelSpec,
        examples: Sequence[Example],
        side: int,
        teacher: nn.Module | None,
    ) -> None:
        self._teacher = teacher
        self._crops = [stack([crop], spec) for crop in middles(examples, side)]

    def __bool__(self) -> bool:
        return bool(self._crops)

    def loss(self, module: nn.Module) -> float:
        """Mean over the crops; infinite when it is not a number.

        Parameters
        ----------
        module
            In eval mode.
        """
        mean = float(np.mean([self._one(module, *crop) for crop in self._crops]))
        return mean if math.isfinite(mean) else math.inf

    def _one(
        self, module: nn.Module, inputs: Tensor, targets: dict[str, Tensor]
    ) -> float:
        device = next(module.parameters()).device
        inputs = inputs.to(device)
        with torch.no_grad():
            outputs = module(inputs)
            if bool(targets["known"].all()):
                moved = {name: value.to(device) for name, value in targets.items()}
                return float(total_loss(outputs, moved))
            assert self._teacher is not None
            return float(distillation_loss(outputs, self._teacher(inputs)))


def middles(examples: Sequence[Example], side: int) -> list[Example]:
    """Cut one square from the middle of each tile, unchanged.

    Parameters
    ----------
    examples
        Of any size; small ones are mirrored on. Of many, evenly spaced ones.
    side
        Of the squares, in pixels.
    """
    count = min(len(examples), _MOST)
    chosen = np.linspace(0, len(examples) - 1, count).round().astype(int)
    found = []
    for example in (examples[index] for index in chosen):
        missing = [max(side - length, 0) for length in example.labels.shape]
        height, width = example.labels.shape
        top, left = (max(length - side, 0) // 2 for length in (height, width))
        part = (slice(top, top + side), slice(left, left + side))
        pixels, labels = (
            cv2.copyMakeBorder(
                np.ascontiguousarray(array[part]),
                0,
                missing[0],
                0,
                missing[1],
                cv2.BORDER_REFLECT_101,
            )
            for array in (example.pixels, example.labels)
        )
        found.append(
            replace(
                example,
                pixels=np.asarray(pixels, np.uint8),
                labels=np.asarray(labels, np.int32),
            )
        )
    return found


class Snapshots:
    """Shows the network every few seconds.

    Parameters
    ----------
    on_snapshot
        Who looks; None for nobody.
    every
        Seconds.
    """

    def __init__(
        self, on_snapshot: Callable[[nn.Module], None] | None, every: float
    ) -> None:
        self._watch, self._every = on_snapshot, every
        self._last = time.monotonic()

    def due(self, module: nn.Module) -> None:
        """Show it when it is time; the time that looking takes does not count."""
        if self._watch is None or time.monotonic() - self._last < self._every:
            return
        self._watch(module)
        self._last = time.monotonic()
