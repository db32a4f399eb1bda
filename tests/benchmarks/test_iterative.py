"""Cutting and training in turns."""

from dataclasses import replace
from itertools import pairwise

import numpy as np
import pytest
import torch

from benchmarks.training.iterative import mask_and_recover, prune_and_recover, slim
from core.errors import PruningError
from core.job import Cancelled, Job
from core.models import build
from core.pruning import Schedule, apply_plan, make_plan, trace
from core.training import Callbacks, TrainingSettings, fit, synthetic_examples
from core.types import ModelSpec

SPEC = ModelSpec("tiny", "nuclei", "unet", stride=4, window=(64, 64))
QUICK = TrainingSettings(steps=2, batch=1, crop=32, warmup=1, rate=1e-2)
DATA = synthetic_examples(range(1), 48)
BATCH = torch.from_numpy(DATA[0].pixels).permute(2, 0, 1)[None].float() / 255


@pytest.fixture
def module():
    torch.set_num_threads(1)
    return build("unet", {"base": 8, "depth": 3, "types": 0}, seed=1)


def size(module):
    return sum(p.numel() for p in module.parameters())


@pytest.mark.parametrize("pace", ["geometric", "linear"])
def test_cuts_reach_the_sparsity_and_compose_to_one_plan(module, pace):
    seen = []

    def recover(cut, index):
        seen.append((index, size(cut)))
        return fit(cut, SPEC, DATA, QUICK)

    request = {"heuristic": "l2", "sparsity": 0.7}
    found = prune_and_recover(
        module, [BATCH], request, recover, Schedule(3, pace), Job()
    )
    assert [index for index, _ in seen] == [1, 2, 3]
    sizes = [s for _, s in seen]
    assert sizes == sorted(sizes, reverse=True)
    assert size(found.module) == sizes[-1]
    assert size(found.module) / size(module) == pytest.approx(0.3, abs=0.03)
    # the composed plan cuts the dense model to just these shapes
    again = apply_plan(module, found.plan)
    assert [p.shape for p in again.parameters()] == [
        p.shape for p in found.module.parameters()
    ]
    for weight, other in zip(
        again.parameters(), found.module.parameters(), strict=True
    ):
        if weight.ndim == 4:
            assert not torch.equal(weight, other), "it was trained on the way"


def test_each_cut_is_scored_on_what_was_trained(module):
    """A channel that training makes strong stays, though it began as the weakest."""
    request = {"heuristic": "l2", "sparsity": 0.4, "scope": "layer"}
    graph = trace(module, BATCH)
    at_once = make_plan(module, graph, **request)

    def turned(cut, index):
        if index == 1:
            with torch.no_grad():
                for layer in cut.modules():
                    if isinstance(layer, torch.nn.Conv2d) and layer.kernel_size[0] > 1:
                        norm = layer.weight.square().sum((1, 2, 3), keepdim=True)
                        layer.weight.div_(norm + 1e-9)  # the weak become the strong
        return cut

    steps = Schedule(2, refit=False)
    turned_plan = prune_and_recover(module, [BATCH], request, turned, steps).plan
    plain = prune_and_recover(module, [BATCH], request, lambda m, _: m, steps).plan
    assert turned_plan.difference(plain)
    assert at_once.hash != turned_plan.hash


def test_masks_only_grow_and_hold_through_training(module):
    seen = []

    def recover(sparse, masks, index):
        seen.append(masks)
        return fit(sparse, SPEC, DATA, QUICK, aids=Callbacks(masks=masks))

    request = {"heuristic": "magnitude", "sparsity": 0.9}
    found, plan = mask_and_recover(module, [BATCH], request, recover, Schedule(3))
    assert plan.sparsity == pytest.approx(0.9, abs=1e-4)
    assert [m.sparsity for m in seen] == sorted(m.sparsity for m in seen)
    for before, after in pairwise(seen):
        for name, kept in before.kept.items():
            assert not (after.kept[name] & ~kept).any(), "what is gone stays gone"
    named = dict(found.named_parameters())
    for name, kept in plan.kept.items():
        assert not named[name].detach().numpy().view(np.int32)[~kept].any()


def test_slimming_needs_a_pressure_and_batch_norm(module):
    pressed = replace(QUICK, pressure=0.5, steps=4)
    slimmer = slim(module, SPEC, DATA, pressed)
    assert size(slimmer) == size(module)
    with pytest.raises(PruningError, match="pressure"):
        slim(module, SPEC, DATA, QUICK)
    without = build("dual-decoder", {"base": 4, "depth": 2})
    with pytest.raises(PruningError, match="batch norm"):
        slim(without, SPEC, DATA, pressed)


def test_impossible_steps_are_refused_and_cancelling_works(module):
    request = {"heuristic": "l2", "sparsity": 0.5}
    with pytest.raises(PruningError, match="calibration tile"):
        prune_and_recover(module, [], request, lambda m, _: m)
    with pytest.raises(PruningError, match="outside 0"):
        prune_and_recover(module, [BATCH], {**request, "sparsity": 2}, lambda m, _: m)
    random = {"heuristic": "random", "sparsity": 0.5}
    with pytest.raises(PruningError, match="one step"):
        mask_and_recover(module, [BATCH], random, lambda m, *_: m)
    job = Job()
    with pytest.raises(Cancelled):
        prune_and_recover(
            module, [BATCH], request, lambda m, _: (job.cancel(), m)[1], job=job
        )
