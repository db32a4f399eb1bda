"""What the export menu writes, through the window."""

import csv
import json
import xml.etree.ElementTree as ET
from dataclasses import replace

import numpy as np
import pytest
from conftest import is_idle
from PySide6.QtGui import QAction, QDesktopServices, QImage
from PySide6.QtWidgets import QFileDialog

from app.plots.exports import ChartExport
from app.plots.registry import CHARTS, charts_for
from app.plots.state_data import plot_caption, plot_data, plot_settings
from app.plots.svg import Size
from app.state import events
from app.views.widgets.chart_export import ChartExportDialog
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


def pruned_source(bench):
    state = bench.store.state
    return lambda: (plot_data(state), plot_settings(state), plot_caption(state))


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


@pytest.mark.parametrize("kind", charts_for("trials"), ids=lambda kind: kind.key)
def test_plots_as_drawings_and_pictures(kind, qtbot, pruned, tmp_path):
    def write(name, **more):
        asked = ChartExport(kind.key, str(tmp_path / name), **more)
        pruned.window.plots.exportAsked.emit(asked)
        assert pruned.store.state.message.kind == "info"

    write("p.svg", size=Size(800, 500))
    tree = ET.parse(tmp_path / "p.svg").getroot()
    assert tree.tag.endswith("svg")
    assert (tree.get("width"), tree.get("height")) == ("800", "500")
    words = "".join(tree.itertext())
    for said in ("dense", "Reconstruction, refit", "Demo U-Net · sample · 90 %"):
        assert said in words  # text stays text; legend, model, tile and sparsity
    write("p.png", size=Size(640, 480), scale=3.0)
    picture = QImage(str(tmp_path / "p.png"))
    assert (picture.width(), picture.height()) == (1920, 1440)


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
    chosen = str(tmp_path / "plain"), "Settings (*.json)"
    monkeypatch.setattr(QFileDialog, "getSaveFileName", lambda *_: chosen)
    action = next(
        a
        for a in pruned.window.findChildren(QAction)
        if a.text() == "Settings as a file…"
    )
    action.trigger()
    assert asked == [("settings", str(tmp_path / "plain.json"))]
    assert (tmp_path / "plain.json").is_file()


def test_the_menu_asks_for_the_size_of_a_plot(pruned, monkeypatch, tmp_path):
    suggested = []

    def choose(_, __, name, kinds):
        suggested.append((name, kinds))
        return str(tmp_path / "plain"), "PNG (*.png)"

    monkeypatch.setattr(QFileDialog, "getSaveFileName", choose)
    pruned.window.show()
    pruned.window.plots.set_source(pruned_source(pruned))
    for kind in CHARTS:
        words = f"Plot: {kind.title.lower()}…"
        (entry,) = (a for a in pruned.window.findChildren(QAction) if a.text() == words)
        assert entry.isEnabled()
    action = next(
        a for a in pruned.window.findChildren(QAction) if a.text() == "Plot: accuracy…"
    )
    action.trigger()
    dialog = pruned.window.findChild(ChartExportDialog)
    dialog.width_box.setValue(900)
    dialog.height_box.setValue(600)
    dialog.accept()
    assert suggested[0][0] == "Demo-U-Net_sample_90_accuracy.svg"
    picture = QImage(str(tmp_path / "plain.png"))
    assert (picture.width(), picture.height()) == (1800, 1200)


def test_a_folder_is_left_to_the_session(qtbot, pruned, tmp_path):
    export(qtbot, pruned, "folder", tmp_path / "all")
    (written,) = [row[1] for row in pruned.engine.log if row[0] == "export"]
    assert written.startswith(str(tmp_path / "all"))


def test_a_folder_holds_what_the_window_shows(qtbot, pruned, tmp_path):
    export(qtbot, pruned, "folder", tmp_path / "all")
    names = {path.name for path in (tmp_path / "all").iterdir()}
    plots = {f"Demo-U-Net_sample_90_{kind.key}.svg" for kind in charts_for("trials")}
    assert names >= {"points.csv", "settings.json", "report.html", *plots}
    assert not [name for name in names if name.startswith(".")]


def test_u12_a_folder_is_named_told_and_opened(qtbot, pruned, tmp_path, monkeypatch):
    shown = []
    monkeypatch.setattr(QDesktopServices, "openUrl", lambda url: shown.append(url))
    message = export(qtbot, pruned, "folder", tmp_path / "all")
    assert message.text.endswith(f"{tmp_path / 'all'}.")
    assert message.offer[0] == "Open folder"
    pruned.window.messages.offerTaken.emit()
    assert [url.toLocalFile() for url in shown] == [str(tmp_path / "all")]
    assert pruned.store.state.message is None
    table = (tmp_path / "all" / "points.csv").read_text()
    rows = list(csv.DictReader(table.splitlines()))
    assert {"model", "tile", "seed", "calibration"} <= set(rows[0])
    assert rows[-1]["model"] == "demo"
    # the report has the very curves of the window, in its colours
    state = pruned.store.state
    page = (tmp_path / "all" / "report.html").read_text()
    for kind in CHARTS:
        chart = kind.build(plot_data(state), plot_settings(state).of(kind.key))
        if any(series.points for series in chart.series):
            assert all(series.name in page for series in chart.series)
            drawing = next((tmp_path / "all").glob(f"*_{kind.key}.svg")).read_text()
            assert all(series.name in drawing for series in chart.series)
            assert "font-family" in drawing


def test_r3_a_cancelled_pane_never_leaves_masks_of_another(qtbot, pruned, tmp_path):
    """R3: pane named 70 %, masks of 90 %; whatever is exported then is of 70 %."""
    pruned.controller.dispatch(events.WorkCancelled())
    store, wanted = pruned.store, replace(pruned.store.state.request, sparsity=0.7)
    store.dispatch(events.RequestChanged(wanted))
    store.dispatch(events.WorkCancelled())  # before its first result
    state = store.state
    assert not state.current
    assert state.drawn(state.pane) is None
    for what, name in (("pruned", "n.geojson"), ("report", "r.html")):
        pruned.controller.tell(None)
        pruned.window.exportAsked.emit(what, str(tmp_path / name))
        assert "not computed yet" in store.state.message.text
        assert not (tmp_path / name).exists()
    message = export(qtbot, pruned, "folder", tmp_path / "all")
    names = {path.name for path in (tmp_path / "all").iterdir()}
    assert "The report is missing" in message.text
    assert "report.html" not in names
    assert not [name for name in names if "_90_" in name]


def test_u13_a_message_ends_with_its_cause(qtbot, pruned):
    """U13: what cannot be reached is said in the pane, and not for the next setting."""
    control, store = pruned.controller, pruned.store
    control.set_request(heuristic="broken")
    qtbot.waitUntil(lambda: store.state.message is not None, timeout=20_000)
    assert store.state.drawn(store.state.pane) is None
    assert "cannot be pruned" in store.state.why_not(store.state.pane)
    control.set_request(heuristic="l2")
    assert store.state.message is None
    qtbot.waitUntil(lambda: is_idle(pruned), timeout=20_000)
    assert store.state.why_not(store.state.pane) == ""
    assert store.state.drawn(store.state.pane).request == store.state.request
