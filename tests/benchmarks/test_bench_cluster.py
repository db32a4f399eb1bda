"""The simulation of clusters, where the answer is known."""

import pytest

from benchmarks.bench_cluster import ClusterCosts, play

FREE = ClusterCosts(0.0, 0.0)


@pytest.mark.parametrize(("workers", "seconds"), [(1, 12), (2, 6), (4, 3), (100, 1)])
def test_trials_of_one_length_divide_evenly(workers, seconds):
    assert play([1.0] * 12, workers, FREE) == pytest.approx(seconds)


def test_the_last_long_trial_is_waited_for():
    assert play([1.0, 1.0, 10.0], 2, FREE) == pytest.approx(11)


def test_one_command_limits_how_many_workers_pay():
    """A trial costs it as much as a worker: a second worker is all that helps."""
    slow = ClusterCosts(handling=2.0, sending=0.0)
    times = [play([1.0] * 50, workers, slow) for workers in (2, 10, 1000)]
    assert times[0] == pytest.approx(times[2], rel=0.1)
    assert times[2] >= 50


def test_a_model_travels_from_worker_to_worker():
    sent = ClusterCosts(handling=0.0, sending=1.0)
    assert play([1.0], 1, sent) == pytest.approx(2)
    assert play([1.0], 1000, sent) == pytest.approx(11)
