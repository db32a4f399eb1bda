"""From block ratios to a speed-up, an interval and a verdict.

The speed-up is the median of the blocks' log ratios. Its interval is a
percentile bootstrap over blocks from `ENOUGH` blocks on. With fewer, which is
all a live window can afford with a large network, a bootstrap is far too narrow
(three blocks of one network against its own copy under load: 12 wrong verdicts
in 100 at a nominal 1); there a t interval on the trimmed mean serves (Tukey and
McLaughlin 1963), which errs to the wide side.

The interval is then widened by `SYSTEMATIC`: two copies of one network differ
by that much for good, only because their weights lie elsewhere in memory. No
number of repetitions removes this, so no smaller difference is claimed.
"""

import math

import numpy as np
from numpy.typing import NDArray

from core.latency.results import Verdict

Floats = NDArray[np.float64]

SYSTEMATIC = 0.01
"""Relative difference that the place of weights in memory may cause."""

ENOUGH = 12
"""Values from which a bootstrap is trusted, and blocks that count whole."""

_TRIM = 0.2
_RESAMPLES = 2000
_LARGEST = 700.0  # the exponential of more is infinite


def log_interval(values: Floats, confidence: float) -> tuple[float, float]:
    """Confidence interval of the centre of some values.

    Parameters
    ----------
    values
        float64 (n,), n at least 1. One value gives an infinite interval.
    confidence
        0 to 1, such as 0.99.

    Returns
    -------
    interval
        Low and high end, in the values' own unit; the median lies inside.
    """
    if len(values) < 2:
        return -math.inf, math.inf
    if len(values) < ENOUGH:
        low, high = _t_interval(values, confidence)
    else:
        low, high = _bootstrap_interval(values, confidence)
    middle = float(np.median(values))
    return min(low, middle), max(high, middle)


def judge(
    values: Floats, confidence: float
) -> tuple[float, tuple[float, float], Verdict]:
    """Speed-up, its interval and what may be said.

    Parameters
    ----------
    values
        float64 (n,), log of dense / pruned for each block.
    confidence
        Of the interval.

    Returns
    -------
    speedup
        Above 1 when pruned is faster.
    interval
        Of the speed-up, systematic part included.
    verdict
        ``"no difference"`` when the interval covers 1.
    """
    low, high = log_interval(values, confidence)
    extra = math.log1p(SYSTEMATIC)
    interval = (math.exp(low - extra), math.exp(min(high + extra, _LARGEST)))
    return math.exp(float(np.median(values))), interval, verdict_of(interval)


def verdict_of(interval: tuple[float, float]) -> Verdict:
    """Say what an interval of a speed-up allows."""
    if interval[0] > 1:
        return "faster"
    return "slower" if interval[1] < 1 else "no difference"


def _bootstrap_interval(values: Floats, confidence: float) -> tuple[float, float]:
    n = len(values)
    # the same resamples for the same number of blocks: a result repeats
    drawn = np.random.default_rng(n).integers(0, n, (_RESAMPLES, n))
    medians = np.median(values[drawn], axis=1)
    tail = (1 - confidence) / 2
    low, high = np.quantile(medians, (tail, 1 - tail))
    return float(low), float(high)


def _t_interval(values: Floats, confidence: float) -> tuple[float, float]:
    from scipy.special import stdtrit  # late: slow to import

    n = len(values)
    cut = int(_TRIM * n)
    ordered = np.sort(values)
    centre = float(ordered[cut : n - cut].mean())
    winsorised = np.clip(ordered, ordered[cut], ordered[n - cut - 1])
    spread = float(winsorised.std(ddof=1)) / ((1 - 2 * cut / n) * math.sqrt(n))
    reach = float(stdtrit(n - 2 * cut - 1, (1 + confidence) / 2)) * spread
    return centre - reach, centre + reach
