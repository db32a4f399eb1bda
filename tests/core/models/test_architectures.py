"""What every architecture promises: shapes, names, gradients, traceability."""

import copy
import hashlib

import pytest
import torch
from torch import fx
from torch.utils._pytree import tree_leaves

from core.errors import ModelError
from core.models import build
from core.models.architectures import build_empty
from core.models.probe import flatten, probe_side
from core.pruning import apply_plan, make_plan, mask_plan, trace
from core.tables import ARCHITECTURES
from tests.core.models.cases import SPECS, fresh

# First digits of the SHA-256 of all state-dict names and shapes. A change here
# means that files saved before no longer load: raise the format version too.
_NAMES = {
    "attention-unet": "e26afa6e0429",
    "dual-decoder": "dab4da40842a",
    "hovernet-fast": "3e15ef6ee033",
    "hovernet-original": "789a8c61fc61",
    "residual-unet": "519bc193587f",
    "resnet18": "f5c76d06fa30",
    "unet": "0d7b95cf9dc2",
}


def _input(name, dtype=torch.float32, batch=1):
    spec = SPECS[name]
    side = probe_side(spec)
    noise = torch.rand(batch, 3, side, side, generator=torch.Generator().manual_seed(1))
    return (noise * spec.input_range[1]).to(dtype)


def _outputs(name):
    config = SPECS[name].config
    if name == "resnet18":
        return {"output": (2, config["classes"])}
    side = probe_side(SPECS[name])
    if name == "encoder-unet":
        return {"output": (2, 1, side, side)}
    if name.startswith("hovernet"):
        side -= 92 if config["mode"] == "fast" else 190
        heads = {"np": 2, "hv": 2} | ({"tp": 5} if config["types"] else {})
    else:
        types = config.get("types", 4 if name.startswith("unet") else 0)
        heads = {"np": 1, "dist": 1} | ({"tp": types + 1} if types else {})
    return {key: (2, channels, side, side) for key, channels in heads.items()}


def test_every_architecture_has_a_case():
    built = {key for key, row in ARCHITECTURES.items() if not row.from_file}
    assert {spec.architecture for spec in SPECS.values()} == built


@pytest.mark.parametrize("name", sorted(SPECS))
def test_shapes(name):
    with torch.inference_mode():
        outputs = fresh(name).module(_input(name, batch=2))
    found = {key: tuple(tensor.shape) for key, tensor in flatten(outputs)}
    assert found == _outputs(name)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_evaluation_is_deterministic_and_treats_images_apart(name):
    module, x = fresh(name).module, _input(name)
    other = _input(name).flip(-1)
    with torch.inference_mode():
        alone = tree_leaves(module(x))
        again = tree_leaves(module(x))
        together = tree_leaves(module(torch.cat([other, x])))
    for a, b, c in zip(alone, again, together, strict=True):
        assert torch.equal(a, b)
        torch.testing.assert_close(c[1:], a, rtol=1e-4, atol=1e-4)


@pytest.mark.parametrize("name", sorted(SPECS))
def test_every_parameter_gets_a_gradient(name):
    module = fresh(name).module.train()
    x = torch.cat([_input(name), _input(name).flip(-1)])
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        leaves = tree_leaves(module(x))
        sum((leaf * torch.randn_like(leaf)).sum() for leaf in leaves).backward()
    for key, parameter in module.named_parameters():
        assert parameter.grad is not None, key
        assert torch.isfinite(parameter.grad).all(), key
        assert parameter.grad.abs().max() > 0, key


@pytest.mark.parametrize("name", sorted(SPECS))
def test_fx_traces_it(name):
    module, x = fresh(name).module, _input(name)
    traced = fx.symbolic_trace(module)
    with torch.inference_mode():
        expected, found = tree_leaves(module(x)), tree_leaves(traced(x))
    assert all(torch.equal(a, b) for a, b in zip(expected, found, strict=True))


@pytest.mark.parametrize("name", sorted(_NAMES))
def test_names_and_shapes_of_weights_never_change(name):
    spec = SPECS[name]
    state = build_empty(spec.architecture, spec.config).state_dict()
    text = "|".join(f"{key}:{tuple(tensor.shape)}" for key, tensor in state.items())
    assert hashlib.sha256(text.encode()).hexdigest()[:12] == _NAMES[name]


@pytest.mark.parametrize("name", sorted(SPECS))
@pytest.mark.parametrize("sparsity", [0.3, 0.8])
def test_pruned_equals_masked_and_trains(name, sparsity):
    module, x = fresh(name).module.double(), _input(name, torch.float64)
    before = copy.deepcopy(module.state_dict())
    graph = trace(module, x)
    plan = make_plan(module, graph, "random", sparsity, seed=3)
    pruned, masked = apply_plan(module, plan), mask_plan(module, graph, plan)
    with torch.inference_mode():
        pairs = zip(tree_leaves(pruned(x)), tree_leaves(masked(x)), strict=True)
        for a, b in pairs:
            assert (a - b).norm() <= 1e-9 * b.norm()
    count = sum(p.numel() for p in module.parameters())
    left = sum(p.numel() for p in pruned.parameters())
    assert left < (1 - sparsity + 0.1) * count
    after = module.state_dict()
    assert all(torch.equal(before[key], after[key]) for key in before)
    sum(leaf.square().mean() for leaf in tree_leaves(pruned(x))).backward()
    assert all(p.grad is not None for p in pruned.parameters())


def test_dual_decoder_has_no_batch_norm_and_published_widths():
    module = build("dual-decoder", {})
    assert not any("norm" in type(m).__name__.lower() for m in module.modules())
    widths = [block.conv2.out_channels for block in module.encoder]
    assert widths == [16, 32, 64, 128, 256]


def test_dual_decoder_drops_in_training_only():
    module, x = fresh("dual-decoder").module, _input("dual-decoder")
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(0)
        first, second = module.train()(x)["np"], module(x)["np"]
    assert not torch.equal(first, second)
    assert torch.equal(module.eval()(x)["np"], module(x)["np"])


def test_an_attention_gate_weighs_its_skip():
    gate = fresh("attention-unet").module.gates[0]
    skip, signal = torch.randn(1, 8, 8, 8), torch.randn(1, 16, 4, 4)
    with torch.no_grad():
        ratio = gate(skip, signal) / skip
        assert ((ratio > 0) & (ratio < 1)).all()
        torch.testing.assert_close(ratio, ratio[:, :1].expand_as(ratio))
        gate.psi.bias.fill_(-100.0)
        assert gate(skip, signal).abs().max() < 1e-20


def test_the_published_resnet_has_its_size():
    module = build_empty("resnet18", {"classes": 1000})
    assert sum(p.numel() for p in module.parameters()) == 11_689_512
    assert len(module.state_dict()) == 122


@pytest.mark.parametrize(
    ("architecture", "config"),
    [
        ("transformer", {}),
        ("unet", {"width": 3}),
        ("attention-unet", {"base": 0}),
        ("residual-unet", {"depth": 1}),
        ("dual-decoder", {"base": "many"}),
        ("hovernet", {"mode": "slow"}),
        ("hovernet", {"types": 1}),
        ("resnet18", {"classes": 0}),
    ],
)
def test_impossible_settings_are_named(architecture, config):
    with pytest.raises(ModelError, match=architecture):
        build(architecture, config)


def test_building_leaves_the_random_state_alone_and_is_seeded():
    state = torch.random.get_rng_state()
    first, second = fresh("residual-unet"), fresh("residual-unet")
    assert torch.equal(torch.random.get_rng_state(), state)
    other = fresh("residual-unet", seed=1)
    pairs = zip(first.module.parameters(), second.module.parameters(), strict=True)
    assert all(torch.equal(a, b) for a, b in pairs)
    assert not torch.equal(*(next(m.module.parameters()) for m in (first, other)))
