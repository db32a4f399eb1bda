"""What a measurement gives and what it was asked: plain values."""

from collections.abc import Mapping
from dataclasses import asdict, dataclass, field
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

Clock = Literal["wall", "processor"]
Layout = Literal["auto", "contiguous", "channels_last"]
Verdict = Literal["faster", "slower", "no difference"]
Floats = NDArray[np.float64]

_NOISY = 0.10  # interquartile range as a share of the median


@dataclass(frozen=True, slots=True)
class Settings:
    """How long and how to measure.

    Parameters
    ----------
    seconds
        Time for the whole comparison, warm-up and choice of layout included.
        Overrun only as far as `min_blocks` needs, and never fourfold.
    min_blocks, max_blocks
        Blocks of four calls (dense, pruned, pruned, dense, or the reverse).
    precision
        Stop early once the interval is at most this wide on either side of the
        speed-up (0.01 = 1 %); 0 never stops early.
    warmup
        Calls of each network that are thrown away first.
    threads
        Threads within an operation; None times the dense network with one and
        with torch's default and takes the default where that is faster by a
        fifth: on a busy machine many threads wait for each other (measured: 80
        ms with two, 15 with one).
        Give a number where results of several runs are compared.
    layout
        Memory format of weights and input; ``"auto"`` times both and takes the
        better for both networks.
    confidence
        Of the interval.
    seed
        Of the order within blocks.
    """

    seconds: float = 10.0
    min_blocks: int = 3
    max_blocks: int = 2000
    precision: float = 0.01
    warmup: int = 3
    threads: int | None = None
    layout: Layout = "auto"
    confidence: float = 0.99
    seed: int = 0


FULL = Settings()
"""For a number that is kept."""

QUICK = Settings(seconds=1.5, warmup=1, precision=0.02, confidence=0.98)
"""For a live window: the marker at the slider's rest."""


@dataclass(frozen=True, slots=True)
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
    """

    ms: Floats
    wall_ms: Floats | None = None

    @property
    def median(self) -> float:
        """Milliseconds."""
        return float(np.median(self.ms))

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

    device: str
    processor: str
    cores: int
    threads: int
    torch_build: str
    layout: str
    inputs: tuple[tuple[int, ...], ...]
    dtype: str
    load_before: float
    load_after: float
    isolated: bool
    flush_denormal: bool
    system: str


@dataclass(frozen=True, slots=True)
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
        ``"no difference"`` when the interval covers 1.
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
    """

    dense: Timing
    pruned: Timing
    speedup: float
    interval: tuple[float, float]
    verdict: Verdict
    confidence: float
    blocks: Floats
    environment: Environment
    seconds: float = 0.0
    tried: Mapping[str, tuple[float, ...]] = field(default_factory=dict)
    clock: Clock = "wall"

    @property
    def isolated(self) -> bool:
        """Whether a process of its own measured, away from the window."""
        return self.environment.isolated

    def as_dict(self) -> dict[str, Any]:
        """Everything, ready for JSON."""
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


def _rounded(times: Floats) -> list[float]:
    return [round(each, 4) for each in times.tolist()]
