"""`apply_plan` equals `mask_plan` on small members of every shipped architecture."""

import itertools

import pytest

from core.errors import PruningError
from core.pruning import apply_plan
from tests.core.models.cases import SPECS
from tests.core.pruning.oracle import (
    BUILT_IN,
    check,
    difference,
    from_catalogue,
    run,
)

SPARSITIES = (0.1, 0.5, 0.95, 0.3, 0.8)
SCOPES = ("network", "layer", "encoder", "decoder", "branch")

BRANCHES = {
    "unet": "encoder.1",
    "unet-transposed": "decoder.0",
    "attention-unet": "gates",
    "residual-unet": "stem",
    "dual-decoder": "decoder.dist",
    "hovernet-fast": "decoder.np",
    "hovernet-original": "decoder.hv",
    "resnet18": "layer3",
    "encoder-unet": "decoder.blocks",
}


def _plan(it, name, heuristic, sparsity, scope):
    """A plan at this sparsity, or as far as the scope reaches."""
    scope = BRANCHES[name] if scope == "branch" else scope
    while True:
        try:
            return it.plan(heuristic, sparsity, scope=scope)
        except PruningError as error:
            if "can be removed" not in str(error):
                raise
            sparsity /= 2


@pytest.mark.parametrize("name", sorted(SPECS))
def test_cutting_equals_masking(name):
    """Each heuristic, each scope and each sparsity is met; the whole product is
    ``python -m benchmarks.equality``."""
    it = from_catalogue(name)
    step = itertools.count()
    met = set()
    for heuristic in BUILT_IN:
        if heuristic == "bn_scale" and name == "dual-decoder":
            with pytest.raises(PruningError, match="batch-norm scales"):
                it.plan(heuristic, 0.5)
            continue
        for _ in range(1 if name.startswith("hovernet") else 4):
            # Every scope meets every sparsity in 25 steps.
            k = next(step)
            scope = SCOPES[(k + k // 5) % 5]
            if scope in ("encoder", "decoder") and name == "resnet18":
                scope = "network"
            check(it, _plan(it, name, heuristic, SPARSITIES[k % 5], scope))
            met |= {heuristic, scope, SPARSITIES[k % 5]}
    halves = {"encoder", "decoder"} if name == "resnet18" else set()
    norms = {"bn_scale"} if name == "dual-decoder" else set()
    assert met == {*BUILT_IN, *SCOPES, *SPARSITIES} - halves - norms


@pytest.mark.parametrize("name", sorted(SPECS))
def test_nothing_is_unknown(name):
    assert not from_catalogue(name).graph.unknown


@pytest.mark.parametrize("name", sorted(SPECS))
def test_outputs_of_a_pruned_network_still_depend_on_the_input(name):
    """Otherwise two constants would be compared."""
    it = from_catalogue(name)
    pruned = apply_plan(it.module, it.plan("l2", 0.5))
    first = run(pruned, it.inputs)
    second = run(pruned, tuple(1 - x for x in it.inputs))
    assert difference(first, second) > 1e-3
