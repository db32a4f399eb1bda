"""Strided 1x1 convolutions read every n-th pixel while a network is differentiated."""

import pytest
import torch
from torch import nn

from core.pruning import calibrate, make_plan, trace
from core.strided import subsampled_pointwise


@pytest.mark.parametrize("stride", [2, 3, (2, 1)])
@pytest.mark.parametrize("side", [15, 16])
@pytest.mark.parametrize("layout", [torch.contiguous_format, torch.channels_last])
def test_outputs_and_gradients_are_the_same(stride, side, layout):
    torch.manual_seed(0)
    layer = nn.Conv2d(4, 6, 1, stride, groups=2).double()
    inputs = torch.randn(2, 4, side, side, dtype=torch.float64)
    steps = (stride, stride) if isinstance(stride, int) else stride
    # the definition: the layer without a stride, on a grid cut out by hand
    picked = inputs[:, :, :: steps[0], :: steps[1]]
    wanted = nn.functional.conv2d(picked, layer.weight, layer.bias, groups=2)
    given = inputs.to(memory_format=layout).requires_grad_()
    with subsampled_pointwise(nn.Sequential(layer)):
        out = layer(given)
    assert torch.allclose(out, layer(inputs))
    assert torch.allclose(out, wanted)
    out.sum().backward()
    spread = torch.zeros_like(inputs)
    column = layer.weight.detach().reshape(2, 3, 2).sum(1).reshape(4)
    spread[:, :, :: steps[0], :: steps[1]] = column[None, :, None, None]
    assert torch.allclose(given.grad, spread)


def test_layers_are_put_back_after_an_error():
    layer = nn.Conv2d(3, 4, 1, 2)
    with pytest.raises(RuntimeError), subsampled_pointwise(layer):
        layer(torch.zeros(1, 5, 8, 8))
    assert layer.stride == (2, 2)
    assert layer(torch.zeros(1, 3, 8, 8)).shape == (1, 4, 4, 4)


def test_a_hook_of_the_owner_stays():
    layer, seen = nn.Conv2d(3, 4, 1, 2), []
    layer.register_forward_pre_hook(lambda _, given: seen.append(given[0].shape))
    with subsampled_pointwise(layer):
        layer(torch.zeros(1, 3, 8, 8))
    layer(torch.zeros(1, 3, 8, 8))
    assert [tuple(each) for each in seen] == [(1, 3, 8, 8), (1, 3, 8, 8)]


@pytest.mark.parametrize("heuristic", ["sensitivity", "taylor"])
def test_gradients_of_heuristics_are_taken_without_strides(heuristic):
    """In channels-last layout they would write beyond their memory."""
    torch.manual_seed(0)
    strided = nn.Conv2d(4, 8, 1, 2, bias=False)
    module = nn.Sequential(
        nn.Conv2d(3, 4, 3, padding=1), nn.ReLU(), strided, nn.Conv2d(8, 2, 1)
    ).eval()
    inputs = [torch.randn(2, 3, 16, 16) for _ in range(2)]
    graph = trace(module, inputs[0])
    statistics = calibrate(module, graph, inputs)
    strides = []

    def keep(layer, _, out):
        if out.requires_grad:  # a run that is differentiated
            strides.append(layer.stride)

    handle = strided.register_forward_hook(keep)
    make_plan(module, graph, heuristic, 0.3, statistics=statistics)
    handle.remove()
    assert set(strides) == {(1, 1)}
    assert strided.stride == (2, 2)
