"""From ratios of neighbouring calls to a speed-up, an interval and a verdict.

Each block of four calls gives two log ratios of neighbours in opposite order.
The speed-up is their trimmed mean: on a machine that others disturb, times come
in clumps with long tails, and of the mean, the median, the faster call of each
block and trimmed means, this had the shortest intervals (50 blocks under load:
10 % found in 88 of 100 against 54 for the median of the faster calls).
Where another program always runs hardly any call is undisturbed; what helps
then is not another mean but another clock, see `core.latency.clocks`.

Its interval is a percentile bootstrap over blocks from `ENOUGH` blocks on. With
fewer, which is all a live window can afford with a large network, a bootstrap is
too narrow (8 blocks of heavy-tailed noise: 6 wrong verdicts in 100 at a nominal
1); there a t interval on the trimmed mean serves (Tukey and McLaughlin 1963),
which had at most 1 at any number of blocks.

The interval is then widened by `SYSTEMATIC`: two copies of one network differ
by that much for good, only because their weights lie elsewhere in memory. No
number of repetitions removes this, so no smaller difference is claimed.
"""

import math

import numpy as np
from numpy.typing import NDArray

from core.results.latency import Comparison, Timing, Verdict, decide_verdict

Floats = NDArray[np.float64]

SYSTEMATIC = 0.01
"""Relative difference that the place of weights in memory may cause."""

ENOUGH = 30
"""Blocks from which a bootstrap is trusted."""

_TRIM_FEW, _TRIM_MANY = 0.2, 0.3  # share cut off at each end
_RESAMPLES = 2000
_AT_ONCE = 500_000  # numbers drawn together: bounds memory
_LARGEST = 700.0  # the exponential of more is infinite


def centre(ratios: Floats) -> float:
    """Trimmed mean of all values."""
    values = np.sort(ratios, axis=None)
    return _trimmed(values, _cut(len(ratios), values.size))


def log_interval(ratios: Floats, confidence: float) -> tuple[float, float]:
    """Confidence interval of the `centre`.

    Parameters
    ----------
    ratios
        float64 (n, k), n blocks of k values. A single value gives an infinite
        interval.
    confidence
        0 to 1, such as 0.99.

    Returns
    -------
    interval
        Low and high end, in the values' own unit; the centre lies inside.
    """
    if ratios.size < 2:
        return -math.inf, math.inf
    if len(ratios) < ENOUGH:
        low, high = _t_interval(ratios, confidence)
    else:
        low, high = _bootstrap_interval(ratios, confidence)
    middle = centre(ratios)
    return min(low, middle), max(high, middle)


def judge(
    ratios: Floats, confidence: float
) -> tuple[float, tuple[float, float], Verdict]:
    """Speed-up, its interval and what may be said.

    Parameters
    ----------
    ratios
        float64 (n, 2), log of dense / pruned of each pair of neighbours.
    confidence
        Of the interval.

    Returns
    -------
    speedup
        Above 1 when pruned is faster.
    interval
        Of the speed-up, systematic part included.
    verdict
        See `core.results.latency.decide_verdict`.
    """
    low, high = log_interval(ratios, confidence)
    extra = math.log1p(SYSTEMATIC)
    interval = (math.exp(low - extra), math.exp(min(high + extra, _LARGEST)))
    return math.exp(centre(ratios)), interval, decide_verdict(interval)


def compare_times(
    dense: Floats, pruned: Floats, confidence: float, *, seconds: float = 0.0
) -> Comparison:
    """Compare two series of times that were taken in turns.

    Parameters
    ----------
    dense, pruned
        float64 (n, 2) milliseconds, see `core.latency.sampling.take_blocks`; equal
        places are neighbouring calls.
    confidence
        Of the interval.
    seconds
        How long it all took.
    """
    ratios = np.log(dense / pruned)
    speedup, interval, verdict = judge(ratios, confidence)
    return Comparison(
        Timing(dense.ravel()),
        Timing(pruned.ravel()),
        speedup,
        interval,
        verdict,
        confidence,
        ratios,
        seconds=seconds,
    )


def _bootstrap_interval(ratios: Floats, confidence: float) -> tuple[float, float]:
    n = len(ratios)
    # the same resamples for the same number of blocks: a result repeats
    rng = np.random.default_rng(n)
    part = max(_AT_ONCE // ratios.size, 1)
    centres = []
    for start in range(0, _RESAMPLES, part):
        drawn = rng.integers(0, n, (min(part, _RESAMPLES - start), n))
        values = ratios[drawn].reshape(len(drawn), -1)
        values.sort(axis=1)
        cut = _cut(n, values.shape[1])
        centres.append(values[:, cut : values.shape[1] - cut].mean(axis=1))
    tail = (1 - confidence) / 2
    low, high = np.quantile(np.concatenate(centres), (tail, 1 - tail))
    return float(low), float(high)


def _t_interval(ratios: Floats, confidence: float) -> tuple[float, float]:
    from scipy.special import stdtrit  # late: slow to import

    values = np.sort(ratios, axis=None)
    n = values.size
    cut = _cut(len(ratios), n)
    winsorised = np.clip(values, values[cut], values[n - cut - 1])
    spread = float(winsorised.std(ddof=1)) / ((1 - 2 * cut / n) * math.sqrt(n))
    reach = float(stdtrit(n - 2 * cut - 1, (1 + confidence) / 2)) * spread
    middle = _trimmed(values, cut)
    return middle - reach, middle + reach


def _cut(blocks: int, values: int) -> int:
    return int((_TRIM_FEW if blocks < ENOUGH else _TRIM_MANY) * values)


def _trimmed(ordered: Floats, cut: int) -> float:
    return float(ordered[cut : ordered.size - cut].mean())
