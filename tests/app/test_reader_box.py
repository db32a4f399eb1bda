"""Thresholds in the window: masks and scores follow without another run."""

import pytest
from PySide6.QtWidgets import QComboBox

from app import bootstrap
from app.views.widgets.decimal_box import DecimalBox
from core.images.samples import load_sample
from core.models import load_model
from core.nuclei import predict
from core.tables import OUTPUT_READERS


def is_open(bench):
    state = bench.store.state
    return state.opened is not None and not state.asked and state.current


@pytest.fixture
def opened(qtbot, qapp, settings, monkeypatch):
    """The demo model on a tile with ground truth, with the box open."""
    from app.controllers import controller

    monkeypatch.setattr(controller, "REST_MS", 3_600_000)  # nothing is measured
    bench = bootstrap.build(settings)
    bench.controller.set_request(heuristic="l2", recovery="none", sparsity=0.1)
    bench.controller.open("demo", "sample:synthetic")
    qtbot.waitUntil(lambda: is_open(bench), timeout=240_000)
    bench.window.show()
    bench.window.command("model.reader").trigger()
    yield bench
    bench.window.close_unasked()
    bench.window.deleteLater()


def number(bench, title):
    boxes = bench.window.reader_box.findChildren(DecimalBox)
    return next(box for box in boxes if box.accessibleName() == title)


@pytest.mark.slow
def test_thresholds_act_on_all_panes_and_stay(qtbot, opened):
    box = opened.window.reader_box
    assert box.isVisible()
    before = opened.store.state
    number(opened, "Foreground").setValue(0.9)
    qtbot.waitUntil(lambda: opened.store.state.opened is not before.opened)
    qtbot.waitUntil(lambda: is_open(opened), timeout=240_000)
    state = opened.store.state
    assert "foreground=0.9" in state.opened.model.source
    again = load_model(state.opened.model.source)
    sample = load_sample("synthetic")
    wanted = predict(again, sample.tile)
    assert (state.opened.prediction.labels == wanted.labels).all()
    assert state.opened.scores != before.opened.scores
    pruned = opened.store.state.opened.session.bench
    module = pruned.pruned(state.request)[0]
    from dataclasses import replace

    expected = predict(replace(again, module=module), sample.tile)
    assert (state.outcome.prediction.labels == expected.labels).all()
    # another tile is read the same way
    opened.controller.open("", "sample:immunohistochemistry")
    qtbot.waitUntil(
        lambda: "immuno" in opened.store.state.opened.source.name, timeout=240_000
    )
    assert dict(opened.store.state.opened.model.threshold)["foreground"] == 0.9
    assert number(opened, "Foreground").value() == 0.9


def test_the_box_shows_the_settings_of_each_reader(qtbot, bench):
    box = bench.window.reader_box
    for key, row in OUTPUT_READERS.items():
        box.set_reader(key, {row.settings[0].key: 0.25})
        assert box.findChild(QComboBox).currentData() == key
        names = {one.accessibleName() for one in box.findChildren(DecimalBox)}
        assert names >= {setting.title for setting in row.settings}
    asked = []
    box.readerChosen.connect(asked.append)
    box.findChild(QComboBox).activated.emit(0)
    assert asked == [next(iter(OUTPUT_READERS))]
