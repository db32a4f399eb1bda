"""The rounds in which the demo weights were trained, as data."""

from dataclasses import dataclass, replace

from core.training.augment import Augmentation
from core.training.settings import TrainingSettings

Shares = tuple[float, float, float, float]
"""Shares of crops: DSB 2018, TNBC, synthetic H&E, synthetic immunohistochemistry."""

FIRST_SHARES: Shares = (0.50, 0.20, 0.30, 0.18)


@dataclass(frozen=True, slots=True)
class Round:
    """One pass of training that starts from the weights of the one before.

    Parameters
    ----------
    name
        Part of its checkpoint's file name.
    steps, rate, warmup
        See `TrainingSettings`.
    shares
        What the crops are drawn from.
    augmentation
        How tiles are changed.
    cooldown, average
        See `TrainingSettings`.
    """

    name: str
    steps: int
    rate: float
    warmup: int
    shares: Shares
    augmentation: Augmentation
    cooldown: float = 1.0
    average: float = 0.995

    def settings(self, first: TrainingSettings, number: int) -> TrainingSettings:
        """Return the settings of this round.

        Parameters
        ----------
        first
            Of the first round, whose seed and checkpoint are carried on.
        number
            1 for the first of the later rounds.
        """
        path = first.checkpoint
        named = None if path is None else path.with_stem(f"{path.stem}-{self.name}")
        return replace(
            first,
            steps=self.steps,
            batch=5,
            crop=256,
            rate=self.rate,
            warmup=self.warmup,
            cooldown=self.cooldown,
            average=self.average,
            seed=first.seed + number,
            checkpoint=named,
            save_every=100,
            augmentation=self.augmentation,
        )


LATER_ROUNDS = (
    # Real tissue first, as it looks, in larger crops.
    Round(
        "polish",
        500,
        8e-4,
        20,
        (0.60, 0.15, 0.15, 0.10),
        Augmentation(stain=0.04, brown=0.06, blur=0.15, noise=0.15, strength=0.5),
    ),
    # After that the training tiles were fitted no better than the held-out ones
    # (AJI 0.62 and 0.61): longer, and from a higher rate.
    Round(
        "long",
        800,
        1.5e-3,
        30,
        (0.62, 0.20, 0.11, 0.07),
        Augmentation(stain=0.04, brown=0.05, blur=0.12, noise=0.12, strength=0.5),
    ),
    # Once more, changed less.
    Round(
        "last",
        850,
        1.2e-3,
        30,
        (0.66, 0.19, 0.09, 0.06),
        Augmentation(stain=0.03, brown=0.04, blur=0.06, noise=0.06, strength=0.3),
    ),
)

FINAL_ROUNDS = (
    # From the mean of the three above. Held-out tiles still gained with every round,
    # so once more and longer.
    Round(
        "longer",
        2200,
        1.5e-3,
        60,
        (0.64, 0.20, 0.10, 0.06),
        Augmentation(stain=0.04, brown=0.05, blur=0.10, noise=0.10, strength=0.45),
        cooldown=0.8,
        average=0.998,
    ),
)
"""A further round with weaker changes (strength 0.3) fitted the training tiles better
and the held-out ones worse (mean Dice 0.903 and 0.876): left out."""
