"""Batches on devices with too little memory, by a network that pretends."""

import numpy as np
import pytest
import torch
from torch import nn

from core.errors import ModelError
from core.nuclei import forward
from core.nuclei.batches import describe_memory, forward_batch, is_out_of_memory
from core.types import ModelSpec

SPEC = ModelSpec("fake", "nuclei", "unet")


class Small(nn.Module):
    """Has memory for a few patches only, and says so as CUDA or MPS would."""

    def __init__(self, room, error):
        super().__init__()
        self.room, self.error, self.seen = room, error, []

    def forward(self, x):
        self.seen.append(len(x))
        if len(x) > self.room:
            raise self.error
        return {"np": x[:, :1], "dist": x[:, 1:2]}


ERRORS = [
    torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2.00 GiB"),
    RuntimeError("MPS backend out of memory (MPS allocated: 8.1 GB)"),
]


@pytest.mark.parametrize("error", ERRORS, ids=["cuda", "mps"])
def test_smaller_batches_are_tried_and_give_the_same(error):
    inputs = torch.randn(7, 3, 16, 16)
    module = Small(2, error)
    found = forward_batch(module, SPEC, inputs)
    assert module.seen[0] == 7
    assert sum(size for size in module.seen if size <= module.room) == 7
    assert len(found) == 7
    for index, maps in enumerate(found):
        alone = forward(Small(2, error), SPEC, inputs[index : index + 1])
        for name, values in alone.items():
            np.testing.assert_array_equal(maps[name], values)


@pytest.mark.parametrize("error", ERRORS, ids=["cuda", "mps"])
def test_without_memory_for_one_patch_it_says_what_to_do(error):
    with pytest.raises(ModelError, match="choose --device cpu"):
        forward_batch(Small(0, error), SPEC, torch.zeros(4, 3, 16, 16))


def test_other_errors_are_not_hidden():
    wrong = RuntimeError("mat1 and mat2 shapes cannot be multiplied")
    assert not is_out_of_memory(wrong)
    with pytest.raises(RuntimeError, match="mat1"):
        forward_batch(Small(0, wrong), SPEC, torch.zeros(4, 3, 16, 16))


def test_half_precision_is_near():
    torch.manual_seed(0)

    class Net(nn.Module):
        def __init__(self):
            super().__init__()
            self.conv = nn.Conv2d(3, 2, 3, padding=1)

        def forward(self, x):
            out = self.conv(x)
            return {"np": out[:, :1], "dist": out[:, 1:]}

    module, inputs = Net().eval(), torch.randn(2, 3, 8, 8)
    full = forward_batch(module, SPEC, inputs)
    half = forward_batch(module, SPEC, inputs, "bfloat16")
    for one, other in zip(full, half, strict=True):
        assert other["np"].dtype == np.float32
        gap = np.abs(one["dist"] - other["dist"]).max()
        assert 0 < gap < 0.05


def test_memory_is_said_where_a_device_has_its_own(monkeypatch):
    assert describe_memory(torch.device("cpu")) == ""
    monkeypatch.setattr(torch.cuda, "mem_get_info", lambda _: (1, 24 * 2**30))
    monkeypatch.setattr(torch.cuda, "max_memory_reserved", lambda _: 3 * 2**29)
    said = describe_memory(torch.device("cuda"))
    assert said == "1.5 of 24 GiB of the GPU"


@pytest.mark.gpu
def test_memory_of_a_gpu_is_what_was_taken():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    taken = torch.zeros(2**28, device="cuda")  # one GiB
    held, _, whole, *_ = describe_memory(taken.device).split()
    assert 1.0 <= float(held) < float(whole)


@pytest.mark.gpu
def test_the_same_nuclei_on_a_gpu():
    if not torch.cuda.is_available():
        pytest.skip("needs a CUDA device")
    from core.images.samples import load_sample
    from core.metrics import score_instances
    from core.models import load_model
    from core.nuclei import to_input
    from core.nuclei.postprocess import instances

    tile = load_sample("synthetic").tile
    labels = []
    for device in ("cpu", "cuda"):
        model = load_model("demo-90", device=device)
        maps = forward_batch(model.module, model.spec, to_input(model, tile))[0]
        labels.append(instances(maps, model.spec).labels)
    assert score_instances(*labels).pq > 0.98
