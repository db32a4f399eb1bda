"""A pass that is cancelled ends before the next layer, and is else the same."""

import pytest
import torch
from torch import nn

from core.job import Cancelled, Job
from core.models.hovernet import HoVerNet
from core.pruning.scoring.statistics import calibrate
from core.pruning.tracing.tracer import trace
from core.stopping import _MOST_MACS, stoppable


def calls_of_convolutions():
    """Note each convolution that is computed, by its output channels."""
    from torch.overrides import TorchFunctionMode

    class Calls(TorchFunctionMode):
        def __init__(self):
            super().__init__()
            self.widths = []

        def __torch_function__(self, func, types, args=(), kwargs=None):
            found = func(*args, **(kwargs or {}))
            if getattr(func, "__name__", "") == "conv2d":
                self.widths.append(found.shape[1])
            return found

    return Calls()


@pytest.mark.parametrize("last", [0, 1, 7, 40])
def test_no_layer_of_hovernet_runs_after_a_cancel(last):
    module, job, ran = HoVerNet(types=5, width=1 / 16).eval(), Job(), []

    def note(*_):
        ran.append(None)
        if len(ran) == last + 1:
            job.cancel()

    leaves = [one for one in module.modules() if not any(one.children())]
    for one in leaves:
        one.register_forward_hook(note)
    with (
        torch.inference_mode(),
        pytest.raises(Cancelled),
        stoppable(module, job),
    ):
        module(torch.zeros(1, 3, 256, 256))
    assert len(ran) == last + 1
    assert not any(one._forward_pre_hooks for one in leaves)


def large(channels=200, bias=True, **settings):
    """Return a convolution of several steps, and its input."""
    torch.manual_seed(0)
    layer = nn.Conv2d(256, channels, 3, bias=bias, **settings).eval()
    side = 1 + int((2 * _MOST_MACS / layer.weight.numel()) ** 0.5)
    return layer, torch.rand(1, 256, side, side)


@pytest.mark.parametrize("bias", [True, False])
@pytest.mark.parametrize("last", [False, True])
def test_parts_of_a_large_layer_have_the_values_of_the_whole(bias, last):
    layer, x = large(bias=bias, padding=1)
    if last:
        layer, x = (one.to(memory_format=torch.channels_last) for one in (layer, x))
    with torch.inference_mode():
        whole, calls = layer(x), calls_of_convolutions()
        with stoppable(layer, Job()), calls:
            parts = layer(x)
    assert calls.widths == [128, 72]
    assert torch.equal(whole, parts)
    assert whole.stride() == parts.stride()
    assert "forward" not in vars(layer)


def test_a_cancel_is_seen_within_a_large_layer():
    layer, x = large()
    job, calls = Job(), calls_of_convolutions()
    widths = calls.widths

    class Cancelling(list):
        def append(self, width):
            super().append(width)
            job.cancel()

    calls.widths = widths = Cancelling()
    with (
        torch.inference_mode(),
        pytest.raises(Cancelled),
        stoppable(layer, job),
        calls,
    ):
        layer(x)
    assert widths == [128]


def test_small_layers_and_grouped_ones_stay_whole():
    for layer in (nn.Conv2d(8, 200, 3), nn.Conv2d(256, 256, 3, groups=4)):
        calls = calls_of_convolutions()
        with torch.inference_mode(), stoppable(layer, Job()), calls:
            layer(torch.rand(1, layer.in_channels, 8, 8))
        assert calls.widths == [layer.out_channels]


def test_activations_are_read_no_further_after_a_cancel():
    module = nn.Sequential(nn.Conv2d(3, 4, 3), nn.ReLU(), nn.Conv2d(4, 2, 3)).eval()
    job, x, ran = Job(), torch.rand(1, 3, 16, 16), []
    graph = trace(module, x)
    module[0].register_forward_hook(lambda *_: job.cancel())
    module[2].register_forward_hook(lambda *_: ran.append(None))
    with pytest.raises(Cancelled):
        calibrate(module, graph, [x], job)
    assert not ran
