"""Advanced settings, ratios of layers, and advice that can be followed."""

from dataclasses import replace

import fakes
import numpy as np
import pytest
from conftest import is_idle
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QApplication,
    QPlainTextEdit,
    QPushButton,
    QSpinBox,
    QToolButton,
)

from app.state.advice import find_advice
from app.state.events import MeasuringAsked, RequestChanged
from app.text.ratios import read_ratios, write_ratios
from app.views.widgets.advanced_form import AdvancedForm
from core.errors import InputError
from core.types import UNSTRUCTURED, PruneRequest

NAMES = ("encoder0.conv1", "encoder0.conv2", "decoder1.conv1", "head")


@pytest.fixture
def shown(qtbot, ready):
    ready.window.show()
    qtbot.waitExposed(ready.window)
    return ready


def box_named(window, name):
    found = window.controls.findChildren(QSpinBox)
    return next(box for box in found if box.accessibleName() == name)


@pytest.mark.parametrize(
    ("caption", "field", "value"),
    [
        ("Round widths to", "round_to", 16),
        ("Minimum width", "min_channels", 8),
        ("Steps", "steps", 5),
        ("Seed", "seed", 3),
    ],
)
def test_a_number_of_the_advanced_section_is_asked_for(
    qtbot, shown, caption, field, value
):
    shown.window.controls.advanced.open()
    box = box_named(shown.window, caption)
    box.setValue(value)
    assert getattr(shown.store.state.request, field) == value
    qtbot.waitUntil(lambda: is_idle(shown), timeout=10_000)
    assert getattr(shown.store.state.outcome.request, field) == value
    changed = replace(shown.store.state.request, **{field: 1 if field != "seed" else 0})
    shown.controller.dispatch(RequestChanged(changed))
    assert box.value() == getattr(changed, field)


def test_what_is_set_is_told_while_the_section_is_closed(qtbot):
    form = AdvancedForm()
    qtbot.addWidget(form)
    form.set_request(PruneRequest("l2", 0.5, round_to=16, ratios=(("head", 0.5),)))
    (heading,) = form.findChildren(QToolButton)
    assert heading.text() == "ADVANCED, 2 set"
    form.set_request(PruneRequest("l2", 0.5))
    assert heading.text() == "ADVANCED"


def test_settings_that_need_channels_are_grey_for_single_weights(qtbot):
    form = AdvancedForm()
    qtbot.addWidget(form)
    form.set_request(PruneRequest(f"{UNSTRUCTURED}magnitude", 0.5, recovery="none"))
    allowed = {b.accessibleName(): b.isEnabled() for b in form.findChildren(QSpinBox)}
    assert allowed == {
        "Round widths to": False,
        "Minimum width": False,
        "Steps": False,
        "Seed": True,
    }


def test_ratios_are_typed_and_come_from_a_file(qtbot, shown, tmp_path, monkeypatch):
    shown.window.controls.advanced.open()
    box = shown.window.ratios
    shown.window.controls.advanced.ratiosAsked.emit()
    (text,) = box.findChildren(QPlainTextEdit)
    buttons = {b.text().replace("&", ""): b for b in box.findChildren(QPushButton)}
    text.setPlainText("nothing = 0.5")
    assert not buttons["OK"].isEnabled()
    path = tmp_path / "ratios.csv"
    path.write_text("encoder0, 0.5\nencoder1.conv1, 25 %\n")
    monkeypatch.setattr("app.views.main_window.dialogs._ask_file", lambda *_: str(path))
    qtbot.mouseClick(buttons["From a file…"], Qt.MouseButton.LeftButton)
    assert buttons["OK"].isEnabled()
    qtbot.mouseClick(buttons["OK"], Qt.MouseButton.LeftButton)
    wanted = (("encoder0", 0.5), ("encoder1.conv1", 0.25))
    assert shown.store.state.request.ratios == wanted
    shown.window.controls.advanced.ratiosAsked.emit()
    assert read_ratios(text.toPlainText(), (e.name for e in fakes.LAYERS)) == wanted
    box.reject()
    QApplication.processEvents()


@pytest.mark.parametrize("seed", range(20))
def test_ratios_come_back_as_they_were_written(seed):
    rng = np.random.default_rng(seed)
    names = rng.permutation(NAMES)[: rng.integers(0, 5)]
    ratios = tuple(sorted((str(n), int(rng.integers(0, 100)) / 100) for n in names))
    assert read_ratios(write_ratios(ratios), NAMES) == ratios


@pytest.mark.parametrize(
    "words",
    [
        "encoder0.conv1 = 0.5",
        "encoder0.conv1: 50 %",
        "encoder0.conv1;0,5  # half",
        "encoder0.conv1\t.5",
        '{"encoder0.conv1": 0.5}',
        '{"ratios": [["encoder0.conv1", 0.5]]}',
        "\ufeffencoder0.conv1,0.5\n\n",
    ],
)
def test_ratios_are_read_as_people_write_them(words):
    assert read_ratios(words, NAMES) == (("encoder0.conv1", 0.5),)


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ("encoder9 = 0.5", "no layer 'encoder9'"),
        ("encoder = 0.5", "no layer 'encoder'"),
        ("head = 2", "between 0 and 99 %"),
        ("head", "Line 1 must name"),
        ("head = nan", "Line 1 must name"),
        ('{"head": "x"}', "must say"),
        ('{"head": true}', "must say"),
        ("{", "must say"),
        ("{" + "[" * 100_000, "must say"),
    ],
)
def test_ratios_that_cannot_be_used_are_one_sentence(words, said):
    with pytest.raises(InputError, match=said):
        read_ratios(words, NAMES)


def test_measure_again_measures_again(qtbot, shown):
    shown.controller.set_request(sparsity=0.8)
    qtbot.waitUntil(
        lambda: is_idle(shown) and shown.store.state.latency is not None, timeout=10_000
    )
    request = shown.store.state.request
    before = shown.engine.log.count(("measure", request))
    shown.window.command("run.measure").trigger()
    qtbot.waitUntil(
        lambda: shown.engine.log.count(("measure", request)) == before + 1,
        timeout=10_000,
    )
    qtbot.waitUntil(lambda: shown.store.state.latency is not None, timeout=10_000)


def advice_for(state, measured, request=None, **changes):
    request = replace(request or state.request, **changes)
    state = replace(state, panes=(replace(state.panes[0], request=request),))
    outcome = replace(state.outcome, request=request)
    panes = (replace(state.panes[0], outcome=outcome),)
    point = fakes.trial(request, measured=measured(request), scores={})
    return find_advice(replace(state, panes=panes, trials=(point,)))


def test_advice_does_what_it_says(qtbot, shown):
    shown.controller.set_request(sparsity=0.8)
    qtbot.waitUntil(lambda: is_idle(shown), timeout=10_000)
    state = shown.store.state
    same = lambda request: fakes.timed(request, 60.0, 1.0, (0.97, 1.03))  # noqa: E731
    faster = lambda request: fakes.timed(request, 60.0, 2.0)  # noqa: E731
    missing = lambda request: fakes.Comparison.missing(request, "busy")  # noqa: E731
    ((caption, event),) = advice_for(state, same)
    assert caption == "Round widths to 16"
    assert event.request == replace(state.request, round_to=16)
    assert advice_for(state, same, round_to=32) == ()
    assert advice_for(state, faster) == ()
    ((caption, event),) = advice_for(state, missing)
    assert (caption, event) == ("Measure again", MeasuringAsked())
    failed = replace(state, failed={state.request: "Too little is left."})
    low = replace(state.request, min_channels=8)
    failed = replace(
        state, failed={low: "x"}, panes=(replace(state.panes[0], request=low),)
    )
    ((caption, event),) = find_advice(failed)
    assert caption == "Lower the minimum width to 1"
    assert event.request.min_channels == 1


def test_a_button_of_advice_acts(qtbot, shown):
    request = replace(shown.store.state.request, round_to=16)
    controls = shown.window.controls
    controls.set_advice([("Round widths to 16", RequestChanged(request))])
    (button,) = [b for b in controls.advice.findChildren(QPushButton) if b.isVisible()]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert shown.store.state.request.round_to == 16
