"""The whole round with the shipped model, through the real window."""

import json

import numpy as np
import pytest
import tifffile
import torch
from conftest import is_idle
from PIL import Image
from PySide6.QtWidgets import QSlider

from app import bootstrap
from app.__main__ import main
from benchmarks.speed import METHODS
from benchmarks.speed_networks import Network
from core.benchmark import Bench, calibration_inputs
from core.images import read_tile
from core.images.samples import load_sample
from core.metrics import KINDS, Change, nucleus_changes
from core.models import load_model
from core.pruning import PruningPlan

SIDE = 192
_SIDES = ("dense", "pruned")


@pytest.fixture(scope="module")
def tile(tmp_path_factory):
    """A corner of the synthetic sample and its ground truth, as files."""
    folder = tmp_path_factory.mktemp("tile")
    sample = load_sample("synthetic")
    pixels = sample.tile.pixels[:SIDE, :SIDE]
    labels = sample.labels[:SIDE, :SIDE].astype(np.uint16)
    Image.fromarray(pixels).save(folder / "tile.png")
    Image.fromarray(labels).save(folder / "labels.png")
    return str(folder / "tile.png"), str(folder / "labels.png")


@pytest.fixture
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.mark.slow
def test_time_removed_does_what_the_table_says(
    qtbot, qapp, settings, tile, one_thread, tmp_path
):
    """The slider of the window makes the plan that `benchmarks.speed` makes."""
    heuristic, scope, count, shares = METHODS[0]
    assert (heuristic, scope, count) == ("sensitivity", "network", "latency")
    share = shares[0]
    bench = bootstrap.build(settings)
    bench.controller.set_request(heuristic=heuristic, count=count, sparsity=0.3)
    bench.controller.open("demo", "|".join(tile))
    qtbot.waitUntil(lambda: is_idle(bench), timeout=300_000)
    before = bench.store.state.outcome.counts
    bench.window.controls.findChild(QSlider).setValue(round(1000 * share))
    qtbot.waitUntil(lambda: is_idle(bench), timeout=300_000)
    state = bench.store.state
    assert state.message is None
    assert (state.request.count, state.request.sparsity) == (count, share)
    assert state.outcome.counts.macs < before.macs
    # The curve goes as far as time can be removed, and knows the other sizes.
    assert state.curve.reach > share
    assert state.curve.at(share).macs == pytest.approx(
        state.outcome.counts.macs, rel=0.15
    )
    costs = state.latency.layers
    assert {step.name for step in costs} == {
        layer.name for layer in state.opened.layers
    }
    assert sum(s.left_ms for s in costs) < sum(s.dense_ms for s in costs)

    wanted = _plan_of_the_table(tile[0], share)
    assert state.outcome.plan_hash == wanted.hash
    path = tmp_path / "fast.safetensors"
    bench.window.exportAsked.emit("model", str(path))
    qtbot.waitUntil(path.is_file, timeout=60_000)
    qtbot.waitUntil(lambda: is_idle(bench), timeout=60_000)
    saved = load_model(str(path)).plan
    for key in ("predicted_ms", "predicted_dense_ms", "round_to", "sparsity"):
        assert saved.request[key] == wanted.request[key], key
    bench.window.close()
    bench.window.deleteLater()


def _plan_of_the_table(path, share):
    """The plan of a row of the table, from the calibration tiles of the window."""
    network = Network("demo", load_model("demo"), None)
    shown = Bench.open(network.model, read_tile(path))
    tiles = shown.calibration.tiles  # instead of those of the benchmark
    network.inputs = calibration_inputs(network.model, tiles)
    return network.plan("sensitivity", "network", "latency", share)


@pytest.mark.slow
def test_the_round_of_a_newcomer(qtbot, qapp, settings, tile, one_thread, tmp_path):
    bench = bootstrap.build(settings)
    bench.controller.set_request(heuristic="l2", sparsity=0.8)
    bench.controller.open("demo", "|".join(tile))
    qtbot.waitUntil(lambda: is_idle(bench), timeout=120_000)
    state = bench.store.state
    assert state.message is None
    assert state.opened.nuclei.count >= 5
    assert state.opened.scores["aji"] > 0.4
    assert state.outcome.request.sparsity == 0.8
    left = state.outcome.counts.params / state.opened.counts.params
    assert left == pytest.approx(0.2, abs=0.02)
    # Predicted counts on the slider are those that came out.
    curve = state.curve.at(0.8)
    assert curve.params == pytest.approx(state.outcome.counts.params, rel=0.02)
    assert state.latency.speedup > 0
    dense = state.outcome.changes
    events = sum(len(dense.places(kind)) for kind in KINDS)
    assert events > 0
    assert dense.n_before == state.opened.nuclei.count
    assert dense.n_after == state.outcome.nuclei.count
    bench.window.exportAsked.emit("model", str(tmp_path / "small.safetensors"))
    qtbot.waitUntil(lambda: bench.store.state.message is not None, timeout=60_000)
    qtbot.waitUntil(lambda: is_idle(bench), timeout=60_000)
    assert "Saved" in bench.store.state.message.text
    before = bench.store.state.opened
    for model, source in (
        ("", str(tmp_path)),
        (tile[0], ""),
        ("", "|".join(tile[:1] * 2)),
    ):
        bench.controller.tell(None)
        bench.window.openAsked.emit(model, source)
        qtbot.waitUntil(lambda: bench.store.state.message is not None, timeout=60_000)
        qtbot.waitUntil(lambda: is_idle(bench), timeout=60_000)
        assert bench.store.state.opened is before
    bench.window.openAsked.emit(str(tmp_path / "small.safetensors"), "")
    qtbot.waitUntil(
        lambda: bench.store.state.opened is not before and is_idle(bench),
        timeout=120_000,
    )
    again = bench.store.state.opened
    assert again.counts.params == state.outcome.counts.params
    assert again.nuclei.count == state.outcome.nuclei.count
    bench.window.close()
    bench.window.deleteLater()


def test_prune_prints_one_json_object(tile, one_thread, capsys, tmp_path):
    line = f"prune --model demo --tile {tile[0]} --labels {tile[1]} --heuristic l2"
    code = main([*line.split(), *f"--sparsity 0.6 --json --out {tmp_path}".split()])
    assert code == 0
    found = json.loads(capsys.readouterr().out)
    assert found["params"]["pruned"] < found["params"]["dense"]
    assert found["sparsity"]["params"] == pytest.approx(0.6, abs=0.02)
    assert set(found["latency_ms"]) == {
        "dense",
        "pruned",
        "speedup",
        "interval",
        "verdict",
    }
    assert set(found["scores"]) == {"dense", "pruned", "agreement"}
    assert found["scores"]["dense"]["aji"] > 0.4
    left = {path.name for path in tmp_path.iterdir()}
    assert left == {
        *("pruned.safetensors", "plan.json", "pruned.md", "report.html"),
        *("dense_labels.tif", "pruned_labels.tif", "dense.geojson", "pruned.geojson"),
        "result.json",
    }
    assert json.loads((tmp_path / "result.json").read_text()) == found
    card, report = (
        (tmp_path / name).read_text() for name in ("pruned.md", "report.html")
    )
    for figure in (f"{found['params']['pruned']:,}", f"{found['macs']['pruned']:,}"):
        assert figure in card
        assert figure in report
    for written in (card, report):
        assert found["plan"] in written
        assert "Not for diagnosis" in written
    assert "CC BY 4.0" in card
    assert f"--tile {tile[0]} --labels {tile[1]} --heuristic l2" in report
    plan = PruningPlan.from_json((tmp_path / "plan.json").read_text())
    assert plan.hash == found["plan"]
    _check_damage(found, tmp_path)
    nuclei = json.loads((tmp_path / "pruned.geojson").read_text())["features"]
    assert len(nuclei) == found["nuclei"]["pruned"]
    types = {each["properties"]["classification"]["name"] for each in nuclei}
    assert types <= {*load_model("demo").spec.classes, "Nucleus"}


def _check_damage(found, folder):
    """Count again from the masks that were written."""
    maps = [tifffile.imread(folder / f"{side}_labels.tif") for side in _SIDES]
    kinds = [event.kind for event in nucleus_changes(*maps).events]
    same = found["changes"]["kept"] + found["changes"]["retyped"]
    assert same == kinds.count(Change.KEPT) > 0
    for name in ("lost", "new", "merged", "split"):
        assert found["changes"][name] == kinds.count(Change[name.upper()])
    fates = ("kept", "retyped", "lost", "merged", "split")
    for each in found["types"]:
        assert sum(each[fate] for fate in fates) == each["before"]
    assert sum(each["before"] for each in found["types"]) == found["nuclei"]["dense"]
    assert set(found["branches"]) == {"agreement", "dense", "pruned"}
    for side in _SIDES:
        stages = dict(found["end_to_end_ms"][side])
        assert stages.pop("total") == pytest.approx(sum(stages.values()))
        assert set(stages) == {"read", "network", "instances", "draw"}
    assert 0 < sum(each["share"] for each in found["slowest_layers"]) <= 1


@pytest.mark.parametrize(
    ("model", "name"),
    [("demo", "not-there.png"), ("demo", "."), ("no-such-model", "tile")],
)
def test_bad_input_is_exit_2_and_one_line(model, name, tile, capsys):
    source = tile[0] if name == "tile" else name
    line = f"prune --model {model} --tile {source} --heuristic l2 --sparsity 0.5"
    assert main(line.split()) == 2
    captured = capsys.readouterr()
    assert captured.err.count("\n") == 1
    assert captured.err.startswith("prunescope: ")
    assert captured.out == ""


def test_labels_of_another_size_are_exit_2(tile, capsys, tmp_path):
    wrong = tmp_path / "wrong.png"
    Image.fromarray(np.ones((10, 12), np.uint8)).save(wrong)
    line = f"prune --model demo --tile {tile[0]} --labels {wrong} --heuristic l2"
    assert main([*line.split(), "--sparsity", "0.5"]) == 2
    assert "12 x 10 pixels" in capsys.readouterr().err


def test_output_that_cannot_be_written_is_said_before_the_work(tile, capsys, tmp_path):
    (tmp_path / "file").write_text("")
    line = f"prune --model demo --tile {tile[0]} --heuristic l2 --sparsity 0.5"
    assert main([*line.split(), "--out", str(tmp_path / "file" / "sub")]) == 2
    assert "choose another folder" in capsys.readouterr().err


def test_inspect_names_layers_and_what_is_protected(capsys):
    assert main(["inspect", "--model", "demo"]) == 0
    said = capsys.readouterr().out
    assert "protected: output of the model" in said
    assert "reconstruction" in said


def test_sweep_fills_a_store_and_resumes(tile, one_thread, capsys, tmp_path):
    for part, source in zip(("images", "labels"), tile, strict=True):
        (tmp_path / part).mkdir()
        Image.open(source).save(tmp_path / part / "a.png")
    line = (
        f"sweep --model demo --data {tmp_path} --heuristics l2 --sparsities 0.5 "
        f"--out {tmp_path / 'run.sqlite'} --csv {tmp_path / 'run.csv'} --resume"
    )
    assert main(line.split()) == 0
    assert "1 trial computed" in capsys.readouterr().out
    assert len((tmp_path / "run.csv").read_text().strip().split("\n")) == 2
    assert main(line.split()) == 0
    assert "0 trials computed, 1 found" in capsys.readouterr().out
