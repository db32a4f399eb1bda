"""Intervals of scores against scipy's percentile bootstrap."""

import numpy as np
import pytest
from scipy import stats

from core.metrics import overlap, score_intervals

SEEDS = range(24)


def maps(kept, lost, new):
    """One pixel row a nucleus: found whole, missed, or made up."""
    true, pred = (np.zeros((kept + lost + new, 4), np.int32) for _ in range(2))
    rows = np.arange(kept + lost + new)
    true[: kept + lost] = (rows[: kept + lost] + 1)[:, None]
    pred[:kept] = (rows[:kept] + 1)[:, None]
    pred[kept + lost :] = (rows[kept + lost :] + 1)[:, None]
    return true, pred


@pytest.mark.parametrize("confidence", [0.95, 0.9])
def test_f1_has_the_interval_of_scipy(confidence):
    kept, lost, new = 40, 20, 12
    pairs = overlap(*maps(kept, lost, new))
    mine = np.array(
        [
            score_intervals(pairs, confidence=confidence, seed=seed)["f1"]
            for seed in SEEDS
        ]
    ).mean(axis=0)
    hits = np.repeat([1.0, 0.0, 0.0], (kept, lost, new))
    both = np.repeat([2.0, 1.0, 1.0], (kept, lost, new))
    theirs = stats.bootstrap(
        (hits, both),
        lambda hits, both, axis: 2 * hits.sum(axis) / both.sum(axis),
        paired=True,
        vectorized=True,
        method="percentile",
        confidence_level=confidence,
        n_resamples=20_000,
        rng=np.random.default_rng(0),
    )
    interval = theirs.confidence_interval
    # tails of 90 % in place of 95 % would be 0.3 standard errors away at each end
    near = 0.12 * theirs.standard_error
    assert mine[0] == pytest.approx(interval.low, abs=near)
    assert mine[1] == pytest.approx(interval.high, abs=near)
