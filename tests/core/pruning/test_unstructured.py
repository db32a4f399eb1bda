"""Single weights: exact counts, scores by hand, masks as data, dense untouched."""

import copy
import itertools
import json

import numpy as np
import pytest
import torch
from safetensors.torch import load_file, save_file
from torch import nn

from core.errors import PruningError
from core.pruning import (
    WEIGHT_HEURISTICS,
    MaskPlan,
    ScoringContext,
    apply_masks,
    make_masks,
    trace,
)
from tests.core.models.cases import SPECS
from tests.core.pruning.oracle import from_catalogue, from_zoo, run, subject
from tests.core.pruning.zoo import ZOO

NAMES = tuple(WEIGHT_HEURISTICS)


def _masks(it, heuristic, sparsity, **more):
    data = it.statistics if WEIGHT_HEURISTICS[heuristic].needs else None
    return make_masks(it.module, it.graph, heuristic, sparsity, statistics=data, **more)


def _zeros(module):
    return sum(int((p == 0).sum()) for p in module.parameters())


@pytest.mark.parametrize("heuristic", NAMES)
@pytest.mark.parametrize("scope", ["network", "layer"])
@pytest.mark.parametrize("name", sorted(SPECS))
def test_sparsity_is_exact(name, scope, heuristic):
    it = from_catalogue(name)
    params = sum(p.numel() for p in it.module.parameters())
    for sparsity in (0.0, 0.333, 0.8, 0.9):
        plan = _masks(it, heuristic, sparsity, scope=scope)
        pruned = apply_masks(it.module, plan)
        assert _zeros(pruned) == plan.removed == round(sparsity * params)
        assert plan.sparsity == plan.removed / params


def test_layer_scope_takes_the_same_share_everywhere():
    it = from_catalogue("unet")
    plan = _masks(it, "magnitude", 0.7, scope="layer")
    weights = [p for _, p in it.module.named_parameters() if p.dim() > 1]
    share = plan.removed / sum(w.numel() for w in weights)
    assert len(plan.kept) == len(weights)
    for mask in plan.kept.values():
        assert abs((~mask).sum() - share * mask.size) <= 1


def test_network_scope_takes_the_lowest_of_all():
    it = from_catalogue("unet")
    plan = _masks(it, "magnitude", 0.5)
    state = it.module.state_dict()
    kept = [state[n].abs().numpy()[mask] for n, mask in plan.kept.items()]
    gone = [state[n].abs().numpy()[~mask] for n, mask in plan.kept.items()]
    assert np.concatenate(gone).max() <= np.concatenate(kept).min()


def test_a_branch_leaves_the_others_as_they_are():
    it = from_catalogue("dual-decoder")
    plan = _masks(it, "magnitude", 0.1, scope="decoder.dist")
    assert plan.kept
    assert all(name.startswith("decoder.dist.") for name in plan.kept)
    params = sum(p.numel() for p in it.module.parameters())
    assert plan.removed == round(0.1 * params)


def _share(it):
    """Share of the parameters that are weights of layers."""
    learned = dict(it.module.named_parameters())
    weights = {m.weight for m in it.graph.producing_layers} & set(learned)
    total = sum(p.numel() for p in learned.values())
    return sum(learned[w].numel() for w in weights) / total


@pytest.mark.parametrize("name", sorted(ZOO))
def test_every_architecture_keeps_what_its_masks_keep(name, tmp_path):
    """Every rule in both scopes: counts are exact, the rest stays, files come back."""
    it = from_zoo(name)
    if not it.graph.producing_layers:
        pytest.skip("no layer with weights")
    named = dict(it.module.named_parameters(remove_duplicate=False))
    before = {k: v.clone() for k, v in it.module.state_dict().items()}
    dense = run(it.module, it.inputs)
    params = sum(p.numel() for p in it.module.parameters())
    turns = itertools.product(NAMES, ("network", "layer"), (0.4, 0.9))
    for heuristic, scope, part in turns:
        sparsity = part * _share(it)
        plan = _masks(it, heuristic, sparsity, scope=scope)
        assert plan.removed == round(sparsity * params)
        plan.save(tmp_path / "masks.safetensors")
        back = MaskPlan.load(tmp_path / "masks.safetensors")
        assert back.hash == plan.hash
        pruned = apply_masks(it.module, back)
        state = pruned.state_dict()
        for key, value in it.module.state_dict().items():
            assert torch.equal(value, before[key])
            same = [
                n for n in plan.kept if it.module.get_parameter(n) is named.get(key)
            ]
            mask = plan.kept[same[0]] if same else None
            wanted = value if mask is None else value * torch.from_numpy(mask)
            assert torch.equal(state[key], wanted)
    # What is saved as plain weights computes the same when it is read again.
    save_file({k: v.clone() for k, v in state.items()}, tmp_path / "w.safetensors")
    again = apply_masks(it.module, plan)
    again.load_state_dict(load_file(tmp_path / "w.safetensors"))
    outputs = run(pruned, it.inputs)
    for out, same, other in zip(outputs, run(again, it.inputs), dense, strict=True):
        assert torch.equal(out, same)
        assert torch.isfinite(out).all()
        assert out.shape == other.shape


# --- scores by hand ---------------------------------------------------------------


@pytest.fixture(scope="module")
def tiny():
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(2)
        module = nn.Sequential(
            nn.Conv2d(3, 6, 1),
            nn.ReLU(),
            nn.Conv2d(6, 4, 1, groups=2),
            nn.ConvTranspose2d(4, 5, 2, 2),
            nn.Flatten(),
            nn.Linear(5 * 64, 3),
        )
        x = torch.randn(6, 3, 4, 4, dtype=torch.float64)
        return subject(module.double().eval(), x)


def _scores(it, heuristic):
    layers = {layer.weight: layer for layer in it.graph.producing_layers}
    ask = ScoringContext(it.module, it.graph, it.statistics)
    return WEIGHT_HEURISTICS[heuristic].score_weights(ask, layers)


def test_activation_by_hand(tiny):
    """Absolute weight times the norm of what it multiplies, weight by weight."""
    found = _scores(tiny, "activation")
    x = tiny.inputs[0]
    seen = {}
    for name, child in tiny.module.named_children():
        seen[name] = x
        x = child(x).detach()

    def norm(values, channel):
        return float(values[:, channel].square().mean().sqrt())

    module = copy.deepcopy(tiny.module).requires_grad_(False)
    conv, grouped, transposed, linear = (module[i] for i in (0, 2, 3, 5))
    for o, i in ((0, 0), (5, 2)):
        wanted = abs(float(conv.weight[o, i])) * norm(seen["0"], i)
        assert np.isclose(float(found["0.weight"][o, i]), wanted)
    for o, i, channel in ((0, 2, 2), (1, 0, 0), (2, 0, 3), (3, 2, 5)):
        wanted = abs(float(grouped.weight[o, i])) * norm(seen["2"], channel)
        assert np.isclose(float(found["2.weight"][o, i]), wanted)
    for i, o in ((0, 4), (3, 1)):
        wanted = transposed.weight[i, o].abs() * norm(seen["3"], i)
        torch.testing.assert_close(found["3.weight"][i, o], wanted.detach())
    for o, i in ((0, 7), (2, 319)):
        wanted = abs(float(linear.weight[o, i])) * norm(seen["5"], i)
        assert np.isclose(float(found["5.weight"][o, i]), wanted)


def test_magnitude_and_taylor_by_hand(tiny):
    weight = tiny.module[0].weight
    assert torch.equal(_scores(tiny, "magnitude")["0.weight"], weight.detach().abs())
    out = tiny.module(tiny.inputs[0])
    generator = torch.Generator().manual_seed(0)
    signs = torch.randint(0, 2, out.shape, generator=generator) * 2 - 1
    (gradient,) = torch.autograd.grad((out * signs).sum() / out.numel() ** 0.5, weight)
    wanted = (gradient * weight.detach()).square()
    torch.testing.assert_close(_scores(tiny, "taylor")["0.weight"], wanted)


def test_random_depends_on_the_seed_alone(tiny):
    assert (
        _masks(tiny, "random", 0.5, seed=1).hash
        == _masks(tiny, "random", 0.5, seed=1).hash
    )
    assert (
        _masks(tiny, "random", 0.5, seed=1).hash
        != _masks(tiny, "random", 0.5, seed=2).hash
    )


def test_equal_weights_are_still_counted_exactly():
    module = nn.Conv2d(4, 4, 3).eval()
    with torch.no_grad():
        module.weight.fill_(0.5)
    graph = trace(module, torch.zeros(1, 4, 8, 8))
    plan = make_masks(module, graph, "magnitude", 0.25)
    assert plan.removed == round(0.25 * (4 * 4 * 9 + 4))


# --- masks as data ----------------------------------------------------------------


def test_json_and_safetensors_bring_everything_back(tmp_path):
    it = from_catalogue("unet")
    plan = _masks(it, "magnitude", 0.6)
    plan.save(tmp_path / "masks.safetensors")
    for back in (
        MaskPlan.from_json(plan.to_json()),
        MaskPlan.load(tmp_path / "masks.safetensors"),
    ):
        assert list(back.kept) == list(plan.kept)
        assert all(np.array_equal(back.kept[n], plan.kept[n]) for n in plan.kept)
        assert back.hash == plan.hash
        assert back.params == plan.params
        assert back.request == plan.request
    size = (tmp_path / "masks.safetensors").stat().st_size
    assert size < plan.params / 8 + 20_000


def test_difference_and_composition():
    it = from_catalogue("unet")
    some, more = (_masks(it, "magnitude", s) for s in (0.4, 0.6))
    assert some.difference(some) == {}
    found = some.difference(more)
    assert sum(here for here, _ in found.values()) == more.removed - some.removed
    assert all(there == 0 for _, there in found.values())
    assert some.then(more).hash == more.hash
    chance = _masks(it, "random", 0.4)
    both = some.then(chance)
    assert both.removed >= max(some.removed, chance.removed)
    first = apply_masks(apply_masks(it.module, some), chance).state_dict()
    second = apply_masks(it.module, both).state_dict()
    assert all(torch.equal(first[n], second[n]) for n in first)


def _damage(plan, change):
    data = json.loads(plan.to_json())
    change(data)
    return json.dumps(data)


NAME = "encoder.1.conv1.weight"
DAMAGES = {
    "shape": lambda d: d["masks"][NAME].update(shape=[10**12]),
    "negative": lambda d: d["masks"][NAME].update(shape=[-8, -4, 3, 3]),
    "bits": lambda d: d["masks"][NAME].update(bits="AAAA"),
    "no bits": lambda d: d["masks"][NAME].pop("bits"),
    "not base64": lambda d: d["masks"][NAME].update(bits="é"),
    "format": lambda d: d.update(format=7),
    "no params": lambda d: d.pop("params"),
}


@pytest.mark.parametrize("change", DAMAGES.values(), ids=DAMAGES)
def test_damaged_plans_are_refused(change):
    plan = _masks(from_catalogue("unet"), "magnitude", 0.5)
    with pytest.raises(PruningError, match="not a plan of unstructured pruning"):
        MaskPlan.from_json(_damage(plan, change))


@pytest.mark.parametrize("content", [b"", b"hello", b"\x08" + b"\0" * 20])
def test_other_files_are_refused(tmp_path, content):
    path = tmp_path / "masks.safetensors"
    path.write_bytes(content)
    with pytest.raises(PruningError, match="not a plan of unstructured pruning"):
        MaskPlan.load(path)
    with pytest.raises(PruningError, match="not a plan of unstructured pruning"):
        MaskPlan.load(tmp_path / "missing.safetensors")
    with pytest.raises(PruningError, match="cannot be written"):
        _masks(from_catalogue("unet"), "magnitude", 0.5).save(tmp_path / "no" / "f")


def test_requests_that_cannot_be_met():
    it = from_catalogue("unet")
    with pytest.raises(PruningError, match="choose one of magnitude"):
        make_masks(it.module, it.graph, "l2", 0.5)
    with pytest.raises(PruningError, match="calibrate on a few"):
        make_masks(it.module, it.graph, "taylor", 0.5)
    with pytest.raises(PruningError, match="There are no weights in scope 'middle'"):
        _masks(it, "magnitude", 0.5, scope="middle")
    with pytest.raises(PruningError, match="Choose a wider scope or a lower sparsity"):
        _masks(it, "magnitude", 0.9, scope="encoder.0")
    with pytest.raises(PruningError, match="outside 0 to"):
        _masks(it, "magnitude", 1.0)
    other = from_catalogue("residual-unet")
    with pytest.raises(PruningError, match="made for another model"):
        apply_masks(other.module, _masks(it, "magnitude", 0.5))
