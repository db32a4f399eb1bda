"""Everything that decides one training run."""

from dataclasses import dataclass, field
from pathlib import Path

from core.training.augment import Augmentation


@dataclass(frozen=True, slots=True)
class Settings:
    """Settings of `fit`.

    Parameters
    ----------
    steps
        Optimiser steps in total.
    batch, crop
        Crops a step, and their side in pixels (a multiple of the stride).
    rate, decay
        Highest learning rate, and weight decay (AdamW).
    warmup
        Steps over which the rate rises.
    cooldown
        Share of `steps` over which it falls to 0 by a cosine. Before that it is
        constant, so `steps` may still be changed when a run is resumed.
    average
        Decay of the exponential moving average of the weights, which is what
        `fit` returns; 0 returns the last weights.
    seed
        Of every random choice.
    half
        Compute in bfloat16 (weights stay float32); twice as fast where the
        processor has AMX.
    checkpoint
        File to save to and to resume from, or None.
    save_every
        Steps between two saves.
    augmentation
        How tiles are changed.
    """

    steps: int = 2200
    batch: int = 8
    crop: int = 192
    rate: float = 2e-3
    decay: float = 1e-3
    warmup: int = 100
    cooldown: float = 800 / 2200
    average: float = 0.998
    seed: int = 0
    half: bool = False
    checkpoint: Path | None = None
    save_every: int = 200
    augmentation: Augmentation = field(default_factory=Augmentation)
