"""Calibration tiles are a part of a result: one default, known, chosen, followed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from PIL import Image

from core.benchmark import Bench
from core.benchmark.calibration import choose_calibration
from core.benchmark.elsewhere import judge_elsewhere
from core.benchmark.tasks import make_task
from core.images.samples import SAMPLES
from core.images.synthetic import synthetic_tile
from core.job import Job
from core.models import load_model
from core.sources import WITH_SAMPLES
from core.store import TrialStore, to_row
from core.sweep import Grid, read_calibration, read_folder, rerun, run_sweep
from core.types import LabelledTile, PruneRequest, Tile

REQUEST = PruneRequest("reconstruction", 0.6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("tiles")
    for number in range(3):
        tile, _, _ = synthetic_tile(96, 40 + number)
        Image.fromarray(tile.pixels).save(place / f"t{number}.png")
    return place


def opened(path, **more):
    found = read_folder(path)
    return Bench.open_tiles(load_model("unet-tiny"), found.tiles, **more)


def swept(path, tmp_path, calibration=""):
    grid = Grid(
        models=("unet-tiny",),
        data=Path(path),
        heuristics=(REQUEST.heuristic,),
        sparsities=(REQUEST.sparsity,),
        timing=None,
        calibration=calibration,
    )
    with TrialStore(tmp_path / "run.sqlite", resume=True) as store:
        run_sweep(grid, store)
        return list(store.records())


@pytest.mark.parametrize("chosen", [False, True])
def test_window_and_sweep_give_the_same_number(folder, tmp_path, chosen):
    tile, wanted = folder / "t0.png", str(folder) if chosen else ""
    tiles = [each.tile for each in read_folder(folder).tiles] if chosen else None
    bench = opened(tile, calibration=tiles)
    found = bench.prune(REQUEST)
    (record,) = swept(tile, tmp_path, wanted)
    assert record.plan_hash == found.plan_hash
    for name in ("aji", "pq", "dice"):
        assert record.mean("agreement", name) == pytest.approx(
            found.agreement[name], nan_ok=True
        )
    assert record.trial.calibration == bench.calibration.digest
    assert to_row(record)["calibration"] == " ".join(bench.calibration.names)


def test_the_default_is_the_open_tile_and_the_samples(folder):
    used = opened(folder / "t1.png").calibration
    assert used.names == ("t1.png", *SAMPLES)
    assert used.as_dict()["tiles"] == list(used.names)


def test_another_tile_is_calibrated_anew_whatever_was_open_before(folder):
    first = opened(folder / "t0.png")
    first.prune(REQUEST)
    tiles = read_folder(folder / "t2.png").tiles
    second = Bench.open_tiles(first.prunable.model, tiles, before=first)
    alone = opened(folder / "t2.png")
    assert second.prunable.graph is first.prunable.graph
    one, other = second.prune(REQUEST), alone.prune(REQUEST)
    assert one.plan_hash == other.plan_hash
    np.testing.assert_array_equal(one.prediction.labels, other.prediction.labels)


def test_the_same_tile_keeps_its_statistics(folder):
    first = opened(folder / "t0.png")
    tiles = read_folder(folder / "t0.png").tiles
    again = Bench.open_tiles(first.prunable.model, tiles, before=first)
    assert again.prunable is first.prunable


def test_of_many_tiles_eight_are_taken_and_counted():
    tile, _, _ = synthetic_tile(32, 1)
    many = [
        LabelledTile(f"t{n}", Tile(tile.pixels, source=f"/x/t{n:02}.png"))
        for n in range(30)
    ]
    task = make_task(load_model("unet-tiny"), many[:1])
    used = choose_calibration(task, [each.tile for each in many])
    assert used.words == "8 tiles, t00.png to t29.png"


def test_other_calibration_tiles_are_another_trial(folder, tmp_path):
    swept(folder, tmp_path)
    records = swept(folder, tmp_path, str(folder / "t0.png"))
    assert len({record.trial.key for record in records}) == 2
    chosen = next(r for r in records if r.provenance["calibration"] == ["t0.png"])
    from core.errors import InputError

    with pytest.raises(InputError, match="calibrated on other tiles"):
        rerun(chosen, read_folder(folder))
    again = rerun(chosen, read_folder(folder), calibration=str(folder / "t0.png"))
    assert again.plan_hash == chosen.plan_hash


def test_trials_of_earlier_versions_are_repeated_as_they_were(folder, tmp_path):
    old = replace(swept(folder, tmp_path)[0].trial, calibration="")
    tiles = [each.tile for each in read_folder(folder).tiles]
    expected = opened(folder / "t0.png", calibration=tiles).prune(REQUEST)
    again = rerun(replace(swept(folder, tmp_path)[0], trial=old), read_folder(folder))
    assert again.plan_hash == expected.plan_hash


def test_another_tile_is_judged_by_the_model_as_it_is(folder):
    first, other = folder / "t0.png", folder / "t1.png"
    kept = f"{WITH_SAMPLES}{first}"
    bench = opened(first)
    dense, found = judge_elsewhere(bench, REQUEST, read_folder(other).tiles, Job())
    # as a window shows it that opens the other tile and keeps the calibration
    again = opened(other, calibration=read_calibration(kept), before=bench)
    wanted = again.prune(REQUEST)
    assert again.calibration.digest == bench.calibration.digest
    assert found.plan_hash == wanted.plan_hash
    assert found.judged == pytest.approx(wanted.judged, nan_ok=True)
    assert dense.prediction.labels.tolist() == again.dense.prediction.labels.tolist()
