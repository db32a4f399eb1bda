"""Two real processes, told apart by what they do, never by how fast."""

import copy
import json
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path

import psutil
import pytest
import torch
from torch import nn

from core.errors import ModelError
from core.job import Cancelled, Job
from core.latency import LatencyProcess, TimingSettings, compare, decide_verdict

ROOT = Path(__file__).parents[3]
SHORT = TimingSettings(
    seconds=9.0, max_blocks=4, warmup=1, threads=1, layout="contiguous"
)
X = torch.zeros(1, 3, 16, 16)


def net(width=4):
    return nn.Sequential(nn.Conv2d(3, width, 3), nn.BatchNorm2d(width)).eval()


class Here(nn.Module):
    """Made to look as if a script had defined it: no other process finds it."""

    def __init__(self):
        super().__init__()
        self.inner = net()

    def forward(self, x):
        return self.inner(x)


@pytest.fixture(autouse=True)
def in_a_script(monkeypatch):
    monkeypatch.setattr(Here, "__module__", "__main__")
    monkeypatch.setattr(sys.modules["__main__"], "Here", Here, raising=False)


@pytest.fixture(scope="module")
def process():
    with LatencyProcess() as one:
        yield one


def test_measures_in_its_own_process(process):
    dense, pruned = net(8), net()
    before = copy.deepcopy(dense.state_dict())
    found = compare(dense, pruned, X, settings=SHORT, process=process)
    assert found.isolated
    assert found.interval[0] <= found.speedup <= found.interval[1]
    assert found.verdict == decide_verdict(found.interval)
    assert len(found.dense.ms) == len(found.pruned.ms) == 8
    assert found.blocks.shape == (4, 2)
    assert (found.dense.ms > 0).all()
    assert found.environment.inputs == ((1, 3, 16, 16),)
    assert found.environment.threads == 1
    assert found.environment.torch_build.startswith(f"torch {torch.__version__}")
    assert json.loads(json.dumps(found.as_dict()))["verdict"] == found.verdict
    for name, value in dense.state_dict().items():
        assert torch.equal(value, before[name])
    assert process.running


def test_layout_and_threads_are_found_once(process):
    settings = TimingSettings(seconds=9.0, max_blocks=2, warmup=1)
    first = process.compare(net(5), net(), X, settings=settings)
    assert {"contiguous", "channels_last"} <= set(first.tried)
    again = process.compare(net(5), net(3), X, settings=settings)
    assert again.tried == {}
    assert again.environment.layout == first.environment.layout
    assert again.environment.threads == first.environment.threads


def test_training_networks_and_several_inputs(process):
    dense = nn.Bilinear(3, 4, 5).train()
    example = (torch.zeros(2, 3), torch.zeros(2, 4))
    found = process.compare(dense, copy.deepcopy(dense), example, settings=SHORT)
    assert found.environment.inputs == ((2, 3), (2, 4))
    assert dense.training


def test_prints_of_a_network_do_not_break_the_wire(process):
    loud = net()
    loud.register_forward_hook(print)
    assert process.compare(loud, net(), X, settings=SHORT).isolated


def test_class_of_a_script_is_measured_here_and_says_so(process):
    dense = Here().train()
    threads = torch.get_num_threads()
    found = process.compare(dense, Here(), X, settings=SHORT)
    assert not found.isolated
    assert dense.training
    assert torch.get_num_threads() == threads
    assert sys.float_info.min / 2 > 0  # numbers near 0 are what they were


def test_network_that_cannot_be_pickled_is_measured_here(process):
    odd = net()
    odd.register_forward_hook(lambda *_: None)
    assert not process.compare(odd, net(), X, settings=SHORT).isolated


@pytest.mark.parametrize("make", [net, Here])
def test_wrong_input_is_one_sentence(process, make):
    with pytest.raises(ModelError, match=r"could not be timed.*takes this input"):
        process.compare(make(), make(), torch.zeros(1, 5, 16, 16), settings=SHORT)
    assert process.running


def test_progress_and_cancel():
    steps = []
    job = Job(lambda step: (steps.append(step), len(steps) > 3 and job.cancel()))
    endless = TimingSettings(seconds=1e6, max_blocks=10**9, precision=0, threads=1)
    with LatencyProcess() as own:
        own.start()
        child = psutil.Process(own._child.pid)
        with pytest.raises(Cancelled):
            own.compare(net(), net(), X, settings=endless, job=job)
        assert not own.running
        assert not child.is_running()
    assert {step.what for step in steps} == {"Measuring latency"}


def test_killed_process_is_replaced(process):
    process.start()
    old = process._child
    process.compare(net(), net(), X, settings=SHORT)
    old.kill()
    old.wait()
    assert not process.running
    assert process.compare(net(), net(), X, settings=SHORT).isolated
    assert process._child.pid != old.pid


def endless(own, when):
    """Measure without end; call ``when`` once it is under way."""
    steps = []

    def report(step):
        steps.append(step)
        if step.done == 1:
            when(own)

    settings = TimingSettings(seconds=1e6, max_blocks=10**9, precision=0, threads=1)
    return own.compare(net(), net(), X, settings=settings, job=Job(report))


def test_death_while_measuring_is_one_sentence():
    with LatencyProcess() as own:
        with pytest.raises(ModelError, match=r"ended by itself.*memory"):
            endless(own, lambda own: own._child.kill())
        assert not own.running
        assert own.compare(net(), net(), X, settings=SHORT).isolated


def test_closing_from_another_thread_cancels():
    with LatencyProcess() as own, pytest.raises(Cancelled):
        endless(own, lambda own: threading.Thread(target=own.close).start())


def test_process_that_cannot_start_is_replaced_by_this_one(monkeypatch):
    monkeypatch.setattr(sys, "executable", "/no/such/python")
    with LatencyProcess() as own:
        assert not own.compare(net(), net(), X, settings=SHORT).isolated


def test_close_twice_and_before_start():
    own = LatencyProcess()
    own.close()
    own.start()
    own.close()
    own.close()
    assert not own.running


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_dies_with_its_parent():
    script = (
        "import os, signal\n"
        "from core.latency import LatencyProcess\n"
        "own = LatencyProcess(); own.start()\n"
        "print(own._child.pid, flush=True)\n"
        "os.kill(os.getpid(), signal.SIGKILL)\n"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, check=False
    )
    assert done.returncode == -signal.SIGKILL
    try:
        orphan = psutil.Process(int(done.stdout))
    except psutil.NoSuchProcess:
        return
    _, alive = psutil.wait_procs([orphan], timeout=60)
    assert not alive
