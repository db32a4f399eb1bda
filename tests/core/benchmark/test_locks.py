"""Locked layers keep every channel: plan, curve, kept scores, and on disk."""

import json

import numpy as np
import pytest
import skimage
import torch

from core.benchmark import Bench
from core.errors import PruningError
from core.models import load_model
from core.pruning import PruningPlan, make_plan
from core.store import TrialIdentity
from core.types import PruneRequest, Tile

HEURISTICS = ("l2", "reconstruction", "random")


@pytest.fixture(scope="module")
def bench():
    torch.set_num_threads(1)
    pixels = skimage.data.immunohistochemistry()[:96, :112]
    tile = Tile(np.ascontiguousarray(pixels), None, "colon")
    return Bench.open(load_model("unet-tiny"), tile, calibration=[tile])


def prunable(bench):
    return [layer for layer in bench.prunable.layers if not layer.protected]


@pytest.mark.parametrize("heuristic", HEURISTICS)
def test_a_locked_layer_keeps_its_width_and_the_others_pay(bench, heuristic):
    narrower = 0
    for layer in prunable(bench)[::2]:
        free = PruneRequest(heuristic, 0.7)
        # Asked for first, so that what is kept for it could leak into the other.
        without = bench.prunable.widths(bench.prunable.plan(free))
        request = PruneRequest(heuristic, 0.7, locked=(layer.name,))
        plan = bench.prunable.plan(request)
        widths = bench.prunable.widths(plan)
        assert widths[layer.name] == layer.width
        assert all(
            widths[other.name] == other.width
            for other in bench.prunable.layers
            if other.name in layer.coupled and other.width == layer.width
        )
        narrower += without[layer.name] < layer.width
        left = bench.prunable.sizes(plan).params / bench.dense.counts.params
        assert left == pytest.approx(0.3, abs=0.05)
        again = bench.prunable.widths(bench.prunable.plan(free))
        assert again == without
    assert narrower > 2  # the locks did hold something back


@pytest.mark.parametrize("heuristic", HEURISTICS)
def test_the_plan_is_that_of_make_plan(bench, heuristic):
    name = prunable(bench)[2].name
    made = make_plan(
        bench.prunable.model.module,
        bench.prunable.graph,
        heuristic,
        0.6,
        statistics=bench.prunable.statistics(),
        locked=[name],
    )
    plan = bench.prunable.plan(PruneRequest(heuristic, 0.6, locked=(name,)))
    assert plan.hash == made.hash
    assert plan.request == made.request
    assert PruningPlan.from_json(plan.to_json()).request["locked"] == [name]


def test_the_curve_ends_where_locks_do(bench):
    widest = max(prunable(bench), key=lambda layer: layer.width)
    free = bench.curve(PruneRequest("l2", 0.5))
    locked = bench.curve(PruneRequest("l2", 0.5, locked=(widest.name,)))
    assert locked.reach < free.reach
    assert bench.curve(PruneRequest("l2", 0.2)).reach == free.reach
    request = PruneRequest("l2", 0.5, locked=(widest.name,))
    found = bench.prune(request)
    step = np.abs(np.diff(locked.table[:, 1])).max()
    assert abs(locked.at(0.5).macs - found.counts.macs) <= step
    assert found.widths[widest.name] == widest.width


def test_a_lock_on_no_layer_is_refused(bench):
    request = PruneRequest("l2", 0.5, locked=("nowhere",))
    for ask in (bench.curve, bench.prune):
        with pytest.raises(PruningError, match="no layer called 'nowhere'"):
            ask(request)


def test_locks_are_a_set_whatever_form_they_come_in():
    one = PruneRequest("l2", 0.5, locked=("b", "a", "b"))
    assert one == PruneRequest("l2", 0.5, locked=["a", "b"])  # as JSON reads them
    assert hash(one) == hash(PruneRequest("l2", 0.5, locked=("a", "b")))
    assert PruneRequest("l2", 0.5, locked="enc1").locked == ("enc1",)
    text = json.dumps({"locked": one.locked})
    assert PruneRequest("l2", 0.5, **json.loads(text)) == one


def test_trials_with_locks_have_names_of_their_own_and_old_names_stay():
    free, locked, other = (
        TrialIdentity("demo", "w", "d", PruneRequest("l2", 0.5, locked=names)).key
        for names in ((), ("enc1",), ("enc2",))
    )
    assert len({free, locked, other}) == 3
    assert free == "728a2740fb5bf094b3bfd64bb1fc06ad"
