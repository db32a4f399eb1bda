"""Sweeps with other threads, precisions and runtimes than torch's own choice."""

import pickle
from dataclasses import replace

import numpy as np
import pytest
import torch
from PIL import Image

import core.deployment.runtimes as rows
from core.deployment import RUNTIMES, deploy
from core.errors import InputError
from core.images.samples import load_sample
from core.latency import TimingSettings
from core.models import load_model
from core.nuclei import to_input
from core.store import TrialStore
from core.sweep import Grid, read_folder, rerun, run_sweep
from core.sweep.messages import SweepCommand
from core.sweep.running import Running
from core.types import Tile

OTHERS = [name for name, row in RUNTIMES.items() if row.package]
BRIEF = TimingSettings(seconds=0.1, warmup=1, min_blocks=1, layout="contiguous")


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("tiles") / "images"
    place.mkdir()
    pixels = load_sample("synthetic").tile.pixels
    for index in range(2):
        part = np.ascontiguousarray(pixels[index * 128 : index * 128 + 128, :128])
        Image.fromarray(part).save(place / f"t{index}.png")
    return place.parent


def grid_of(folder, running, **changes):
    values = {
        "models": ("demo-95",),
        "data": folder,
        "heuristics": ("l2",),
        "sparsities": (0.2,),
        "timing": None,
        "running": running,
    }
    return Grid(**(values | changes))


def only(grid, path):
    with TrialStore(path, resume=True) as store:
        run_sweep(grid, store)
        return list(store.records())


@pytest.mark.parametrize("name", ["onnxruntime"])  # the other one differs in its call
def test_a_trial_in_another_runtime_has_the_same_plan_and_nearly_the_same_scores(
    folder, tmp_path, name
):
    pytest.importorskip(RUNTIMES[name].package)
    path = tmp_path / "run.sqlite"
    (plain,) = only(grid_of(folder, Running()), path)
    records = only(grid_of(folder, Running(1, name), timing=BRIEF), path)
    (other,) = [each for each in records if each.trial.key != plain.trial.key]
    assert other.plan_hash == plain.plan_hash
    assert other.trial.timing["runtime"] == other.provenance["runtime"] == name
    assert other.trial.timing["threads"] == 1
    for mine, theirs in zip(other.tiles, plain.tiles, strict=True):
        assert theirs.agreement["n_true"] > 0
        assert mine.agreement["aji"] == pytest.approx(theirs.agreement["aji"], abs=0.05)
    assert other.latency["speedup"] > 0
    again = rerun(other, read_folder(folder))
    assert again.plan_hash == other.plan_hash
    repeated, kept = ([t.agreement["aji"] for t in r.tiles] for r in (again, other))
    assert repeated == kept


def test_half_precision_is_another_trial(folder, tmp_path, monkeypatch):
    monkeypatch.setattr(rows, "fast_in_half", lambda _: True)
    half = Running.of(0, "bfloat16", "torch")
    (record,) = only(grid_of(folder, half), tmp_path / "run.sqlite")
    assert record.trial.timing == {"runtime": "torch-bfloat16"}


def test_half_precision_is_refused_where_the_processor_has_none(
    folder, tmp_path, monkeypatch
):
    monkeypatch.setattr(rows, "fast_in_half", lambda _: False)
    with pytest.raises(InputError, match="no instructions for bfloat16"):
        only(
            grid_of(folder, Running.of(0, "bfloat16", "torch")),
            tmp_path / "run.sqlite",
        )


def test_other_runtimes_compute_in_float32():
    with pytest.raises(InputError, match="leave out --precision"):
        Running.of(0, "bfloat16", "openvino")


def test_what_runs_plainly_keeps_its_key(folder):
    assert Running(threads=2).identity == {}
    assert Running.from_identity({}) == Running()


def test_it_travels_with_the_order(folder, tmp_path):
    grid = grid_of(folder, Running(3, "onnxruntime"))
    order = SweepCommand(grid, tmp_path / "run.sqlite")
    assert SweepCommand.from_json(order.to_json()) == order


@pytest.mark.parametrize("name", OTHERS)
def test_a_deployed_network_travels_to_another_process(name):
    pytest.importorskip(RUNTIMES[name].package)
    model = load_model("demo-95")
    tile = load_sample("synthetic").tile
    inputs = to_input(model, Tile(tile.pixels[:64, :64].copy())).contiguous()
    module = deploy(model, name, 1)
    there = pickle.loads(pickle.dumps(module))
    for key, values in module(inputs).items():
        np.testing.assert_array_equal(values.numpy(), there(inputs)[key].numpy())


def test_threads_are_those_that_were_asked_for():
    timing = Running(threads=2).timing(BRIEF)
    assert timing == replace(BRIEF, threads=2)
    assert Running().timing(BRIEF) is BRIEF
    assert Running(threads=2).timing(None) is None
