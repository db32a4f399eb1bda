"""The windows of whole slides and of runtimes: real widgets, real processes."""

import json

import cv2
import numpy as np
import pytest
import tifffile
import torch
from fakes import FakeEngine
from finding import named, segments
from PySide6.QtCore import Qt
from PySide6.QtTest import QSignalSpy
from PySide6.QtWidgets import QCheckBox, QPushButton

from app.cli.runtimes import BenchArguments, run_command
from app.controllers.deployment.comparing import Comparing
from app.controllers.deployment.slide_running import SlideRunning
from app.state.app_state import AppState, Pane
from app.state.deployment import Available, Choice, Deployment, SlideWish
from app.state.store import Store
from app.text.runtimes import cells
from app.views.panels.runtimes import RuntimesWindow
from app.views.panels.slide_run import SlideRunWindow
from app.worker.deployment import find_available
from app.worker.runner import Runner
from core.job import Job
from core.sources import Source
from core.types import PruneRequest

LONG = 300_000  # ms, for a busy machine; nothing waits that long when it works
SIDE = 700


class Quiet:
    def step(self, *_):
        pass

    def publish(self, _):
        pass


@pytest.fixture
def slide(tmp_path):
    """Dark blobs on bright ground, as a pyramid of two levels."""
    noise = np.random.default_rng(0).normal(size=(SIDE, SIDE)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), 4)
    grey = np.clip(185 - 60 * field / field.std(), 20, 215)
    pixels = np.repeat(grey[:, :, None], 3, axis=2).astype(np.uint8)
    path = tmp_path / "slide.tif"
    with tifffile.TiffWriter(path) as tiff:
        for level, step in enumerate((1, 4)):
            tiff.write(
                np.ascontiguousarray(pixels[::step, ::step]),
                tile=(128, 128),
                photometric="rgb",
                metadata=None,
                subfiletype=int(level > 0),
            )
    return path


def region(x, y, lost, merged=0, kept=10):
    row = {"x": x, "y": y, "width": 350, "height": 350, "area": 1.0, "dense": 20}
    for kind, count in (("lost", lost), ("merged", merged), ("kept", kept)):
        row |= {kind: count, f"{kind}_density": float(count)}
    return row


def summary(slide):
    """A finished run as its file says it, with the worst region at the right."""
    rate = {"rate": 2.0, "interval": [1.9, 2.1]}
    model = {"name": "m", "nuclei": 40, "density": 20.0, "types": {}}
    changes = {kind: {"nuclei": 9, "density": 4.5} for kind in ("kept", "lost")}
    return {
        "slide": str(slide),
        "unit": "mm2",
        "area": 2.0,
        "model_mpp": None,
        "patches": {"all": 4, "tissue": 4},
        "models": [model, model],
        "changes": changes,
        "regions": [region(350, 0, 9), region(0, 350, 2)],
        "time": {
            "seconds": [rate, rate],
            "speedup": 2.0,
            "interval": [1.8, 2.2],
            "verdict": "faster",
            "shares": {"network": 0.9},
        },
        "notes": [],
    }


def opened_state(tile="", model="unet-tiny", beside="unet-tiny"):
    opened = FakeEngine().open(model, Source.of_tile(tile), Quiet(), before=None)
    return AppState(opened=opened, panes=(Pane(PruneRequest("l2", 0.5, model=beside)),))


@pytest.fixture(scope="module", autouse=True)
def _imported():
    """What windows find out beside their work, once before all tests."""
    assert find_available().runtimes[0].key == "torch"


@pytest.fixture
def run(qtbot):
    """A slide window with what is behind it; parts that it opens are listed."""
    window, runner, parts = SlideRunWindow(), Runner(), []
    store = Store(opened_state())
    joined = SlideRunning(window, store, runner, parts.append)
    joined.parts = parts
    yield window, joined
    joined.close()
    assert runner.close()
    assert not joined.process.running


def button(window, words):
    (found,) = [b for b in window.findChildren(QPushButton) if b.text() == words]
    return found


def show_results(qtbot, window, joined, folder, found):
    (folder / "summary.json").write_text(json.dumps(found))
    joined.open_results(str(folder))
    table = named(window, "Regions, worst first")
    qtbot.waitUntil(lambda: table.rowCount() == 2, timeout=LONG)
    return table


def test_a_run_says_what_it_lacks(run, slide):
    window, joined = run
    joined.set_opened(opened_state().opened)
    start = button(window, "Run slide")
    assert named(window, "Size of the slide run").text() == "Choose a slide."
    assert not start.isEnabled()
    window.set_slide(str(slide))
    window.wishChanged.emit(window.wish)
    assert window.wish.out.endswith("slide-slide")  # a folder is proposed
    assert start.isEnabled()


def test_the_options_of_the_command_line_say_the_same():
    asked = Deployment(3, 4, "bfloat16", "cuda").arguments()
    from app.cli.arguments import parse

    slide = parse(["slide", "--model", "m", "--slide", "s", "--out", "o", *asked]).slide
    assert (slide.threads, slide.batch) == (3, 4)
    assert (slide.precision, slide.device, slide.runtime) == (
        "bfloat16",
        "cuda",
        "torch",
    )
    assert (
        "processor"
        in SlideWish(
            "s", "o", deployment=Deployment(device="cuda", runtime="openvino")
        ).missing()
    )


def test_a_gpu_is_offered_where_there_is_one(run, monkeypatch):
    window, _ = run
    monkeypatch.setattr(torch.cuda, "is_available", lambda: True)
    monkeypatch.setattr(torch.cuda, "device_count", lambda: 1)
    monkeypatch.setattr(torch.cuda, "is_bf16_supported", lambda **_: True)
    window.deployment.set_available(find_available())
    box = named(window, "Device")
    box.setCurrentIndex(box.findData("cuda"))
    precision = named(window, "Precision")
    precision.setCurrentIndex(precision.findData("bfloat16"))
    asked = window.wish.deployment
    assert (asked.device, asked.precision) == ("cuda", "bfloat16")
    assert "--device cuda" in " ".join(window.wish.arguments())


def test_what_is_missing_is_grey_and_says_what_to_install(run):
    window, _ = run
    missing = Choice("onnxruntime", "ONNX Runtime", "Not installed: pip install it.")
    found = Available(runtimes=(Choice("torch", "PyTorch"), missing))
    window.deployment.set_available(found)
    box = named(window, "Runtime")
    item = box.model().item(1)
    assert not item.isEnabled()
    assert "pip install" in item.toolTip()
    runtimes = RuntimesWindow(window)
    runtimes.set_runtimes(found.runtimes)
    (mark,) = runtimes.findChildren(QCheckBox)
    assert not mark.isEnabled()
    assert not mark.isChecked()
    assert runtimes.wish.missing()


def test_the_map_lists_the_worst_first_and_a_click_goes_there(
    qtbot, run, slide, tmp_path
):
    window, joined = run
    qtbot.addWidget(window)
    window.show()
    table = show_results(qtbot, window, joined, tmp_path, summary(slide))
    assert table.item(0, 0).text() == "350"
    said = named(window, "Result of the slide").text()
    assert "1.9 to 2.1 with 99 % confidence" in said
    assert named(window, "Scale of the map").text() == "0 to 9 per mm²"
    segments(window, "Kind of change")["Kept"].click()
    assert named(window, "Scale of the map").text() == "0 to 10 per mm²"
    place = window.map.to_screen(joined_region(0)).center().toPoint()
    other = window.map.to_screen(joined_region(1)).center().toPoint()
    qtbot.mouseClick(window.map, Qt.MouseButton.LeftButton, pos=place)
    qtbot.mouseClick(window.map, Qt.MouseButton.LeftButton, pos=other)
    views = list(joined.parts)
    assert [each.view.region for each in views] == [
        (350, 0, 350, 350),
        (0, 350, 350, 350),
    ]
    assert {each.name for each in views} == {str(slide)}
    assert table.currentRow() == 1


def joined_region(place):
    return (region(350, 0, 9), region(0, 350, 2))[place]


def test_the_denser_region_is_coloured_more(qtbot, run, slide, tmp_path):
    window, joined = run
    show_results(qtbot, window, joined, tmp_path, summary(slide))
    window.map.resize(300, 300)
    picture = window.map.grab().toImage()

    def redness(place):
        box = window.map.to_screen(joined_region(place)).toRect().adjusted(9, 9, -9, -9)
        part = [
            picture.pixelColor(x, y)
            for x in range(box.left(), box.right(), 7)
            for y in range(box.top(), box.bottom(), 7)
        ]
        return np.mean([each.red() - each.blue() for each in part])

    assert redness(0) > redness(1) + 30


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"unit": "acre"}'])
def test_a_folder_without_a_finished_run_is_refused(qtbot, run, tmp_path, text):
    window, joined = run
    (tmp_path / "summary.json").write_text(text)
    joined.open_results(str(tmp_path))
    note = named(window, "Message")
    qtbot.waitUntil(lambda: bool(note.text()), timeout=LONG)
    assert "holds no finished run" in note.text()


@pytest.mark.slow
def test_a_slide_runs_is_cancelled_and_goes_on(qtbot, run, slide, tmp_path):
    window, joined = run
    joined.set_opened(opened_state().opened)
    window.set_slide(str(slide))
    window.set_out(str(tmp_path / "out"))
    window.wishChanged.emit(window.wish)
    steps = QSignalSpy(joined.process.stepped)
    button(window, "Run slide").click()
    assert not button(window, "Run slide").isEnabled()

    def patches():
        return any("patches" in steps.at(n)[2] for n in range(steps.count()))

    qtbot.waitUntil(patches, timeout=LONG)
    button(window, "Cancel").click()
    assert not joined.process.running
    assert (
        "finished patches are kept" in named(window, "What the slide run does").text()
    )
    assert "gone on with" in named(window, "Size of the slide run").text()
    button(window, "Run slide").click()
    with qtbot.waitSignal(joined.process.ended, timeout=LONG):
        pass
    said = named(window, "Result of the slide")
    qtbot.waitUntil(lambda: "speed-up" in said.text(), timeout=LONG)
    assert named(window, "Regions, worst first").rowCount() >= 1
    assert (tmp_path / "out" / "pruned.geojson").is_file()


def test_runtimes_are_shown_as_the_command_line_gives_them(qtbot):
    asked = BenchArguments(
        "unet-tiny", runtimes=("torch-bfloat16",), seconds=0.2, as_json=True
    )
    text = "\n".join(run_command(asked, Job()))
    window, runner = RuntimesWindow(), Runner()
    joined = Comparing(window, Store(opened_state()), runner)
    joined.process.ended.emit(text)
    table = named(window, "Runtimes compared")
    shown = [
        tuple(table.item(row, column).text() for column in range(table.columnCount()))
        for row in range(table.rowCount())
    ]
    found = json.loads(text)
    assert shown == [cells(row) for row in found["runtimes"]]
    assert [row[0] for row in shown] == ["PyTorch", "PyTorch, bfloat16"]
    assert named(window, "Fastest here").text() == found["sentence"]
    assert "in turns with PyTorch" in named(window, "How it was measured").text()
    joined.close()
    assert runner.close()
