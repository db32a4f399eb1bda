"""Runtimes give what torch gives, and are timed in turns with it."""

import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
import torch
from torch import nn

from core.deployment import RUNTIMES, BenchSettings, compare_runtimes
from core.deployment.runtimes import RuntimeRow
from core.errors import InputError
from core.images.samples import load_sample
from core.models import load_model
from core.nuclei import to_input
from core.pruning import apply_plan, make_plan, trace
from core.types import Tile

OTHERS = [name for name, row in RUNTIMES.items() if row.package]


@pytest.fixture(scope="module")
def model():
    """A pruned network with an image that it finds nuclei in."""
    return load_model("demo-95")


@pytest.fixture(scope="module")
def inputs(model):
    tile = load_sample("synthetic").tile
    return to_input(model, Tile(tile.pixels[:128, :128].copy()))


@pytest.fixture(scope="module")
def found(model, inputs):
    for name in OTHERS:
        pytest.importorskip(RUNTIMES[name].package)
    names = ("torch", *OTHERS)
    return compare_runtimes(model, inputs, BenchSettings(names, 1, 0.2))


def test_a_pruned_network_gives_the_same_nuclei_everywhere(found):
    by_name = {each.name: each for each in found.results}
    assert list(by_name) == ["torch", *OTHERS]
    for name in OTHERS:
        assert 0 < by_name[name].difference < 1e-3
        assert by_name[name].agreement > 0.99


def test_each_is_measured_in_turns_with_torch(found):
    assert found.results[0].timed is None
    for each in found.results[1:]:
        low, high = each.timed.interval
        assert low <= each.timed.speedup <= high
        assert each.timed.dense.ms.size == each.timed.pruned.ms.size >= 2
    assert found.threads == 1
    assert found.shape == (1, 3, 128, 128)


def test_half_precision_shows(inputs):
    """On any processor, if slowly where it has no instructions for it."""
    small = inputs[..., :32, :32].contiguous()
    settings = BenchSettings(("torch-bfloat16",), 1, 0.1)
    half = compare_runtimes(load_model("unet-tiny"), small, settings).results[1]
    assert 1e-4 < half.difference < 0.2


def test_only_a_sure_one_is_called_fastest(found):
    def judged(verdict):
        first, *rest = found.results
        again = [
            replace(each, timed=replace(each.timed, verdict=verdict)) for each in rest
        ]
        return replace(found, results=(first, *again))

    assert judged("no difference").fastest is None
    assert "No other runtime" in judged("not measurable now").sentence()
    best = judged("faster").fastest
    assert best.timed.speedup == max(e.timed.speedup for e in found.results[1:])


def test_a_runtime_that_computes_something_else_is_found_out(
    model, inputs, monkeypatch
):
    class Off(nn.Module):
        def __init__(self, inner):
            super().__init__()
            self.inner = inner

        def forward(self, image):
            return {name: -each for name, each in self.inner(image).items()}

    row = RuntimeRow("off", lambda made: Off(made.model.module))
    monkeypatch.setitem(RUNTIMES, "off", row)
    settings = BenchSettings(("torch", "off"), 1, 0.1)
    off = compare_runtimes(model, inputs, settings).results[1]
    assert off.difference == pytest.approx(2)
    assert off.agreement < 0.5


def test_unknown_and_missing_runtimes_are_refused(model, inputs, monkeypatch):
    with pytest.raises(InputError, match="choose some of torch"):
        compare_runtimes(model, inputs, BenchSettings(("tensorflow",)))
    row = replace(RUNTIMES["openvino"], package="openvino_that_is_not_there")
    monkeypatch.setitem(RUNTIMES, "openvino", row)
    with pytest.raises(InputError, match=r"pip install 'prunescope\[openvino\]'"):
        compare_runtimes(model, inputs, BenchSettings(("openvino",)))


def test_torch_alone_and_threads_are_put_back(inputs):
    before = torch.get_num_threads()
    alone = load_model("unet-tiny")
    found = compare_runtimes(alone, inputs, BenchSettings(("torch",), 2, 0.1))
    assert [each.ms > 0 for each in found.results] == [True]
    assert torch.get_num_threads() == before


def test_telemetry_is_off_and_openvinos_is_not_even_imported():
    """In a process of its own: what other tests imported does not count."""
    pytest.importorskip("openvino")
    code = (
        "import os, sys, torch\n"
        "from core.deployment import BenchSettings, compare_runtimes\n"
        "from core.models import load_model\n"
        "model = load_model('unet-tiny')\n"
        "names = ('onnxruntime', 'openvino')\n"
        "inputs, settings = torch.zeros(1, 3, 64, 64), BenchSettings(names, 1, 0.1)\n"
        "compare_runtimes(model, inputs, settings)\n"
        "assert os.environ['ORT_DISABLE_TELEMETRY'] == '1'\n"
        "assert 'openvino' in sys.modules\n"
        "assert sys.modules['openvino_telemetry'] is None\n"
        "assert not [n for n in sys.modules if n.startswith('openvino_telemetry.')]\n"
    )
    root = Path(__file__).parents[3]
    subprocess.run([sys.executable, "-c", code], cwd=root, check=True)


def test_plans_need_no_special_case(inputs):
    """A network pruned in memory is exported as it is."""
    dense = load_model("unet-tiny")
    graph = trace(dense.module, torch.zeros(1, 3, 64, 64))
    plan = make_plan(dense.module, graph, "l2", 0.5)
    pruned = replace(dense, module=apply_plan(dense.module, plan), plan=plan)
    names = ("onnxruntime",)
    found = compare_runtimes(pruned, inputs, BenchSettings(names, 1, 0.1))
    assert found.results[1].difference < 1e-3
