"""What a sweep covers, and in which order.

Start with `Grid`. The order makes the first minutes useful: every curve gets
its two ends, then its middle, then ever finer steps; further seeds come last.
"""

from collections import deque
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field, replace
from itertools import product
from pathlib import Path
from typing import TypeVar

from core.errors import InputError
from core.latency import TimingSettings
from core.sweep.running import Running
from core.types import FineTune, PruneRequest, Recovery, Target

SWEEP_TIMING = TimingSettings(seconds=3.0, warmup=2, precision=0.01)
"""Per trial: a sweep has hundreds."""

_T = TypeVar("_T")


@dataclass(frozen=True, slots=True)
class Grid:
    """All combinations of these, on one folder of tiles.

    Parameters
    ----------
    models
        Catalogue names or paths.
    data
        Folder with ``images/*`` and, where there is ground truth, ``labels/*``.
    heuristics, scopes, sparsities, recoveries, seeds
        See `PruneRequest`.
    count, round_to, min_channels, locked
        The same for every point.
    timing
        How latency is measured for each trial; None leaves it out.
    training
        Of recovery ``"finetune"``; its seed is that of the point.
    calibration
        Folder, tile or sample to calibrate on; empty for the default of
        `core.benchmark.calibration.choose_calibration`.
    running
        With what networks run.
    """

    models: tuple[str, ...]
    data: Path
    heuristics: tuple[str, ...]
    sparsities: tuple[float, ...]
    scopes: tuple[str, ...] = ("network",)
    recoveries: tuple[Recovery, ...] = ("refit",)
    seeds: tuple[int, ...] = (0,)
    count: Target = "params"
    round_to: int = 1
    min_channels: int = 1
    locked: tuple[str, ...] = ()
    timing: TimingSettings | None = SWEEP_TIMING
    training: FineTune = field(default_factory=FineTune)
    calibration: str = ""
    running: Running = field(default_factory=Running)

    def __post_init__(self) -> None:
        for name in ("models", "heuristics", "sparsities", "scopes", "recoveries"):
            if not getattr(self, name):
                raise InputError(f"The sweep has no {name}; give at least one.")
        if not self.seeds:
            raise InputError("The sweep has no seeds; give at least one.")

    def __len__(self) -> int:
        return sum(1 for _ in self.points())

    def points(self) -> Iterator[tuple[str, PruneRequest]]:
        """Model and request of every trial, coarse to fine, none twice."""
        order = product(
            _distinct(self.seeds),
            coarse_to_fine(self.sparsities),
            _distinct(self.models),
            _distinct(self.heuristics),
            _distinct(self.scopes),
            _distinct(self.recoveries),
        )
        for seed, sparsity, model, heuristic, scope, recovery in order:
            yield (
                model,
                PruneRequest(
                    heuristic=heuristic,
                    sparsity=sparsity,
                    scope=scope,
                    count=self.count,
                    recovery=recovery,
                    round_to=self.round_to,
                    min_channels=self.min_channels,
                    seed=seed,
                    locked=self.locked,
                    training=replace(self.training, seed=seed),
                ),
            )


def coarse_to_fine(values: Sequence[float]) -> tuple[float, ...]:
    """Order values so that any beginning spreads over the whole range.

    Returns
    -------
    ordered
        Distinct values: the smallest, the largest, the middle, the middles of
        the halves, and so on.
    """
    rising = sorted(set(values))
    if len(rising) < 3:
        return tuple(rising)
    ordered = [rising[0], rising[-1]]
    gaps = deque([(0, len(rising) - 1)])
    while gaps:
        low, high = gaps.popleft()
        middle = (low + high) // 2
        if low < middle < high:
            ordered.append(rising[middle])
            gaps += [(low, middle), (middle, high)]
    return tuple(ordered)


def _distinct(values: Sequence[_T]) -> tuple[_T, ...]:
    return tuple(dict.fromkeys(values))
