"""The dense result is computed once and kept, whatever happens to the disk."""

import stat
from dataclasses import replace

import numpy as np
import pytest
import skimage
import torch

import core.kept_maps as kept
from core.benchmark import Bench
from core.job import Job
from core.kept_maps import read_maps, write_maps
from core.models import load_model
from core.nuclei.mosaic import Mosaic
from core.types import LabelledTile, Tile

MAPS = {
    "np": np.linspace(0, 1, 12, dtype=np.float32).reshape(3, 4),
    "hv": np.arange(24, dtype=np.float32).reshape(2, 3, 4),
}
SIZE = (4, 3)


@pytest.fixture
def folder(tmp_path, monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(tmp_path / "cache"))
    return tmp_path / "cache" / "dense-maps"


@pytest.fixture
def model():
    torch.set_num_threads(1)
    return load_model("unet-tiny")


def tile(shift=0, side=96):
    pixels = skimage.data.immunohistochemistry()[shift : shift + side, :side]
    return Tile(np.ascontiguousarray(pixels), None, "colon")


@pytest.fixture
def passes(monkeypatch):
    """What networks have seen of tiles, pass by pass."""
    found, add = [], Mosaic.add
    monkeypatch.setattr(
        Mosaic, "add", lambda self, *given: found.append(1) or add(self, *given)
    )
    return found


def entries(folder):
    return sorted(path.name for path in folder.iterdir())


def test_a_tile_that_is_opened_again_needs_no_network(folder, model, passes):
    first = Bench.open(model, tile(), calibration=[tile()])
    assert len(passes) == 1
    again = load_model("unet-tiny")
    second = Bench.open(again, tile(), calibration=[tile()])
    assert len(passes) == 1
    np.testing.assert_array_equal(
        first.dense.prediction.labels, second.dense.prediction.labels
    )
    for name, values in first.dense_answers[0].raw.items():
        np.testing.assert_array_equal(values, second.dense_answers[0].raw[name])
    # how long it took then is still what a sweep is estimated by
    took = first.dense.seconds["network"]
    assert second.dense.seconds["network"] == pytest.approx(took, abs=took / 2)


def test_a_large_tile_is_kept_when_all_of_it_is_known(folder, model, passes):
    model = replace(model, spec=replace(model.spec, window=(96, 64)))
    large, job = [LabelledTile("large", tile(side=160))], Job()
    first = Bench.open_tiles(model, large, job, calibration=[tile()], first=True)
    assert first.dense.part is not None
    assert not folder.exists()
    first.finish_dense(job)
    before = len(passes)
    second = Bench.open_tiles(model, large, job, calibration=[tile()], first=True)
    assert len(passes) == before
    assert second.dense.part is None
    np.testing.assert_array_equal(
        first.dense.prediction.labels, second.dense.prediction.labels
    )


def test_another_tile_model_or_setting_is_another_entry(folder, model):
    Bench.open(model, tile(), calibration=[tile()])
    Bench.open(model, tile(shift=8), calibration=[tile()])
    other = load_model("unet-tiny")
    with torch.no_grad():
        next(other.module.parameters()).add_(1e-3)
    Bench.open(other, tile(), calibration=[tile()])
    spec = replace(model.spec, mean=(0.1, 0.0, 0.0))
    Bench.open(replace(model, spec=spec), tile(), calibration=[tile()])
    assert len(entries(folder)) == 4


def test_values_come_back_as_they_were(folder):
    write_maps("a", MAPS, 2.5)
    found, seconds = read_maps("a", SIZE)
    assert seconds == 2.5
    assert found.keys() == MAPS.keys()
    for name, values in MAPS.items():
        np.testing.assert_array_equal(found[name], values)
        assert found[name].dtype == values.dtype


def test_only_the_owner_may_read_them(folder):
    write_maps("a", MAPS, 1.0)
    (path,) = folder.iterdir()
    assert stat.S_IMODE(path.stat().st_mode) == 0o600
    assert stat.S_IMODE(folder.stat().st_mode) == 0o700


@pytest.mark.parametrize("place", [0, 9, -40, -1])
def test_a_damaged_entry_is_set_aside(folder, place):
    write_maps("a", MAPS, 1.0)
    path = folder / "a.safetensors"
    data = bytearray(path.read_bytes())
    data[place] ^= 0xFF
    path.write_bytes(data)
    assert read_maps("a", SIZE) is None
    assert entries(folder) == ["a.safetensors.bad"]
    write_maps("a", MAPS, 1.0)
    assert read_maps("a", SIZE) is not None


@pytest.mark.parametrize("content", [b"", b"\x80\x04.", b"{}" * 40])
def test_what_is_no_entry_is_set_aside(folder, content):
    folder.mkdir(parents=True)
    (folder / "a.safetensors").write_bytes(content)
    assert read_maps("a", SIZE) is None
    assert entries(folder) == ["a.safetensors.bad"]


def test_an_entry_of_another_size_is_not_taken(folder):
    write_maps("a", MAPS, 1.0)
    assert read_maps("a", SIZE[::-1]) is None


def test_those_that_were_not_used_for_longest_go_first(folder, monkeypatch):
    write_maps("a", MAPS, 1.0)
    size = (folder / "a.safetensors").stat().st_size
    monkeypatch.setattr(kept, "MOST_TOTAL", int(2.5 * size))
    write_maps("b", MAPS, 1.0)
    assert read_maps("a", SIZE) is not None  # used now: b goes first
    write_maps("c", MAPS, 1.0)
    assert entries(folder) == ["a.safetensors", "c.safetensors"]


def test_what_is_too_large_is_not_kept(folder, monkeypatch):
    monkeypatch.setattr(kept, "MOST_ENTRY", 100)
    assert not write_maps("a", MAPS, 1.0)
    assert not folder.exists()


def test_no_disk_is_said_once_and_nothing_else_happens(tmp_path, monkeypatch, model):
    place = tmp_path / "a file"
    place.write_text("no folder")
    monkeypatch.setenv("PRUNESCOPE_CACHE", str(place))
    first = Bench.open(model, tile(), calibration=[tile()])
    assert [note for note in first.dense.notes if "cannot be kept" in note]
    assert first.dense.prediction.labels.shape == (96, 96)
    second = Bench.open(model, tile(), calibration=[tile()])
    assert not [note for note in second.dense.notes if "cannot be kept" in note]


def test_nothing_is_kept_where_the_user_wants_none(monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_CACHE", "off")
    assert not write_maps("a", MAPS, 1.0)
    assert read_maps("a", SIZE) is None
