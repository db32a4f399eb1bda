"""Encoder and decoder: what is drawn is what is pruned, over the whole catalogue."""

import numpy as np
import pytest
import torch

from core.models import build
from core.models.catalogue import entries
from core.pruning import make_plan, trace
from core.pruning.planning.scopes import PARTS, allowed_atoms, layers_in
from core.pruning.tracing.topology import layer_positions

NAMES = ("unet-tiny", "attention-unet", "residual-unet", "dual-decoder")
NAMES += ("unet-transposed", "hovernet-tiny", "resnet18")


@pytest.fixture(scope="module", params=NAMES)
def network(request):
    spec = entries()[request.param].spec
    config = dict(spec.config)
    if "base" in config:
        config["base"] = 4
    module = build(spec.architecture, config)
    side = spec.window[0] if spec.reader == "hv" else 64
    return module, trace(module, torch.zeros(1, 3, side, side))


def test_both_parts_are_all_layers_and_share_none(network):
    graph = network[1]
    parts = [layers_in(graph, name) for name in PARTS]
    assert parts[0].isdisjoint(parts[1])
    assert parts[0] | parts[1] == {layer.name for layer in graph.producing_layers}
    assert parts[0]


def test_the_drawing_and_the_plan_agree(network):
    module, graph = network
    stages = {place.name: place.stage for place in layer_positions(graph)}
    for scope, inside in PARTS.items():
        if not allowed_atoms(graph, scope).any():
            continue  # a network without a way up
        plan = make_plan(module, graph, "l1", 0.05, scope=scope)
        for layer in graph.producing_layers:
            kept = plan.kept.get(layer.weight)
            if kept is not None and kept[0] is not None and layer.kind == "conv":
                assert stages[layer.name] in inside


def test_gates_at_the_lowest_resolution_are_pruned_where_they_are_drawn():
    spec = entries()["attention-unet"].spec
    module = build(spec.architecture, {**spec.config, "base": 4})
    graph = trace(module, torch.zeros(1, 3, 64, 64))
    assert {n for n in layers_in(graph, "encoder") if n.startswith("gates.")} == {
        "gates.0.of_skip",
        "gates.0.of_gate",
        "gates.0.psi",
    }


def test_a_path_is_a_scope_and_half_a_name_is_none(network):
    graph = network[1]
    name = graph.producing_layers[0].name
    assert layers_in(graph, name) == {name}
    assert not layers_in(graph, name[:-1] + "~")
    assert name in layers_in(graph, name.split(".")[0])
    assert np.array_equal(allowed_atoms(graph, name), allowed_atoms(graph, name + "."))
