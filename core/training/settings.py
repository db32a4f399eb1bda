"""Everything that decides one training run."""

from dataclasses import dataclass, field
from pathlib import Path

from core.training.augment import Augmentation


@dataclass(frozen=True, slots=True)
class TrainingSettings:
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
        Compute in bfloat16 (weights stay float32); about twice as fast where the
        processor has instructions for it, see `fast_in_half`.
    checkpoint
        File to save to and to resume from, or None.
    save_every
        Steps between two saves.
    augmentation
        How tiles are changed.
    minutes
        Stop when this much time is spent, even before `steps`; 0 sets no limit.
        The rate then falls with the time.
    patience
        Checks on the validation tiles without a better result before the run
        stops; 0 never stops early.
    check_every
        Steps between two such checks.
    keep_best
        Return the weights that did best in the checks; else the last ones. The
        checks only say something about tiles that the network at the start has
        never learned from: it may know others by heart, and nothing betters that.
    distil
        Weight of the distance to the teacher's outputs, where there is a teacher.
    pressure
        How fast batch-norm scales are pulled to zero, as a multiple of the rate
        (network slimming, Liu et al. 2017, arXiv 1708.06519); 0 leaves them.
    device
        See `pick_device`; empty trains where the network is.
    type_weights
        Weight of background and of each type in the loss of the type head; empty
        takes 0.5 for background and 1 for every type.
    watch_every
        Seconds between two looks at the network, see `Callbacks`.
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
    minutes: float = 0.0
    patience: int = 0
    check_every: int = 25
    keep_best: bool = True
    distil: float = 1.0
    pressure: float = 0.0
    device: str = ""
    watch_every: float = 3.0
    type_weights: tuple[float, ...] = ()
