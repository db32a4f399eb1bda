"""`apply_plan` equals `mask_plan` on seventy small architectures, every heuristic."""

import itertools
import re

import pytest

from core.errors import PruningError
from core.pruning import Counter, apply_plan, trace
from tests.core.pruning.oracle import BUILT_IN, check, from_zoo
from tests.core.pruning.zoo import ZOO

SPARSITIES = (0.1, 0.3, 0.5, 0.7, 0.8, 0.9, 0.95)
SETTINGS = (
    {"scope": "network", "count": "params"},
    {"scope": "layer", "count": "params"},
    {"scope": "network", "count": "macs"},
    {"scope": "layer", "count": "channels", "round_to": 2},
    {"scope": "network", "count": "channels", "min_channels": 2},
)

# Nothing in these can be cut without guessing.
PROTECTED = {
    "assigned",
    "bilinear-pool",
    "map-layer-norm",
    "reordered",
}


def _combinations(name):
    """Two settings for each heuristic, other ones for each architecture."""
    sparsities = itertools.cycle(SPARSITIES)
    settings = itertools.cycle(SETTINGS)
    for _ in range(sorted(ZOO).index(name)):
        next(sparsities)
        next(settings)
    for heuristic in BUILT_IN:
        for _ in range(2):
            yield heuristic, next(sparsities), next(settings)


@pytest.mark.parametrize("name", sorted(set(ZOO) - PROTECTED))
def test_cutting_equals_masking(name):
    it = from_zoo(name)
    made = 0
    for heuristic, sparsity, settings in _combinations(name):
        try:
            plan = it.plan(heuristic, sparsity * it.reach, **settings)
        except PruningError as error:
            # Another count, floor or rounding can reach less; no batch norm.
            if not re.search("can be removed|batch-norm scales", str(error)):
                raise
            continue
        check(it, plan)
        made += 1
    assert made >= len(BUILT_IN)


@pytest.mark.parametrize("name", sorted(PROTECTED))
def test_what_is_not_understood_is_left_alone(name):
    it = from_zoo(name)
    assert it.graph.atoms == 1
    assert it.graph.reasons
    assert all(it.graph.reasons.values())
    with pytest.raises(PruningError, match="can be removed"):
        it.plan("l2", 0.5)


@pytest.mark.parametrize("name", sorted(ZOO))
def test_a_trace_of_the_pruned_module_counts_what_the_plan_promised(name):
    it = from_zoo(name)
    plan = it.plan("l2", 0.6 * it.reach)
    pruned = apply_plan(it.module, plan)
    again = Counter(trace(pruned, it.inputs)).dense
    assert again.params == sum(p.numel() for p in pruned.parameters())
    dense = Counter(it.graph).dense
    assert again.macs <= dense.macs
    assert again.channels <= dense.channels
