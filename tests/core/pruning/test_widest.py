"""Layers whose inputs are too many for second moments are left out, no others."""

import pytest
import torch
from torch import nn

from core.pruning import apply_plan, calibrate, make_plan, trace


@pytest.mark.parametrize(("width", "measured"), [(4096, True), (4097, False)])
def test_the_widest_layer_that_is_measured(width, measured):
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, width, 1), nn.ReLU(), nn.Conv2d(width, 2, 1))
    x = torch.rand(1, 3, 4, 4)
    graph = trace(net.eval(), x)
    statistics = calibrate(net, graph, [x])
    assert ("2.weight" in statistics.moments) is measured
    assert "0.weight" in statistics.moments


def test_what_is_too_wide_is_still_pruned():
    torch.manual_seed(0)
    net = nn.Sequential(nn.Conv2d(3, 4097, 1), nn.ReLU(), nn.Conv2d(4097, 2, 1))
    x = torch.rand(1, 3, 4, 4)
    graph = trace(net.eval(), x)
    plan = make_plan(net, graph, "l2", 0.5)
    small = apply_plan(net, plan, statistics=calibrate(net, graph, [x]))
    assert small(x).shape == (1, 2, 4, 4)
