"""`apply_plan` equals `mask_plan` on five hundred random networks and more."""

import itertools

import pytest
import torch
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from core.errors import PruningError
from core.pruning import Counter, apply_plan, trace
from tests.core.pruning.oracle import BUILT_IN, check, run, subject
from tests.core.pruning.random_networks import networks, random_network

SPARSITIES = (0.1, 0.3, 0.5, 0.7, 0.95)
CHUNK = 50


def _refused(error):
    return "can be removed" in str(error) or "batch-norm scales" in str(error)


def _check_one(it, heuristic, sparsity, **more):
    try:
        plan = it.plan(heuristic, sparsity, **more)
    except PruningError as error:
        if not _refused(error):
            raise
        return False
    pruned = check(it, plan)
    for out in run(apply_plan(it.module, plan, statistics=it.statistics), it.inputs):
        assert torch.isfinite(out).all()
    if int(plan.hash, 16) % 4 == 0:
        again = Counter(trace(pruned, it.inputs)).dense
        assert again.params == sum(p.numel() for p in pruned.parameters())
    return True


@pytest.mark.parametrize("start", range(0, 500, CHUNK))
def test_five_hundred_networks(start):
    made = 0
    for seed in range(start, start + CHUNK):
        module, inputs = random_network(seed, steps=4 + seed % 13)
        made += _check_one(
            subject(module, *inputs),
            BUILT_IN[seed % len(BUILT_IN)],
            SPARSITIES[seed // 2 % 5],
            scope=("network", "layer")[seed % 2],
            count=("params", "macs", "channels")[seed % 3],
        )
    assert made > CHUNK // 3


@settings(max_examples=40, deadline=None, suppress_health_check=list(HealthCheck))
@given(networks, st.sampled_from(BUILT_IN), st.sampled_from(SPARSITIES), st.booleans())
def test_any_network_any_heuristic(made, heuristic, sparsity, layerwise):
    module, inputs = made
    scope = "layer" if layerwise else "network"
    _check_one(subject(module, *inputs), heuristic, sparsity, scope=scope)


def test_two_layers_concatenated_and_added_to_a_third_both_survive():
    """One of the two could vanish while their sum stayed above its floor."""
    for seed in (320, 470):
        module, inputs = random_network(seed, steps=4 + seed % 14)
        it = subject(module, *inputs)
        for heuristic, floor in itertools.product(("l1", "random"), (1, 2)):
            _check_one(it, heuristic, 0.95, min_channels=floor)
