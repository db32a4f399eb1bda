"""Where time goes: layers, stages, memory."""

import dataclasses
import math
import sys

import numpy as np
import psutil
import pytest
import torch
from torch import nn

from core.latency import (
    Comparison,
    StageClock,
    Timing,
    TimingSettings,
    compare,
    peak_memory,
    profile_layers,
    release_memory,
    why_not_faster,
)
from core.latency.environment import describe
from core.latency.profile import LayerTime

PLACE = describe(torch.device("cpu"), (), "contiguous", 0.0, isolated=True)


def comparison(speedup=1.0, ms=10.0, spread=0.0):
    times = Timing(ms * np.linspace(1 - spread, 1 + spread, 40))
    verdict = "faster" if speedup > 1.1 else "no difference"
    blocks, interval = np.zeros(3), (speedup * 0.99, speedup * 1.01)
    return Comparison(times, times, speedup, interval, verdict, 0.99, blocks, PLACE)


def layer(share, macs=1000, intensity=50.0, channels=32):
    return LayerTime("a", "Conv2d", 1.0, share, macs, intensity, channels)


def test_layers_are_counted_and_left_alone():
    class Twice(nn.Module):
        def __init__(self):
            super().__init__()
            self.first = nn.Conv2d(3, 8, 3, padding=1)
            self.norm = nn.BatchNorm2d(8)
            self.again = nn.Conv2d(8, 8, 3, padding=1, groups=2)
            self.up = nn.ConvTranspose2d(8, 4, 2, stride=2)
            self.head = nn.Linear(4, 5)

        def forward(self, x):
            x = self.again(self.again(self.norm(self.first(x))))
            return self.head(self.up(x).mean((2, 3)))

    module = Twice().eval()
    layers = profile_layers(module, torch.zeros(2, 3, 6, 5), repeats=3)
    found = {each.name: each for each in layers}
    assert list(found) == ["first", "norm", "again", "up", "head", "(outside layers)"]
    assert found["first"].macs == 2 * 8 * 3 * 9 * 30
    assert found["again"].macs == 2 * 8 * 4 * 9 * 30
    assert found["up"].macs == 2 * 8 * 4 * 4 * 30
    assert found["head"].macs == 2 * 4 * 5
    assert found["norm"].macs == 0
    assert found["up"].channels == 4
    assert sum(each.share for each in layers) == pytest.approx(1)
    assert all(each.ms >= 0 for each in layers)
    hooks = [m._forward_hooks or m._forward_pre_hooks for m in module.modules()]
    assert not any(hooks)


def test_hooks_go_when_the_network_fails():
    module = nn.Sequential(nn.Conv2d(3, 4, 1))
    with pytest.raises(RuntimeError):
        profile_layers(module, torch.zeros(1, 2, 4, 4))
    assert not any(m._forward_hooks or m._forward_pre_hooks for m in module.modules())


def test_reasons():
    assert why_not_faster(comparison(2.0)) == ()
    (reason,) = why_not_faster(comparison(), (layer(0.9, channels=133),))
    assert "multiple of 16" in reason
    assert "90%" in reason
    (reason,) = why_not_faster(comparison(), (layer(0.5, intensity=2.0),))
    assert "memory limits" in reason
    (reason,) = why_not_faster(comparison(), (layer(0.8, macs=0),))
    assert "outside convolutions" in reason
    (reason,) = why_not_faster(comparison(spread=0.5))
    assert "busy" in reason
    (reason,) = why_not_faster(comparison(ms=0.2))
    assert "millisecond" in reason
    (reason,) = why_not_faster(comparison(2.0), network_share=0.2)
    assert "only 20%" in reason
    assert why_not_faster(comparison(), (layer(0.9),)) == ()


def test_stages_on_a_fake_clock():
    ticks = iter([0.0, 0.001, 1.0, 1.010, 2.0, 2.030, 3.0, 3.003])
    clock = StageClock(now=lambda: next(ticks))
    for name in ("read", "network", "network", "draw"):
        with clock.stage(name):
            pass
    found = clock.result()
    assert list(found.ms) == ["read", "network", "draw"]
    assert found.ms["network"] == pytest.approx(20)
    assert found.total == pytest.approx(24)
    assert found.network_share == pytest.approx(20 / 24)
    assert math.isnan(StageClock().result().network_share)


def test_failed_stage_leaves_no_time():
    clock = StageClock()
    with pytest.raises(ValueError, match="no"), clock.stage("read"):
        raise ValueError("no")
    assert clock.result().ms == {}


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_is_timed_with_events():
    module = nn.Conv2d(3, 64, 3).cuda().eval()
    example = torch.zeros(1, 3, 256, 256, device="cuda")
    settings = TimingSettings(seconds=5, max_blocks=4)
    found = compare(module, module, example, settings=settings)
    assert found.environment.device == "cuda"
    assert (found.dense.ms > 0).all()
    with peak_memory(torch.device("cuda")) as used:
        torch.zeros(10_000_000, device="cuda")
    assert used.grown >= 40_000_000
    assert profile_layers(nn.Sequential(module), example)[0].ms > 0


def test_peak_memory_sees_an_array():
    with peak_memory() as found:
        block = np.ones(30_000_000)
    assert found.grown >= 0.8 * block.nbytes
    assert found.peak >= found.before


@pytest.mark.skipif(sys.platform != "linux", reason="the GNU allocator only")
def test_freed_memory_goes_back():
    size = psutil.Process().memory_info
    # small blocks lie on the heap, where the last one keeps all others in place
    blocks = [bytearray(100_000) for _ in range(2000)]
    held = size().rss
    last = blocks.pop()
    blocks.clear()
    release_memory()
    assert size().rss < held - 100_000_000
    assert len(last) == 100_000


def test_comparison_is_frozen():
    with pytest.raises(dataclasses.FrozenInstanceError):
        comparison().speedup = 3.0
