"""Pruning in steps: every step is scored anew, and together they are one plan."""

import numpy as np
import pytest
import torch

from core.errors import PruningError
from core.job import Cancelled, Job
from core.pruning import (
    Counter,
    Schedule,
    apply_plan,
    calibrate,
    make_plan,
    prune_in_steps,
    trace,
)
from tests.core.pruning.oracle import difference, from_catalogue, run

REQUEST = {"heuristic": "l2", "sparsity": 0.7}


def test_one_step_is_one_shot():
    it = from_catalogue("unet")
    done = prune_in_steps(it.module, [it.inputs], REQUEST, Schedule(1))
    assert done.plan.hash == it.plan("l2", 0.7).hash
    wanted = apply_plan(it.module, done.plan, statistics=it.statistics)
    assert difference(run(done.module, it.inputs), run(wanted, it.inputs)) < 1e-9


@pytest.mark.parametrize("name", ["unet", "resnet18"])
@pytest.mark.parametrize("pace", ["geometric", "linear"])
@pytest.mark.parametrize("count", ["params", "macs"])
def test_the_target_is_met_at_the_end(name, pace, count):
    it = from_catalogue(name)
    request = {**REQUEST, "count": count}
    done = prune_in_steps(it.module, [it.inputs], request, Schedule(3, pace))
    counter = Counter(it.graph)
    dense = getattr(counter.dense, count)
    left = getattr(Counter(trace(done.module, it.inputs)).dense, count)
    assert abs(left / dense - 0.3) < 1.01 * counter.per_atom(count).max() / dense
    assert len(done.steps) == 3


def test_the_composed_plan_has_the_shapes_of_the_module():
    it = from_catalogue("attention-unet")
    done = prune_in_steps(it.module, [it.inputs], REQUEST, Schedule(4, refit=False))
    direct = apply_plan(it.module, done.plan)
    # Without repair the same indices give the same model.
    assert difference(run(direct, it.inputs), run(done.module, it.inputs)) == 0
    assert done.plan.request == {**REQUEST, "steps": 4, "pace": "geometric"}


def test_paces():
    np.testing.assert_allclose(Schedule(2, "linear").left(0.8), [0.6, 0.2])
    left = Schedule(4).left(0.9)
    ratios = np.array(left[1:]) / np.array(left[:-1])
    np.testing.assert_allclose(ratios, left[0])
    assert np.isclose(left[-1], 0.1)


def test_each_step_scores_what_is_there():
    """The second step's scores are those of the first step's model."""
    it = from_catalogue("unet")
    request = {**REQUEST, "heuristic": "taylor"}
    done = prune_in_steps(it.module, [it.inputs], request, Schedule(2))
    once = apply_plan(it.module, done.steps[0], statistics=it.statistics)
    graph = trace(once, it.inputs)
    data = calibrate(once, graph, [it.inputs])
    share = done.steps[1].request["sparsity"]
    again = make_plan(once, graph, "taylor", share, statistics=data)
    assert again.hash == done.steps[1].hash


def test_the_dense_model_stays_and_cancelling_stops():
    it = from_catalogue("unet")
    before = {n: t.clone() for n, t in it.module.state_dict().items()}
    seen = []

    def report(step):
        seen.append((step.done, step.total))
        if step.done == 1:
            job.cancel()

    job = Job(report)
    with pytest.raises(Cancelled):
        prune_in_steps(it.module, [it.inputs], REQUEST, Schedule(3), job)
    assert seen == [(0, 3), (1, 3)]
    assert all(torch.equal(t, before[n]) for n, t in it.module.state_dict().items())


def test_what_cannot_be_met():
    it = from_catalogue("unet")
    with pytest.raises(PruningError, match="at least one calibration tile"):
        prune_in_steps(it.module, [], REQUEST)
    with pytest.raises(PruningError, match="at least one calibration tile"):
        prune_in_steps(it.module, [it.inputs], REQUEST, Schedule(0))
    with pytest.raises(PruningError, match="outside 0 to"):
        prune_in_steps(it.module, [it.inputs], {**REQUEST, "sparsity": 1.2})
