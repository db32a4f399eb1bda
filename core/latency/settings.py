"""How long and how to measure; what comes out is in `core.results.latency`."""

from dataclasses import dataclass
from typing import Literal

Layout = Literal["auto", "contiguous", "channels_last"]


@dataclass(frozen=True, slots=True)
class TimingSettings:
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


FULL = TimingSettings()
"""For a number that is kept."""

QUICK = TimingSettings(seconds=1.5, warmup=1, precision=0.02, confidence=0.98)
"""For a live window: the marker at the slider's rest."""
