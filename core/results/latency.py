"""Latency of two networks side by side, and what may be said of it.

`decide_verdict` is the only place where an interval becomes a verdict.
"""

import math
from collections.abc import Mapping
from dataclasses import asdict, dataclass, field, fields
from typing import Any, Literal, Self

import numpy as np
from numpy.typing import NDArray

from core.results.layers import LayerStep
from core.types import PruneRequest

Clock = Literal["wall", "processor"]
Verdict = Literal["faster", "slower", "no difference", "not measurable now"]
NOT_MEASURABLE: Verdict = "not measurable now"
Floats = NDArray[np.float64]

SAME = (0.8, 1.25)
"""Speed-ups between which two networks count as equally fast.

The limits of average bioequivalence (Schuirmann 1987, doi 10.1007/BF01068419):
*no difference* is a claim like any other, so the whole interval of the speed-up
has to lie between them. An interval that covers 1 and leaves them says neither.
"""

_NOISY = 0.10  # interquartile range as a share of the median


def decide_verdict(interval: tuple[float, float]) -> Verdict:
    """Say what an interval of a speed-up allows.

    Parameters
    ----------
    interval
        Low and high end of dense over pruned latency.

    Returns
    -------
    verdict
        ``"faster"`` or ``"slower"`` when 1 lies outside; ``"no difference"`` when
        it lies inside and the ends lie within `SAME`; else
        ``"not measurable now"``, also when an end is not a number.
    """
    low, high = interval
    if low > 1:
        return "faster"
    if high < 1:
        return "slower"
    if low >= SAME[0] and high <= SAME[1]:
        return "no difference"
    return NOT_MEASURABLE


@dataclass(frozen=True, slots=True, eq=False)
class Timing:
    """Every repetition of one network.

    Parameters
    ----------
    ms
        float64 (n,), milliseconds in the order they were taken, by the clock
        that decides (`Comparison.clock`).
    wall_ms
        float64 (n,), the same calls by the clock on the wall, other programs'
        turns included; None stands for the same times.

    Attributes
    ----------
    median
        Milliseconds.
    """

    ms: Floats
    wall_ms: Floats | None = None
    median: float = field(init=False)

    def __post_init__(self) -> None:
        # drawing asks for it again and again
        object.__setattr__(self, "median", float(np.median(self.ms)))

    @property
    def p90(self) -> float:
        """90th percentile, milliseconds (MLPerf's single-stream figure)."""
        return float(np.percentile(self.ms, 90))

    @property
    def wall_median(self) -> float:
        """Milliseconds by the clock on the wall."""
        return self.median if self.wall_ms is None else float(np.median(self.wall_ms))

    @property
    def iqr(self) -> float:
        """Interquartile range, milliseconds."""
        low, high = np.percentile(self.ms, (25, 75))
        return float(high - low)

    @property
    def noisy(self) -> bool:
        """Whether the spread exceeds a tenth of the median."""
        return self.iqr > _NOISY * self.median

    def as_dict(self) -> dict[str, Any]:
        """Summary and raw times, ready for JSON."""
        return {
            "median": self.median,
            "p90": self.p90,
            "iqr": self.iqr,
            "noisy": self.noisy,
            "ms": _rounded(self.ms),
            "wall_median": self.wall_median,
            "wall_ms": _rounded(self.ms if self.wall_ms is None else self.wall_ms),
        }

    @classmethod
    def from_dict(cls, data: Mapping[str, Any]) -> Self:
        """Read what `as_dict` gave; without raw times, their median stands for them.

        Raises
        ------
        KeyError, TypeError, ValueError
            When it is nothing of the kind.
        """
        raw, wall = data.get("ms"), data.get("wall_ms")
        times = np.array(raw or [data["median"]], np.float64)
        return cls(times, np.array(wall, np.float64) if wall else None)


@dataclass(frozen=True, slots=True)
class Environment:
    """Where and how a time was taken.

    Parameters
    ----------
    device
        ``"cpu"``, ``"cuda"`` or ``"mps"``.
    processor
        Model of the processor or accelerator.
    cores
        Logical processors.
    threads
        Torch's threads within an operation.
    torch_build
        Version and what it was built with.
    layout
        Memory format that both networks ran in.
    inputs
        Shape of each input tensor.
    dtype
        Of the first input.
    load_before, load_after
        One-minute load average; nan where the system has none.
    isolated
        Whether a process of its own measured.
    flush_denormal
        Whether numbers near 0 were flushed (they can be 30 times slower).
    system
        Operating system and Python.
    """

    device: str = ""
    processor: str = ""
    cores: int = 0
    threads: int = 0
    torch_build: str = ""
    layout: str = ""
    inputs: tuple[tuple[int, ...], ...] = ()
    dtype: str = ""
    load_before: float = math.nan
    load_after: float = math.nan
    isolated: bool = False
    flush_denormal: bool = False
    system: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class Comparison:
    """Dense against pruned, measured in turns.

    Parameters
    ----------
    dense, pruned
        Times of each.
    speedup
        How many times faster the pruned network is: trimmed mean of the ratios
        of neighbouring calls. Below 1 it is slower.
    interval
        Confidence interval of `speedup`; see `core.latency.statistics`.
    verdict
        See `decide_verdict`.
    confidence
        Of the interval.
    blocks
        float64 (n, 2), natural logarithm of dense / pruned of the two pairs of
        neighbouring calls in each block.
    environment
        Where and how.
    seconds
        How long it all took.
    tried
        Median milliseconds in each setting that was tried to find the best:
        (dense,) by number of threads, (dense, pruned) by layout. Empty when
        both were given.
    clock
        Which clock the times and the verdict are taken by; see
        `core.latency.clocks`.
    request
        How the pruned network came about; None where nobody said.
    pixels
        Of tissue that one call stands for; 0 when that is not known.
    reason
        A sentence: why the verdict disappoints, where something can be said.
    level
        Latency of the dense network, ms, that several measurements on one tile agree
        on; 0 while there is only this one. See `dense_ms`.
    layers
        What each layer costs, dense and pruned, timed on its own; empty where nobody
        asked.
    """

    dense: Timing
    pruned: Timing
    speedup: float
    interval: tuple[float, float]
    verdict: Verdict
    confidence: float = 0.99
    blocks: Floats = field(default_factory=lambda: np.zeros((0, 2)))
    environment: Environment = field(default_factory=Environment)
    seconds: float = 0.0
    tried: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    clock: Clock = "wall"
    request: PruneRequest | None = None
    pixels: int = 0
    reason: str = ""
    level: float = 0.0
    layers: tuple[LayerStep, ...] = ()

    @property
    def isolated(self) -> bool:
        """Whether a process of its own measured, away from the window."""
        return self.environment.isolated

    @classmethod
    def missing(cls, request: PruneRequest, reason: str) -> Self:
        """Return the place of a measurement that failed; ``reason`` says why."""
        nothing = Timing(np.array([math.nan]))
        ends = (math.nan, math.nan)
        return cls(
            nothing,
            nothing,
            math.nan,
            ends,
            NOT_MEASURABLE,
            request=request,
            reason=reason,
        )

    @property
    def taken(self) -> bool:
        """Whether anything was measured at all."""
        return math.isfinite(self.dense.median)

    @property
    def measurable(self) -> bool:
        """Whether the speed-up may be shown at all, see `decide_verdict`."""
        return self.verdict != NOT_MEASURABLE

    @property
    def dense_ms(self) -> float:
        """Latency of the dense network that is shown, milliseconds.

        The dense network is one: where it was measured several times, `level` stands
        for all of them. Else it is the median.
        """
        return self.level or self.dense.median

    @property
    def pruned_ms(self) -> float:
        """Latency of the pruned network that is shown, milliseconds.

        `dense_ms` over `speedup`, so that both times and their ratio agree. The
        median of the pruned network's own times does not: calls side by side are
        compared, and other programs' turns fall on some calls of one network only.
        """
        return self.dense_ms / self.speedup if self.speedup > 0 else math.nan

    def summary(self) -> dict[str, Any]:
        """Return what every surface says of it, ready for JSON.

        Returns
        -------
        dict
            ``dense`` and ``pruned`` (ms), ``speedup``, ``interval``, ``verdict``.
            Of a measurement that is too noisy only ``dense`` and ``verdict`` are
            said, the others are None; of one that failed, the verdict alone.
        """
        known = self.measurable
        return {
            "dense": self.dense_ms if self.taken else None,
            "pruned": self.pruned_ms if known else None,
            "speedup": self.speedup if known else None,
            "interval": list(self.interval) if known else None,
            "verdict": self.verdict,
        }

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON; the raw evidence also where it says little."""
        return {
            "dense": self.dense.as_dict(),
            "pruned": self.pruned.as_dict(),
            "speedup": self.speedup,
            "interval": list(self.interval),
            "verdict": self.verdict,
            "confidence": self.confidence,
            "environment": asdict(self.environment),
            "seconds": self.seconds,
            "clock": self.clock,
            "tried": {name: list(each) for name, each in self.tried.items()},
        }

    @classmethod
    def from_dict(
        cls, data: Mapping[str, Any], request: PruneRequest | None = None
    ) -> Self:
        """Read what `as_dict` gave, also of an earlier version.

        The verdict is decided anew: earlier versions called intervals of any width
        *no difference*.

        Raises
        ------
        KeyError, TypeError, ValueError
            When it is nothing of the kind.
        """
        low, high = data.get("interval") or (None, None)
        # JSON has no word for what is not finite
        interval = (_number(low, 0.0), _number(high, math.inf))
        known = {each.name for each in fields(Environment)}
        place = {
            name: value
            for name, value in (data.get("environment") or {}).items()
            if name in known and value is not None
        }
        place["inputs"] = tuple(map(tuple, place.get("inputs", ())))
        return cls(
            Timing.from_dict(data["dense"]),
            Timing.from_dict(data["pruned"]),
            _number(data.get("speedup"), math.nan),
            interval,
            decide_verdict(interval),
            float(data.get("confidence", 0.99)),
            environment=Environment(**place),
            seconds=_number(data.get("seconds"), 0.0),
            tried={name: tuple(v) for name, v in (data.get("tried") or {}).items()},
            clock=data.get("clock", "wall"),
            request=request,
        )


def _number(value: float | None, otherwise: float) -> float:
    return otherwise if value is None else float(value)


def _rounded(times: Floats) -> list[float]:
    return [round(each, 4) for each in times.tolist()]
