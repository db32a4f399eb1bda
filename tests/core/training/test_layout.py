"""The memory layout of a training changes its pace, not its result."""

import pytest
import torch

from core.models.unet import UNet
from core.training import TrainingSettings, fit
from core.training import run as running
from core.training.data import synthetic_examples
from core.training.device import layout
from core.types import ModelSpec

SPEC = ModelSpec("tiny", "nuclei", "unet", stride=4, window=(128, 96))


def test_channels_last_where_its_gradients_are_fast(monkeypatch):
    cpu = torch.device("cpu")
    for capability, form in (
        ("AVX512", torch.channels_last),
        ("AVX2", torch.contiguous_format),
    ):
        monkeypatch.setattr(
            torch.backends.cpu, "get_cpu_capability", lambda c=capability: c
        )
        assert layout(cpu) == form
        assert layout(torch.device("cuda")) == torch.channels_last


def test_both_layouts_learn_the_same(monkeypatch):
    data = synthetic_examples(range(2), 64)
    settings = TrainingSettings(steps=2, batch=2, crop=32, average=0.0)
    results = []
    for form in (torch.channels_last, torch.contiguous_format):
        monkeypatch.setattr(running, "layout", lambda _, f=form: f)
        torch.manual_seed(0)
        results.append(fit(UNet(base=8, depth=3, types=0), SPEC, data, settings))

    first, second = (dict(r.named_parameters()) for r in results)
    for name, value in first.items():
        assert torch.allclose(value, second[name], atol=5e-3), name
        if value.ndim == 4:
            for given in (value, second[name]):
                assert given.is_contiguous(memory_format=torch.channels_last)
    image = torch.rand(1, 3, 32, 32)
    with torch.inference_mode():
        one, other = (r(image)["np"] for r in results)
    assert other == pytest.approx(one, abs=0.1)
