"""Small sweeps over real tiles and a real, tiny network."""

import dataclasses
import json
import math
import os
import signal
import subprocess
import sys
import threading
from pathlib import Path
from unittest import mock

import numpy as np
import pytest
import skimage
import tifffile
import torch
from PIL import Image

from core.benchmark.tasks.nuclei import NucleiTask
from core.errors import InputError, ModelError
from core.job import Cancelled, Job
from core.latency import LatencyProcess, TimingSettings
from core.models import load_model
from core.pruning import HEURISTICS, make_plan
from core.store import Record, TrialStore, write_json
from core.sweep import Grid, git_revision, read_folder, rerun, run_sweep, weights_hash
from core.sweep.evaluator import Subject
from core.types import PruneRequest

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    torch.set_num_threads(1)
    place = tmp_path_factory.mktemp("tiles")
    for name in ("images", "labels"):
        (place / name).mkdir()
    tissue = skimage.data.immunohistochemistry()
    for index in range(3):
        part = tissue[index * 64 : index * 64 + 64, 100:180]
        Image.fromarray(part).save(place / "images" / f"t{index}.png")
        if index < 2:
            blocks = np.kron(np.arange(20).reshape(4, 5), np.ones((16, 16)))
            tifffile.imwrite(place / "labels" / f"t{index}.tif", blocks.astype("u2"))
    return place


def grid_of(folder, **changes):
    values = {
        "models": ("unet-tiny",),
        "data": folder,
        "heuristics": ("l2", "bn_scale"),
        "sparsities": (0.0, 0.5, 0.8),
        "timing": None,
    }
    return Grid(**(values | changes))


@pytest.fixture(scope="module")
def swept(folder, tmp_path_factory):
    path = tmp_path_factory.mktemp("store") / "a.sqlite"
    with TrialStore(path) as store:
        summary = run_sweep(grid_of(folder), store)
        return path, summary, list(store.records())


def test_every_point_has_its_record(swept):
    _, summary, records = swept
    assert (summary.total, summary.done, summary.resumed) == (6, 6, 0)
    assert summary.impossible == ()
    assert "1 of 3 tiles have no labels" in summary.notes[0]
    requests = [each.trial.request for each in records]
    assert [each.sparsity for each in requests] == [0.0, 0.0, 0.8, 0.8, 0.5, 0.5]
    for record in records:
        assert record.status == "done"
        assert len(record.plan_hash) == 16
        left = 1 - record.pruned.params / record.dense.params
        assert left == pytest.approx(record.trial.request.sparsity, abs=0.02)
        assert [each.name for each in record.tiles] == ["t0", "t1", "t2"]
        assert record.tiles[0].pruned is not None
        assert record.tiles[2].pruned is None
        assert record.provenance["versions"]["torch"] == torch.__version__
        samples = ["immunohistochemistry", "synthetic"]
        found = record.provenance["calibration"]
        assert found == ["t0.png", "t1.png", "t2.png", *samples]
        assert record.created.endswith("+00:00")


def test_nothing_removed_agrees_with_the_dense_model(swept):
    _, summary, records = swept
    whole = [each for each in records if each.trial.request.sparsity == 0]
    for record in whole:
        assert record.pruned == record.dense
        for tile in record.tiles:
            pq = tile.agreement["pq"]
            assert pq == 1 or math.isnan(pq)
            assert tile.pruned == tile.dense
    # the same plan twice is computed once
    assert whole[0].plan_hash == whole[1].plan_hash
    assert whole[1].provenance["same_plan_as"] == whole[0].trial.key
    assert summary.reused >= 1


def test_resumes_without_computing(swept, folder, tmp_path):
    path, _, records = swept
    with TrialStore(path) as store, mock.patch.object(Subject, "evaluate") as evaluate:
        seen = []
        summary = run_sweep(grid_of(folder), store, on_record=seen.append)
        assert (summary.done, summary.resumed) == (0, 6)
        evaluate.assert_not_called()
        assert seen == []
    with TrialStore(tmp_path / "b.sqlite") as store:
        for record in records[:4]:
            store.add(record)
        summary = run_sweep(grid_of(folder), store)
        assert (summary.done, summary.resumed) == (2, 4)
        again = list(store.records())
    for old, new in zip(records, again, strict=True):
        assert old.plan_hash == new.plan_hash
        assert _tiles(old) == _tiles(new)


def _tiles(record):
    return json.loads(record.to_json())["tiles"]


def test_any_row_runs_again_from_its_record(swept, folder):
    _, _, records = swept
    data = read_folder(folder)
    for record in (records[3], records[4]):
        again = rerun(Record.from_json(record.to_json()), data)
        assert again.plan_hash == record.plan_hash
        assert again.pruned == record.pruned
        assert _tiles(again) == _tiles(record)
    other = dataclasses.replace(records[0].trial, weights="x" * 16)
    with pytest.raises(InputError, match="other weights"):
        rerun(dataclasses.replace(records[0], trial=other), data)
    other = dataclasses.replace(records[0].trial, data="x" * 16)
    with pytest.raises(InputError, match="not those of the record"):
        rerun(dataclasses.replace(records[0], trial=other), data)


def test_impossible_points_are_reported_and_the_rest_runs(folder, tmp_path):
    grid = grid_of(
        folder,
        heuristics=("l2", "nonsense"),
        scopes=("network", "no.such.layer"),
        recoveries=("none", "magic"),
        sparsities=(0.5,),
    )
    with TrialStore(tmp_path / "a.sqlite") as store:
        summary = run_sweep(grid, store)
        assert (summary.total, summary.done) == (8, 8)
        assert len(summary.impossible) == 7
        done = [each for each in store.records() if each.status == "done"]
        assert [each.trial.request.recovery for each in done] == ["none"]
        reasons = " ".join(reason for _, reason in summary.impossible)
        for part in ("nonsense", "no.such.layer", "magic"):
            assert part in reasons
        again = run_sweep(grid, store)
        assert (again.done, again.resumed) == (0, 8)
        assert len(again.impossible) == 7


def test_cancel_keeps_what_is_finished(folder, tmp_path):
    job = Job()
    with TrialStore(tmp_path / "a.sqlite") as store:

        def stop(_):
            if len(store) == 2:
                job.cancel()

        with pytest.raises(Cancelled):
            run_sweep(grid_of(folder), store, job, on_record=stop)
        assert len(store) == 2
        assert run_sweep(grid_of(folder), store).resumed == 2


_SWEEP = """
import sys
from pathlib import Path
from core.store import TrialStore
from core.sweep import Grid, run_sweep

grid = Grid(
    ("unet-tiny",), Path(sys.argv[1]), ("l2", "bn_scale"), (0.0, 0.5, 0.8), timing=None
)
with TrialStore(sys.argv[2]) as store:
    run_sweep(grid, store, on_record=lambda record: print(record.plan_hash, flush=True))
"""


@pytest.mark.skipif(os.name == "nt", reason="no SIGKILL on Windows")
def test_killed_sweep_goes_on(swept, folder, tmp_path):
    path = tmp_path / "a.sqlite"
    command = [sys.executable, "-c", _SWEEP, str(folder), str(path)]
    for _ in range(2):
        child = subprocess.Popen(command, stdout=subprocess.PIPE, cwd=ROOT, text=True)
        child.stdout.readline()
        child.send_signal(signal.SIGKILL)
        child.communicate()
    with TrialStore(path) as store:
        before = [each.to_json() for each in store.records()]
        assert len(before) >= 2
        summary = run_sweep(grid_of(folder), store)
        assert summary.resumed == len(before)
        records = list(store.records())
    assert [each.to_json() for each in records[: len(before)]] == before
    expected = {each.trial.key: _tiles(each) for each in swept[2]}
    assert {each.trial.key: _tiles(each) for each in records} == expected


def test_progress_counts_trials_and_tells_the_time_left(folder, tmp_path):
    steps = []
    with TrialStore(tmp_path / "a.sqlite") as store:
        run_sweep(grid_of(folder, recoveries=("none",)), store, Job(steps.append))
    done = [step.done for step in steps]
    assert done == sorted(done)
    assert steps[-1].total == 6
    assert any("left" in step.what for step in steps)
    assert any(step.what.startswith("l2 80%") for step in steps)


def test_dense_model_and_heuristics_are_worked_out_once(folder, tmp_path):
    calls = []
    original = HEURISTICS["l2"]

    def counted(ask):
        calls.append(ask)
        return original.rule(ask)

    spy = dataclasses.replace(original, rule=counted)
    grid = grid_of(folder, heuristics=("l2",), recoveries=("none", "refit"))
    with (
        mock.patch("core.pruning.methods.channels.find_heuristic", return_value=spy),
        mock.patch.object(NucleiTask, "predict", autospec=True) as predict,
        TrialStore(tmp_path / "a.sqlite") as store,
    ):
        predict.side_effect = _predict
        run_sweep(grid, store)
        records = list(store.records())
    assert len(calls) == 1
    networks = {each.plan_hash + each.trial.request.recovery for each in records}
    assert predict.call_count == 3 * (1 + len(networks))


_predict = NucleiTask.predict


def test_plans_are_those_of_make_plan(folder):
    model = load_model("unet-tiny")
    subject = Subject(model, read_folder(folder).tiles)
    for heuristic in ("l2", "random", "reconstruction", "taylor"):
        for scope in ("network", "layer", "decoder"):
            request = PruneRequest(
                heuristic, 0.4, scope=scope, count="macs", round_to=2, seed=3
            )
            plan = subject.plan(request, Job())
            expected = make_plan(
                model.module,
                subject.prunable.graph,
                heuristic,
                0.4,
                scope=scope,
                count="macs",
                statistics=subject.prunable.statistics(),
                round_to=2,
                seed=3,
            )
            assert plan.hash == expected.hash
            assert plan.request == expected.request


def test_latency_is_measured_where_asked(folder, tmp_path):
    timing = TimingSettings(
        seconds=0.1, min_blocks=2, warmup=1, threads=1, layout="contiguous"
    )
    grid = grid_of(folder, sparsities=(0.5,), timing=timing)
    with TrialStore(tmp_path / "a.sqlite") as store:
        run_sweep(grid, store)
        records = list(store.records())
    for record in records:
        assert record.latency["environment"]["isolated"]
        assert len(record.latency["pruned"]["ms"]) >= 2
        assert record.trial.timing["seconds"] == 0.1
        assert record.seconds["latency"] > 0


def test_unusable_model_or_folder_stops_at_once(folder, tmp_path):
    with TrialStore(tmp_path / "a.sqlite") as store:
        with pytest.raises(ModelError):
            run_sweep(grid_of(folder, models=("unet-tiny", "no-such-model")), store)
        with pytest.raises(InputError):
            run_sweep(grid_of(tmp_path / "nothing"), store)
        assert len(store) == 0


def test_weights_have_a_name():
    first, second = load_model("unet-tiny"), load_model("unet-tiny")
    assert weights_hash(first) == weights_hash(second)
    with torch.no_grad():
        next(second.module.parameters())[0, 0, 0, 0] += 1e-3
    assert weights_hash(first) != weights_hash(second)


def test_revision_of_a_folder_without_git(tmp_path):
    assert git_revision(tmp_path) == ""


def test_nothing_else_runs_while_latency_is_measured(folder, tmp_path):
    """Accuracy work on all cores is over, threads included, before timing starts."""
    seen, busy = [], []
    together = threading.Barrier(min(os.cpu_count(), 2))

    def compare(self, dense, pruned, example, *, settings, job):
        seen.append([t.name for t in threading.enumerate() if "tiles" in t.name])
        return original(self, dense, pruned, example, settings=settings, job=job)

    def predict(self, *given):
        busy.append(threading.current_thread().name)
        if len(busy) <= together.parties:
            together.wait(timeout=60)  # comes back only when both are here at once
        return _predict(self, *given)

    original = LatencyProcess.compare
    timing = TimingSettings(
        seconds=0.05, min_blocks=1, warmup=1, threads=1, layout="contiguous"
    )
    grid = grid_of(folder, sparsities=(0.4, 0.6), timing=timing)
    with (
        mock.patch.object(LatencyProcess, "compare", compare),
        mock.patch.object(NucleiTask, "predict", predict),
        TrialStore(tmp_path / "a.sqlite") as store,
    ):
        run_sweep(grid, store)
    assert len(seen) == 4
    assert seen == [[]] * 4
    assert not together.broken
    assert {name.split("_")[0] for name in busy} == {"tiles"}


_AGAIN = """
import json
import sys
import torch
from core.store import read_json
from core.sweep import read_folder, rerun

torch.set_num_threads(int(sys.argv[3]))
for record in read_json(sys.argv[1]):
    again = rerun(record, read_folder(sys.argv[2]))
    print(json.dumps([again.plan_hash, json.loads(again.to_json())["tiles"]]))
"""


def test_exported_rows_run_again_in_another_process(folder, tmp_path):
    """Statistics and the repair among them, with another number of threads."""
    grid = grid_of(
        folder,
        heuristics=("reconstruction",),
        sparsities=(0.6,),
        recoveries=("refit", "sequential"),
    )
    with TrialStore(tmp_path / "a.sqlite") as store:
        run_sweep(grid, store)
        records = list(store.records())
    write_json(records, tmp_path / "a.json")
    arguments = [str(tmp_path / "a.json"), str(folder), "2"]
    command = [sys.executable, "-c", _AGAIN, *arguments]
    done = subprocess.run(command, capture_output=True, cwd=ROOT, text=True, check=True)
    again = [json.loads(line) for line in done.stdout.splitlines()]
    assert again == [[each.plan_hash, _tiles(each)] for each in records]
    assert len(again) == 2
