"""The box in which a model is chosen: what it lists, says and opens."""

import pytest
from conftest import is_idle
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QListWidget, QPushButton, QTextBrowser

from app.views.widgets.model_box import ModelBox


@pytest.fixture
def box(qtbot, ready):
    """The box over the window of the fake engine."""
    ready.window.show()
    ready.window.command("open.models").trigger()
    return ready.window.findChild(ModelBox)


def items(box):
    found = box.findChild(QListWidget)
    return [found.item(row) for row in range(found.count())]


def mark(box, title):
    item = next(one for one in items(box) if one.text().strip() == title)
    box.findChild(QListWidget).setCurrentItem(item)


def button(box, words):
    return next(b for b in box.findChildren(QPushButton) if b.text() == words)


def card(box):
    return box.findChild(QTextBrowser).toPlainText()


def test_the_open_model_is_marked_with_its_card(box):
    assert box.choice.source == "demo"
    assert "Not for diagnosis" in card(box)
    headings = [one.text() for one in items(box) if not one.flags()]
    assert headings == [
        "Comes with the program",
        "Architectures, untrained",
        "Published weights",
    ]


def test_a_pruned_model_says_what_it_is(qtbot, box, ready):
    mark(box, "Demo model, 90 % of its parameters removed")
    assert "90.0%" in card(box)
    button(box, "Open").click()
    qtbot.waitUntil(lambda: ("open", "demo-90", "") in opened(ready))
    qtbot.waitUntil(lambda: is_idle(ready))


def opened(bench):
    return [entry for entry in bench.engine.log if entry[0] == "open"]


def test_architectures_are_said_to_be_untrained(box):
    mark(box, "HoVer-Net, fast")
    assert "Untrained" in card(box)
    assert "hovernet-fast" in card(box)
    assert button(box, "Open").isEnabled()


def test_published_weights_are_fetched_by_the_user(box):
    mark(box, "HoVer-Net (PanNuke, CoNSeP, MoNuSAC, Kumar)")
    assert "github.com/vqdang/hover_net" in card(box)
    assert not button(box, "Open").isEnabled()


def test_headings_cannot_be_marked(box):
    assert all(one.flags() == Qt.ItemFlag.NoItemFlags for one in items(box)
               if not one.text().startswith(" "))  # fmt: skip


def test_a_file_becomes_a_recent_model(
    qtbot, box, ready, settings, tmp_path, monkeypatch
):
    path = str(tmp_path / "mine.safetensors")
    monkeypatch.setattr(QFileDialog, "getOpenFileName", lambda *_: (path, ""))
    button(box, "Open file…").click()
    qtbot.waitUntil(lambda: ready.store.state.opened.model.source == path)
    qtbot.waitUntil(lambda: is_idle(ready))
    assert settings.recent_models == (path,)
    ready.window.command("open.models").trigger()
    again = ready.window.findChildren(ModelBox)[-1]
    assert again.choice.source == path
    assert "is not there any more" in card(again)


@pytest.mark.slow
def test_two_models_stand_side_by_side(qtbot, qapp, settings, tmp_path, monkeypatch):
    from app import bootstrap
    from app.controllers import controller
    from app.export.points import as_csv
    from core.models import load_model
    from core.nuclei import predict

    monkeypatch.setattr(controller, "REST_MS", 3_600_000)  # nothing is measured
    bench = bootstrap.build(settings)
    bench.controller.set_request(heuristic="l2", recovery="none", sparsity=0.2)
    bench.controller.open("demo", "sample:synthetic")
    state = bench.store.state
    qtbot.waitUntil(lambda: bench.store.state.current, timeout=120_000)
    bench.window.show()
    bench.window.command("open.models").trigger()
    box = bench.window.findChild(ModelBox)
    mark(box, "Demo model, 90 % of its parameters removed")
    button(box, "Show beside").click()
    state = bench.store.state
    assert [pane.request.model for pane in state.panes] == ["", "demo-90"]
    qtbot.waitUntil(lambda: bench.store.state.current, timeout=120_000)
    state = bench.store.state
    other = load_model("demo-90")
    tile = state.opened.session.bench.tile
    assert (state.outcome.prediction.labels == predict(other, tile).labels).all()
    assert state.outcome.counts.params == 442_078
    assert 0.5 < state.outcome.agreement["aji"] < 1
    assert "model demo-90" in as_csv(state.trials)
    head = [one.titles[0] for one in bench.controller.presenter.heads.pruned]
    assert head[1] == "2  demo-90, as it is"
    # a setting prunes the open model again
    bench.controller.set_sparsity(0.3)
    assert bench.store.state.request.model == ""
    bench.window.close_unasked()
    bench.window.deleteLater()


@pytest.mark.slow
def test_a_pruned_model_opens_as_one(qtbot, qapp, settings):
    from app import bootstrap

    bench = bootstrap.build(settings)
    bench.controller.open("demo-90", "sample:synthetic")
    qtbot.waitUntil(lambda: bench.store.state.opened is not None, timeout=120_000)
    card = bench.store.state.opened.model
    assert card.pruned
    assert "already pruned, 90% of the parameters removed" in card.about
    assert bench.controller.presenter.heads.dense.titles[0].startswith("As opened")
    bench.window.close_unasked()
    bench.window.deleteLater()
