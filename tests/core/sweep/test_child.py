"""The process that sweeps for a window."""

import io
import os
import subprocess
import sys
from pathlib import Path

import numpy as np
import pytest
import skimage
from PIL import Image

from core.errors import InputError
from core.latency import TimingSettings
from core.store import read_store
from core.sweep import Grid, read_folder
from core.sweep.messages import SweepCommand, SweepEvent
from core.sweep.worker_process import serve
from core.types import FineTune

ROOT = Path(__file__).parents[3]


@pytest.fixture(scope="module")
def tile(tmp_path_factory):
    path = tmp_path_factory.mktemp("tile") / "images" / "t.png"
    path.parent.mkdir()
    Image.fromarray(skimage.data.immunohistochemistry()[:64, 100:164]).save(path)
    return path


def order(tile, out, **changes):
    values = {
        "models": ("unet-tiny",),
        "data": tile,
        "heuristics": ("l2",),
        "sparsities": (0.0, 0.5),
        "recoveries": ("none",),
        "timing": None,
    }
    return SweepCommand(Grid(**(values | changes)), out)


def test_orders_and_news_survive_json():
    rich = order(
        Path("a.png|b.png"),
        Path("x.sqlite"),
        timing=TimingSettings(seconds=1.5),
        training=FineTune(steps=3),
        seeds=(1, 2),
    )
    assert SweepCommand.from_json(rich.to_json()) == rich
    plain = order(Path("d"), Path("x.sqlite"))
    assert SweepCommand.from_json(plain.to_json()) == plain
    news = SweepEvent("step", 3, 5, "l2 80 %")
    assert SweepEvent.from_json(news.to_json()) == news
    assert "\n" not in rich.to_json() + news.to_json()
    for bad in ("", "{}", "[]", '{"grid": {}, "out": "x"}'):
        with pytest.raises(InputError, match="is no sweep"):
            SweepCommand.from_json(bad)
    for bad in ("", "3", '{"done": 1}', '{"kind": "shout"}', '{"kind": ["step"]}'):
        with pytest.raises(ValueError, match=r"."):
            SweepEvent.from_json(bad)


def test_every_trial_is_in_the_store_before_it_is_told(tile, tmp_path):
    out = tmp_path / "a.sqlite"
    found = []

    class Lines(io.StringIO):
        def write(self, text):
            news = SweepEvent.from_json(text)
            if news.kind == "trial":
                found.append(len(read_store(out).records))
            return len(text)

    summary = serve(order(tile, out), Lines())
    assert summary.done == 2
    assert found == [1, 2]


@pytest.fixture
def child(tmp_path):
    process = subprocess.Popen(
        [sys.executable, "-P", "-m", "core.sweep.worker_process"],
        stdin=subprocess.PIPE,
        stdout=subprocess.PIPE,
        text=True,
        env=os.environ | {"PYTHONPATH": str(ROOT)},
        cwd=tmp_path,
    )
    yield process
    process.kill()
    process.wait()
    process.stdout.close()


def test_a_bad_order_is_one_sentence_and_the_process_dies_with_its_parent(child):
    child.stdin.write("nonsense\n")
    child.stdin.flush()
    news = SweepEvent.from_json(child.stdout.readline())
    assert news.kind == "error"
    assert "is no sweep" in news.what
    child.stdin.close()
    assert child.wait(timeout=60) == 0


def test_single_tiles(tile, tmp_path):
    found = read_folder(tile)
    assert [each.name for each in found.tiles] == ["t"]
    assert found.tiles[0].labels is None
    labels = tmp_path / "mask.png"
    Image.fromarray(np.repeat(np.arange(4, dtype=np.uint8), 1024).reshape(64, 64)).save(
        labels
    )
    both = read_folder(f"{tile}|{labels}")
    assert both.tiles[0].labels.max() == 3
    assert both.digest != found.digest
    beside = tile.parent.parent / "labels"
    beside.mkdir()
    labels.rename(beside / "t.png")
    assert read_folder(tile).digest == both.digest
    sample = read_folder("sample:immunohistochemistry")
    assert sample.tiles[0].name == "immunohistochemistry"
    with pytest.raises(InputError, match="no sample 'nothing'"):
        read_folder("sample:nothing")
