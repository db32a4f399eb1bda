"""One rule for verdicts, one number for a latency, no shown factor without one."""

import json
import math

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from core.latency import compare_times, decide_verdict
from core.results import NOT_MEASURABLE, Comparison
from core.results.latency import SAME
from core.store import to_row
from core.types import PruneRequest

ENDS = st.floats(0.01, 50)


@pytest.mark.parametrize(
    ("interval", "verdict"),
    [
        ((1.01, 1.2), "faster"),
        ((1.2, 9.0), "faster"),  # how much is not known well, that it is is
        ((0.5, 0.99), "slower"),
        ((0.97, 1.04), "no difference"),
        (SAME, "no difference"),
        ((0.04, 45.0), NOT_MEASURABLE),
        ((0.9, 1.5), NOT_MEASURABLE),
        ((0.7, 1.1), NOT_MEASURABLE),
        ((0.0, math.inf), NOT_MEASURABLE),
        ((math.nan, math.nan), NOT_MEASURABLE),
    ],
)
def test_verdicts(interval, verdict):
    assert decide_verdict(interval) == verdict


@given(ENDS, ENDS)
def test_swapping_the_networks_swaps_the_verdict(one, other):
    low, high = sorted((one, other))
    swapped = {"faster": "slower", "slower": "faster"}
    verdict, back = decide_verdict((low, high)), decide_verdict((1 / high, 1 / low))
    if low not in SAME and high not in SAME and 1 not in (low, high):
        assert back == swapped.get(verdict, verdict)


@given(ENDS, ENDS, st.floats(1, 3))
def test_a_wider_interval_never_says_more(one, other, wider):
    low, high = sorted((one, other))
    claims = ("faster", "slower", "no difference")
    before, after = (
        decide_verdict(i) for i in ((low, high), (low / wider, high * wider))
    )
    assert after == before or after not in claims or before in {"faster", "slower"}
    if before == NOT_MEASURABLE:
        assert after == NOT_MEASURABLE


def noisy():
    rng = np.random.default_rng(1)
    times = np.exp(rng.normal(3, 2.0, (2, 3, 2)))
    return compare_times(*times, 0.98)


def test_a_noisy_measurement_has_no_factor_anywhere():
    found = noisy()
    assert found.verdict == NOT_MEASURABLE
    assert not found.measurable
    said = found.summary()
    assert said["verdict"] == NOT_MEASURABLE
    assert [said[name] for name in ("pruned", "speedup", "interval")] == [None] * 3


def test_times_and_their_ratio_agree():
    """Calls that other programs disturb do not come in pairs: medians mislead."""
    rng = np.random.default_rng(0)
    dense = 10 + rng.normal(0, 0.1, (40, 2)) + 8 * (rng.random((40, 1)) < 0.6)
    pruned = dense / 1.1
    pruned[:8] *= 3  # calls of the smaller network that another program held up
    found = compare_times(dense, pruned, 0.99)
    assert found.pruned_ms == pytest.approx(found.dense_ms / found.speedup)
    said = found.summary()
    assert said["dense"] / said["pruned"] == pytest.approx(said["speedup"])


def test_records_of_earlier_versions_get_the_verdict_of_this_one(finished):
    """They called an interval of 0.04 to 45 *no difference*."""
    latency = noisy().as_dict() | {"verdict": "no difference"}
    record = finished(latency=json.loads(json.dumps(latency)))
    assert record.to_trial().measured.verdict == NOT_MEASURABLE
    assert record.to_trial().latency is None
    row = to_row(record)
    assert row["verdict"] == NOT_MEASURABLE
    for name in ("speedup", "speedup_low", "speedup_high", "latency_pruned_ms"):
        assert math.isnan(row[name])
    assert row["latency_dense_ms"] > 0


def test_a_comparison_survives_its_record(finished):
    rng = np.random.default_rng(2)
    dense = rng.uniform(9.9, 10.1, (20, 2))
    found = compare_times(dense, dense / 2, 0.99)
    record = finished(latency=json.loads(json.dumps(found.as_dict())))
    again = record.comparison
    assert again.request == record.trial.request
    assert (again.speedup, again.verdict) == (found.speedup, "faster")
    assert again.interval == found.interval
    assert again.dense_ms == pytest.approx(found.dense_ms, rel=1e-4)


def test_a_record_without_raw_times_still_has_its_medians():
    data = {
        "dense": {"median": 100.0},
        "pruned": {"median": 50.0},
        "speedup": 2.0,
        "interval": [1.9, 2.1],
    }
    found = Comparison.from_dict(data, PruneRequest("l2", 0.5))
    assert (found.dense_ms, found.pruned_ms, found.verdict) == (100.0, 50.0, "faster")


@pytest.fixture
def finished():
    from core.store import Record, TrialIdentity
    from core.types import Counts

    def build(**changes):
        identity = TrialIdentity("demo", "w", "d", PruneRequest("l2", 0.5))
        values = {
            "trial": identity,
            "status": "done",
            "created": "2026-01-02T03:04:05+00:00",
            "dense": Counts(100, 1000, 10),
            "pruned": Counts(50, 500, 7),
        }
        return Record(**(values | changes))

    return build
