"""A sweep on two local workers gives what one process gives, whatever dies."""

import json
import os
import signal
from dataclasses import replace

import numpy as np
import pytest
import skimage
from PIL import Image

pytest.importorskip("distributed")

from core.cluster import ClusterSettings, run_cluster_sweep
from core.cluster.worker import WorkerVersion
from core.errors import InputError
from core.job import Cancelled, Job
from core.latency import TimingSettings
from core.store import TrialStore
from core.sweep import Grid, run_sweep

pytestmark = pytest.mark.filterwarnings("default")  # of dask, not ours

TWO = ClusterSettings(workers=2, patience=60)


@pytest.fixture(scope="module")
def tiles(tmp_path_factory):
    folder = tmp_path_factory.mktemp("tiles") / "images"
    folder.mkdir()
    tissue = skimage.data.immunohistochemistry()
    for number in range(2):
        part = tissue[number * 64 :][:64, 100:164]
        Image.fromarray(np.ascontiguousarray(part)).save(folder / f"{number}.png")
    return folder.parent


def make_grid(tiles, **changes):
    values = {
        "models": ("unet-tiny",),
        "data": tiles,
        "heuristics": ("l2", "reconstruction"),
        "sparsities": (0.0, 0.3, 0.6, 0.9),
        "timing": None,
    }
    return Grid(**(values | changes))


def results(store):
    """What must not depend on where a trial ran, by its key."""
    found = {}
    for record in store.records():
        data = json.loads(record.to_json())
        kept = ("status", "plan_hash", "dense", "pruned", "tiles", "overall", "reason")
        found[record.trial.key] = {name: data[name] for name in kept}
    return found


@pytest.fixture(scope="module")
def expected(tiles, tmp_path_factory):
    with TrialStore(tmp_path_factory.mktemp("one") / "one.sqlite") as store:
        run_sweep(make_grid(tiles), store)
        return results(store)


def test_the_same_hashes_and_scores_though_a_worker_is_killed(
    tiles, tmp_path, expected
):
    seen = []

    def kill_first(record):
        if not seen:
            os.kill(record.provenance["worker"], signal.SIGKILL)
        seen.append(record.provenance["worker"])

    with TrialStore(tmp_path / "two.sqlite") as store:
        done = run_cluster_sweep(make_grid(tiles), store, TWO, on_record=kill_first)
        assert results(store) == expected
        assert len(set(seen)) >= 2
        assert any("lost on the way" in note for note in done.notes)
        assert (done.done, done.resumed, done.total) == (8, 0, 8)
        assert all(each.provenance["machine"] for each in store.records())


@pytest.mark.slow
def test_what_is_stored_is_not_run_again(tiles, tmp_path, expected):
    with TrialStore(tmp_path / "parts.sqlite") as store:

        def stop(_):
            if len(store.keys()) >= 3:
                raise Cancelled

        with pytest.raises(Cancelled):
            run_cluster_sweep(make_grid(tiles), store, TWO, Job(stop))
        before = store.keys()
        assert 3 <= len(before) < 8
        first = {request for _, request in list(make_grid(tiles).points())[:4]}
        ends = {each.sparsity for each in first}
        assert {r.trial.request.sparsity for r in store.records()} & ends
        done = run_cluster_sweep(make_grid(tiles), store, TWO)
        assert done.resumed == len(before)
        assert results(store) == expected
        again = run_cluster_sweep(make_grid(tiles), store, TWO)  # starts no worker
        assert (again.done, again.resumed) == (0, 8)


@pytest.mark.slow
def test_latency_is_measured_and_names_its_machine(tiles, tmp_path):
    timing = TimingSettings(seconds=0.3, warmup=1, min_blocks=2)
    grid = make_grid(tiles, heuristics=("l2",), sparsities=(0.0, 0.5), timing=timing)
    with TrialStore(tmp_path / "timed.sqlite") as store:
        run_cluster_sweep(grid, store, TWO)
        records = list(store.records())
    assert len(records) == 2
    for record in records:
        assert record.comparison.isolated
        assert record.provenance["machine"]


def test_nobody_at_the_address(tiles, tmp_path):
    nobody = ClusterSettings("tcp://127.0.0.1:9", patience=0)
    with (
        TrialStore(tmp_path / "none.sqlite") as store,
        pytest.raises(InputError, match=r"No scheduler answers at tcp://127"),
    ):
        run_cluster_sweep(make_grid(tiles), store, nobody)


def test_a_worker_of_another_version_is_refused():
    ours = WorkerVersion.here()
    ours.check(ours, "node1")
    old = replace(ours, prunescope="0.0.1")
    with pytest.raises(InputError, match=r"node1 has PruneScope 0\.0\.1 instead of"):
        ours.check(old, "node1")


def test_a_scheduler_that_is_started_again_goes_on(tiles, tmp_path, expected):
    from distributed import LocalCluster

    def start(address=""):
        port = int(address.rpartition(":")[2] or 0)
        return LocalCluster(
            n_workers=1,
            threads_per_worker=1,
            processes=False,
            protocol="tcp",
            host="127.0.0.1",
            scheduler_port=port,
            dashboard_address=None,
        )

    clusters = [start()]
    address = clusters[0].scheduler_address
    stored = []

    def restart_once(record):
        stored.append(record.trial.key)
        if len(stored) == 2:
            clusters[0].close()
            clusters.append(start(address))

    settings = ClusterSettings(address, patience=60)
    try:
        with TrialStore(tmp_path / "again.sqlite") as store:
            run_cluster_sweep(make_grid(tiles), store, settings, on_record=restart_once)
            assert results(store) == expected
    finally:
        for cluster in clusters:
            cluster.close()
    assert len(clusters) == 2
    assert len(stored) == len(set(stored)) == 8  # nothing stored was done again
