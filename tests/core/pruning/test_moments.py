"""Sampled patches are what a convolution really sees, edges and all."""

import itertools

import pytest
import torch
from torch import nn

from core.pruning import trace
from core.pruning.scoring.moments import sample_patches

CASES = [
    case
    for case in itertools.product(
        (1, 3, (3, 5)), (1, 2), (0, 1, 2, "same", "valid"), (1, 2)
    )
    if not (case[2] == "same" and case[1] != 1)
]


@pytest.mark.parametrize(("kernel", "stride", "padding", "dilation"), CASES)
def test_all_patches_times_the_weight_are_the_convolution(
    kernel, stride, padding, dilation
):
    torch.manual_seed(0)
    conv = nn.Conv2d(3, 5, kernel, stride, padding, dilation).double()
    x = torch.randn(2, 3, 11, 12, dtype=torch.float64)
    layer = trace(conv, x).producing_layers[0]
    sides = tuple(conv.weight.shape[2:])
    patches = sample_patches(x, layer, sides, 10**6)
    made = torch.einsum("nkc,ock->no", patches, conv.weight.flatten(2)) + conv.bias
    wanted = conv(x).flatten(2).transpose(1, 2).reshape(-1, 5)
    torch.testing.assert_close(made, wanted)


def test_fewer_patches_are_some_of_them():
    torch.manual_seed(0)
    conv = nn.Conv2d(2, 3, 3, padding=1)
    x = torch.randn(1, 2, 20, 20)
    layer = trace(conv, x).producing_layers[0]
    every = sample_patches(x, layer, (3, 3), 10**6)
    some = sample_patches(x, layer, (3, 3), 30)
    assert 10 <= some.shape[0] <= 60
    known = {tuple(patch.flatten().tolist()) for patch in every}
    assert all(tuple(patch.flatten().tolist()) in known for patch in some)
