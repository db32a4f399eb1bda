"""What the export menu writes, through the window."""

import json
import xml.etree.ElementTree as ET

import numpy as np
import pytest
from conftest import is_idle
from PySide6.QtGui import QAction, QImage
from PySide6.QtWidgets import QFileDialog

from core.images import read_labels


@pytest.fixture
def pruned(qtbot, ready):
    ready.controller.set_request(sparsity=0.9)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=20_000)
    ready.controller.tell(None)
    return ready


def export(qtbot, bench, what, path):
    bench.controller.tell(None)
    bench.window.exportAsked.emit(what, str(path))
    qtbot.waitUntil(lambda: bench.store.state.message is not None, timeout=30_000)
    qtbot.waitUntil(lambda: is_idle(bench), timeout=20_000)
    return bench.store.state.message


@pytest.mark.parametrize("which", ["dense", "pruned"])
def test_masks_as_a_label_image(which, qtbot, pruned, tmp_path):
    message = export(qtbot, pruned, which, tmp_path / "m.tif")
    state = pruned.store.state
    nuclei = state.opened.nuclei if which == "dense" else state.outcome.nuclei
    assert message.kind == "info"
    assert np.array_equal(read_labels(tmp_path / "m.tif"), nuclei.levels[0])


def test_masks_for_qupath_are_coloured_as_they_are_shown(qtbot, pruned, tmp_path):
    state = pruned.store.state
    export(qtbot, pruned, "dense", tmp_path / "t.geojson")
    found = json.loads((tmp_path / "t.geojson").read_text())["features"]
    names = [each["properties"]["classification"]["name"] for each in found]
    expected = [state.opened.model.classes[c - 1] for c in state.opened.nuclei.classes]
    assert names == expected
    became = [each["properties"]["metadata"]["Between the models"] for each in found]
    assert became.count("lost") == state.outcome.changes.count("lost").events > 0
    pruned.controller.set_display(overlay="difference")
    export(qtbot, pruned, "dense", tmp_path / "d.geojson")
    found = json.loads((tmp_path / "d.geojson").read_text())["features"]
    names = [each["properties"]["classification"]["name"] for each in found]
    assert [name.lower() for name in names] == became


def test_an_unknown_ending_is_said(qtbot, pruned, tmp_path):
    message = export(qtbot, pruned, "dense", tmp_path / "m.docx")
    assert message.kind == "error"
    assert ".geojson or .tif" in message.text
    assert not list(tmp_path.iterdir())


def test_the_report_is_written(qtbot, pruned, tmp_path):
    message = export(qtbot, pruned, "report", tmp_path / "r.html")
    assert message.kind == "info"
    words = (tmp_path / "r.html").read_text()
    assert f"{pruned.store.state.outcome.counts.params:,}" in words
    assert "torch" in words  # versions of what ran it
    message = export(qtbot, pruned, "report", tmp_path / "no" / "r.html")
    assert "choose another place" in message.text


@pytest.mark.parametrize("name", ["accuracy", "latency", "trade"])
def test_plots_as_drawings_and_pictures(name, qtbot, pruned, tmp_path):
    plot = getattr(pruned.window.plots, name)
    pruned.window.show()
    qtbot.waitExposed(pruned.window)
    export(qtbot, pruned, f"plot:{name}", tmp_path / "p.svg")
    tree = ET.parse(tmp_path / "p.svg").getroot()
    assert tree.tag.endswith("svg")
    _, _, width, height = map(float, tree.get("viewBox").split())
    assert (width, height) == (plot.width(), plot.height())
    words = "".join(tree.itertext())
    assert "dense" in words  # text stays text
    export(qtbot, pruned, f"plot:{name}", tmp_path / "p.png")
    picture = QImage(str(tmp_path / "p.png"))
    assert (picture.width(), picture.height()) == (plot.width() * 2, plot.height() * 2)


@pytest.mark.parametrize("ending", ["svg", "png"])
def test_a_plot_that_cannot_be_written_is_said(ending, qtbot, pruned, tmp_path):
    path = tmp_path / "no" / f"p.{ending}"
    message = export(qtbot, pruned, "plot:accuracy", path)
    assert message.kind == "error"
    assert "choose another place" in message.text


def test_nothing_is_reported_before_there_is_a_result(bench, tmp_path):
    bench.window.exportAsked.emit("report", str(tmp_path / "r.html"))
    assert "Wait for a result" in bench.store.state.message.text
    bench.window.exportAsked.emit("dense", str(tmp_path / "m.tif"))
    assert not list(tmp_path.iterdir())


def test_the_menu_gives_a_path_its_ending(pruned, monkeypatch, tmp_path):
    asked = []
    pruned.window.exportAsked.connect(lambda *values: asked.append(values))
    chosen = str(tmp_path / "plain"), "SVG (*.svg)"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: chosen)
    action = next(
        a for a in pruned.window.findChildren(QAction) if a.text() == "Plot: accuracy…"
    )
    action.trigger()
    assert asked == [("plot:accuracy", str(tmp_path / "plain.svg"))]
    assert (tmp_path / "plain.svg").is_file()


def test_a_folder_is_left_to_the_session(qtbot, pruned, tmp_path):
    export(qtbot, pruned, "folder", tmp_path / "all")
    assert ("export", str(tmp_path / "all")) in pruned.engine.log
