"""Which clock decides, and that each device is timed in its own way."""

import sys
import time
from unittest import mock

import numpy as np
import pytest
import torch
from torch import nn

from core.latency import TimingSettings
from core.latency.clocks import ClockReading, Stopwatch, one_thread_counts
from core.latency.measure import measure

X = torch.zeros(1, 3, 48, 48)
unix = pytest.mark.skipif(sys.platform == "win32", reason="ticks 64 times a second")


def net():
    return nn.Sequential(nn.Conv2d(3, 32, 3), nn.Conv2d(32, 32, 3)).eval()


class Sleeper(nn.Module):
    def forward(self, x):
        time.sleep(0.002)
        return x


class Recorded(nn.Module):
    """Writes down when it runs."""

    def __init__(self, log):
        super().__init__()
        self.log = log

    def forward(self, x):
        self.log.append("run")
        return x


def reading(wall=10.0, processor=9.9, waits=0):
    return ClockReading(wall, processor, waits)


def test_the_processors_clock_needs_one_thread_that_never_waits():
    quiet = [reading(), reading(40.0, 10.0)]
    assert one_thread_counts([quiet, quiet], 1) is (sys.platform != "win32")
    assert not one_thread_counts([quiet, quiet], 2)
    sleeping = [reading(10.0, 2.0, waits=1), reading(10.0, 2.0, waits=3)]
    assert not one_thread_counts([quiet, sleeping], 1)
    hidden_threads = [reading(10.0, 18.0), reading(10.0, 17.0)]
    assert not one_thread_counts([hidden_threads, quiet], 1)
    device = [reading(10.0, float("nan"))]
    assert not one_thread_counts([device, device], 1)
    nothing = [reading(10.0, 0.0)]
    assert not one_thread_counts([nothing, quiet], 1)


@unix
def test_a_single_wait_does_not_count():
    calls = [reading(waits=1), reading(waits=0)]
    assert one_thread_counts([calls, calls], 1)


@unix
def test_a_real_network_and_a_real_sleeper():
    torch.set_num_threads(1)
    busy, asleep = Stopwatch(net(), (X,)), Stopwatch(Sleeper(), (X,))
    with torch.inference_mode():
        for _ in range(5):
            busy()
            asleep()
    assert one_thread_counts([busy.readings], 1)
    assert not one_thread_counts([asleep.readings], 1)
    assert min(each.wall for each in asleep.readings) >= 2
    # nothing can take more of one processor than it takes time
    ratio = min(each.processor / each.wall for each in busy.readings)
    assert 0 < ratio <= 1.01


def test_a_stopwatch_returns_the_clock_it_was_given_and_keeps_both():
    watches = [Stopwatch(net(), (X,), clock) for clock in ("wall", "processor")]
    for watch in watches:
        with torch.inference_mode():
            found = [watch() for _ in range(3)]
        name = watch.clock
        assert found == [getattr(each, name) for each in watch.readings]


def run(pair, *, isolated, threads=1, x=X):
    settings = TimingSettings(seconds=0.2, max_blocks=3, threads=threads, precision=0)
    return measure(pair, (x,), settings, lambda *_: None, isolated=isolated)


@unix
def test_results_hold_both_clocks():
    # calls long enough that reading the clocks is far less than a hundredth of them
    found = run((net(), net()), isolated=True, x=torch.zeros(1, 3, 256, 256))
    assert found.clock == "processor"
    for side in (found.dense, found.pruned):
        assert side.ms.shape == side.wall_ms.shape
        assert (side.ms <= side.wall_ms * 1.01).all()
        row = side.as_dict()
        assert len(row["ms"]) == len(row["wall_ms"])
        assert row["wall_median"] == pytest.approx(np.median(side.wall_ms))
    ratios = np.log(found.dense.ms / found.pruned.ms).reshape(-1, 2)
    np.testing.assert_allclose(found.blocks, ratios)
    assert found.as_dict()["clock"] == "processor"


def test_among_other_work_the_wall_decides():
    found = run((net(), net()), isolated=False)
    assert found.clock == "wall"
    np.testing.assert_array_equal(found.dense.ms, found.dense.wall_ms)
    assert run((net(), Sleeper()), isolated=True).clock == "wall"
    assert run((net(), net()), isolated=True, threads=2).clock == "wall"


@pytest.mark.parametrize(("two", "chosen"), [(9.0, 1), (5.0, 2)])
def test_more_threads_must_pay(two, chosen):
    before = torch.get_num_threads()
    torch.set_num_threads(2)

    def ms(self):
        return two if torch.get_num_threads() == 2 else 10.0

    try:
        with mock.patch.object(Stopwatch, "__call__", ms):
            settings = TimingSettings(seconds=0.2, max_blocks=1, layout="contiguous")
            found = measure(
                (net(), net()), (X,), settings, lambda *_: None, isolated=False
            )
    finally:
        torch.set_num_threads(before)
    assert found.environment.threads == chosen
    assert found.tried == {"threads=2": (two,), "threads=1": (10.0,)}


def test_mps_waits_on_both_sides_of_a_call():
    log = []
    with (
        mock.patch("core.latency.clocks.device_of", return_value=torch.device("mps")),
        mock.patch("torch.mps.synchronize", side_effect=lambda: log.append("wait")),
    ):
        watch = Stopwatch(Recorded(log), (X,))
        assert watch() >= 0
    assert log == ["wait", "run", "wait"]
    assert np.isnan(watch.readings[0].processor)


def test_cuda_is_timed_by_events_around_the_call():
    log = []

    class Event:
        def __init__(self, *, enable_timing):
            assert enable_timing
            self.name = f"event {log.count('made')}"
            log.append("made")

        def record(self):
            log.append(f"record {self.name}")

        def synchronize(self):
            log.append(f"wait for {self.name}")

        def elapsed_time(self, other):
            return 12.5 if (self.name, other.name) == ("event 0", "event 1") else -1

    with (
        mock.patch("core.latency.clocks.device_of", return_value=torch.device("cuda")),
        mock.patch("torch.cuda.Event", Event),
        mock.patch("torch.cuda.synchronize", side_effect=lambda: log.append("empty")),
    ):
        assert Stopwatch(Recorded(log), (X,))() == 12.5
    assert log[2:] == [
        "empty",
        "record event 0",
        "run",
        "record event 1",
        "wait for event 1",
    ]


@pytest.mark.gpu
@pytest.mark.skipif(not torch.cuda.is_available(), reason="no CUDA device")
def test_cuda_time_is_the_devices_not_the_launchs():
    """A queue of large products takes far longer than its launch."""
    module = nn.Sequential(*[nn.Linear(4096, 4096) for _ in range(20)]).cuda().eval()
    x = torch.zeros(4096, 4096, device="cuda")
    watch = Stopwatch(module, (x,))
    with torch.inference_mode():
        watch()
        torch.cuda.synchronize()
        start = time.perf_counter()
        module(x)
        launch = time.perf_counter() - start
        torch.cuda.synchronize()
        whole = time.perf_counter() - start
        found = watch() / 1e3
    assert launch < 0.5 * whole
    assert found > 2 * launch
    settings = TimingSettings(seconds=1, max_blocks=2)
    both = measure((module, module), (x,), settings, lambda *_: None, isolated=True)
    assert both.clock == "wall"


@pytest.mark.skipif(not torch.backends.mps.is_available(), reason="no MPS device")
def test_mps_measures():
    pair = (net().to("mps"), net().to("mps"))
    settings = TimingSettings(seconds=1, max_blocks=2)
    found = measure(pair, (X.to("mps"),), settings, lambda *_: None, isolated=True)
    assert found.environment.device == "mps"
    assert (found.dense.ms > 0).all()
