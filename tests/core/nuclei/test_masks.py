"""Readers of networks that give a mask only."""

import numpy as np
import pytest
import torch

from core.errors import ModelError
from core.nuclei.outputs import read_outputs
from core.nuclei.postprocess import instances
from core.types import ModelSpec

_SPEC = ModelSpec("mask", "nuclei", "any", reader="mask")
_PROBABILITY = ModelSpec("mask", "nuclei", "any", reader="probability")


def _discs():
    rows, columns = np.mgrid[:64, :96]
    middles = [(20, 20), (20, 36), (45, 70)]
    inside = [(rows - r) ** 2 + (columns - c) ** 2 <= 81 for r, c in middles]
    return np.any(inside, axis=0), middles


@pytest.mark.parametrize("form", ["one", "two", "probability", "named", "several"])
def test_touching_nuclei_are_separated_at_their_neck(form):
    inside, middles = _discs()
    one = torch.from_numpy(np.where(inside, 4.0, -4.0))[None, None]
    outputs = {
        "one": one,
        "two": torch.cat([-one / 2, one / 2], dim=1),
        "probability": one.sigmoid(),
        "named": {"out": one},
        "several": [one, one[:, :, ::8, ::8]],
    }[form]
    spec = _PROBABILITY if form == "probability" else _SPEC
    found = instances(read_outputs(outputs, spec), spec)
    assert found.count == 3
    assert len({found.labels[middle] for middle in middles}) == 3
    assert np.array_equal(found.labels > 0, inside)


def test_types_of_several_channels():
    inside, middles = _discs()
    values = torch.zeros(1, 3, 64, 96)
    values[0, 0] = torch.from_numpy(np.where(inside, -4.0, 4.0))
    values[0, 2, :, 50:] = 2.0
    values[0, 1, :, :50] = 2.0
    spec = ModelSpec("m", "nuclei", "any", reader="mask", classes=("a", "b"))
    found = instances(read_outputs(values, spec), spec)
    kinds = {middle: found.classes[found.labels[middle] - 1] for middle in middles}
    assert list(kinds.values()) == [1, 1, 2]


def test_outputs_that_are_no_mask():
    with pytest.raises(ModelError, match="shape"):
        read_outputs(torch.zeros(1, 9), _SPEC)
    with pytest.raises(ModelError, match="mask"):
        read_outputs([], _SPEC)
