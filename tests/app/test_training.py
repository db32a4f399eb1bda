"""Fine-tuning in the window: what it is given, and the curve of its loss."""

from dataclasses import replace
from pathlib import Path

import pytest
from conftest import is_idle
from fakes import FakeSession
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QDoubleSpinBox,
    QFileDialog,
    QPushButton,
    QToolButton,
)

from app.plots.data import PlotData
from app.plots.registry import CHECKED, LEARNED, chart_kind
from app.state import events
from app.state.plot_settings import ChartSettings
from app.state.session.sources import shipped_models
from app.state.training import Training
from core.types import FineTune, PruneRequest

TUNED = PruneRequest("l2", 0.5, recovery="finetune")
HALFWAY = Training(
    TUNED,
    step=40,
    left=75.0,
    losses=tuple((i, 1 / i) for i in range(1, 41)),
    checks=((0, 0.9), (20, 0.3), (40, 0.4)),
    best=20,
    peak_memory=412_000_000,
)


@pytest.fixture
def trained(monkeypatch):
    """Sessions whose fine-tuning says how far it is, and what was asked of them."""
    plain, asked = FakeSession.prune, []

    def prune(self, request, task):
        found = plain(self, request, task)
        if request.recovery == "finetune":
            asked.append(request.training)
            fields = Training.__dataclass_fields__
            said = {name: getattr(HALFWAY, name) for name in fields}
            task.publish(Training(**{**said, "request": request}))
            summary = {"reason": "patience", "steps": 40, "best_step": 20}
            return replace(found, training=summary)
        return found

    monkeypatch.setattr(FakeSession, "prune", prune)
    return asked


def tune(qtbot, bench):
    bench.controller.set_request(recovery="finetune", sparsity=0.7)
    qtbot.waitUntil(lambda: is_idle(bench), timeout=10_000)
    bench.controller.dispatch(events.TrainingStarted())
    qtbot.waitUntil(lambda: is_idle(bench), timeout=10_000)
    return bench.window.controls.training


def child(form, kind, name):
    return next(w for w in form.findChildren(kind) if w.accessibleName() == name)


def settled(qtbot, bench, asked, expected):
    """Start the training that was asked for, and wait for its end."""
    qtbot.waitUntil(lambda: is_idle(bench), timeout=10_000)
    assert asked[-1] != expected
    bench.controller.dispatch(events.TrainingStarted())
    qtbot.waitUntil(lambda: asked[-1:] == [expected], timeout=10_000)
    qtbot.waitUntil(lambda: is_idle(bench), timeout=10_000)


def loss(bench):
    return bench.window.plots.frames["training"]


def drawn(bench):
    return list(loss(bench).chart.points)


def test_the_controls_come_and_go_with_the_recovery(qtbot, ready, trained):
    form, plot = ready.window.controls.training, loss(ready)
    assert form.isHidden()
    assert plot.isHidden()
    tune(qtbot, ready)
    assert not form.isHidden()
    assert not plot.isHidden()
    ready.controller.set_request(recovery="refit")
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert form.isHidden()
    assert plot.isHidden()


def test_minutes_and_rate_reach_the_training(qtbot, ready, trained):
    form = tune(qtbot, ready)
    assert trained == [FineTune()]
    child(form, QDoubleSpinBox, "Minutes of fine-tuning").setValue(5.0)
    settled(qtbot, ready, trained, FineTune(minutes=5.0))
    child(form, QDoubleSpinBox, "Learning rate").setValue(0.002)
    settled(qtbot, ready, trained, FineTune(minutes=5.0, rate=0.002))


def test_a_folder_is_chosen_shown_and_forgotten(
    qtbot, ready, trained, monkeypatch, tmp_path
):
    form = tune(qtbot, ready)
    button = child(form, QPushButton, "Folder of labelled tiles")
    clear = child(form, QToolButton, "Learn without labels")
    assert clear.isHidden()
    monkeypatch.setattr(QFileDialog, "getExistingDirectory", lambda *_: str(tmp_path))
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    settled(qtbot, ready, trained, FineTune(data=str(tmp_path)))
    assert str(tmp_path) in button.toolTip()
    assert not clear.isHidden()
    qtbot.mouseClick(clear, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    assert ready.store.state.request.training == FineTune()
    assert clear.isHidden()


def test_what_was_asked_for_is_still_there_after_another_recovery(
    qtbot, ready, trained
):
    tune(qtbot, ready)
    ready.controller.set_training(minutes=7.0, data="tiles")
    settled(qtbot, ready, trained, FineTune(minutes=7.0, data="tiles"))
    ready.controller.set_request(recovery="none")
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
    tune(qtbot, ready)
    assert ready.store.state.request.training == FineTune(minutes=7.0, data="tiles")


def test_setting_the_form_asks_for_nothing(qtbot, ready, trained):
    form = tune(qtbot, ready)
    form.set_training(FineTune(minutes=9.0, rate=0.01, data="somewhere"))
    assert ready.store.state.request.training == FineTune()


def test_the_loss_is_drawn_and_forgotten_with_the_tile(qtbot, ready, trained):
    ready.window.show()
    tune(qtbot, ready)
    number = len(HALFWAY.losses) + len(HALFWAY.checks)
    qtbot.waitUntil(lambda: len(drawn(ready)) == number, timeout=10_000)
    assert "1 min 15 s left" in loss(ready).chart.x.title
    ready.controller.set_request(sparsity=0.72)
    # the loss of another model is not shown
    qtbot.waitUntil(lambda: not drawn(ready), timeout=10_000)
    ready.controller.open("", "sample:other")
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)


def test_after_cancel_nothing_is_said_to_be_left(qtbot, ready, trained):
    ready.window.show()
    tune(qtbot, ready)
    assert ready.store.state.training.left > 0
    ready.controller.dispatch(events.WorkCancelled())
    assert ready.store.state.training.left == 0
    words = "stopped at step 40, step 20 is best"
    qtbot.waitUntil(lambda: words in loss(ready).chart.x.title, timeout=10_000)
    assert drawn(ready), "what there was is still drawn"


def test_every_control_can_be_reached_and_says_what_it_does(qtbot, ready, trained):
    form = tune(qtbot, ready)
    ready.controller.set_training(data="tiles")
    for kind in (QAbstractButton, QDoubleSpinBox):
        for control in form.findChildren(kind):
            assert control.accessibleName()
            assert control.toolTip().rstrip().endswith(".")
            assert control.focusPolicy() & Qt.FocusPolicy.TabFocus


# the curves


def chart_of(training):
    kind = chart_kind("training")
    return kind.build(PlotData(training=training), ChartSettings())


def test_a_line_for_what_is_learned_and_marks_for_the_checks():
    learned, checked = chart_of(HALFWAY).series
    assert not learned.marked
    assert checked.marked
    assert [(p.x, p.y) for p in checked.points] == [(0, 0.9), (20, 0.3), (40, 0.4)]
    filled = [point.measured for point in checked.points]
    assert filled == [False, True, False], "the best is filled"
    assert LEARNED in learned.points[0].tip()
    assert CHECKED in checked.points[0].tip()
    assert learned.colour != checked.colour
    assert chart_of(None).series == ()


def test_the_axis_says_what_is_left_and_what_it_took():
    words = "step; 1 min 15 s left, 412 MB extra memory"
    assert chart_of(HALFWAY).x.title == words
    over = replace(HALFWAY, left=0.0)
    words = "step; stopped at step 40, step 20 is best, 412 MB extra memory"
    assert chart_of(over).x.title == words
    assert "the start is best" in chart_of(replace(over, best=0)).x.title
    assert chart_of(None).x.title == "step"


# models that ship


def test_the_menu_offers_the_models_whose_files_are_there(monkeypatch, tmp_path):
    for name in ("demo", "demo-90", "notes"):
        ending = "md" if name == "notes" else "safetensors"
        (tmp_path / f"{name}.{ending}").touch()
    monkeypatch.setattr("app.state.session.sources.files", lambda _: Path(tmp_path))
    assert shipped_models() == [
        ("demo", "Demo model, whole"),
        ("demo-90", "Demo model, 90 % of its parameters removed"),
    ]


def test_a_model_of_the_menu_opens(qtbot, ready):
    action = ready.window.command("model.demo")
    assert action.text() == "Demo model, whole"
    with qtbot.waitSignal(ready.window.openAsked) as asked:
        action.trigger()
    assert asked.args == ["demo", ""]
    qtbot.waitUntil(lambda: is_idle(ready), timeout=10_000)
