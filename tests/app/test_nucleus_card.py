"""A click on a nucleus says what both models see there."""

from dataclasses import replace

import numpy as np
import pytest
from conftest import is_idle
from PySide6.QtCore import QPoint, Qt
from PySide6.QtWidgets import QLabel

from app.controllers.presenter.nucleus_card import find_card
from app.text.format import DASH


@pytest.fixture
def pruned(qtbot, ready):
    ready.controller.set_request(sparsity=0.9)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=20_000)
    return ready


def place_of(labels, number):
    rows, columns = np.nonzero(labels == number)
    middle = len(rows) // 2
    return float(columns[middle]) + 0.5, float(rows[middle]) + 0.5


def test_a_card_has_type_areas_and_overlap_of_both_models(pruned):
    state = pruned.store.state
    before = state.opened.prediction.labels
    after = state.outcome.prediction.labels
    kept = int(before[after > 0][0])
    lost = int(before[(before > 0) & (after == 0)][0])
    card = find_card(state, *place_of(before, kept))
    pixels = int((before == kept).sum())
    area = f"{pixels * 0.25**2:.0f} µm²"
    assert {row[0]: row[1:] for row in card.rows}["Area"] == (area, area)
    assert card.overlap == "Overlap (IoU) 1.00"
    name = "abc"[state.opened.nuclei.classes[kept - 1] - 1]
    assert card.rows[0][:2] == ("Type", name)
    card = find_card(state, *place_of(before, lost))
    assert card.overlap == "The pruned model does not find it."
    assert card.rows[-1][2] == DASH


def test_overlap_and_outlines_are_those_of_the_two_masks(pruned):
    state = pruned.store.state
    before = np.zeros((256, 256), np.int32)
    after = before.copy()
    before[100:120, 100:120] = 1
    after[100:120, 110:130] = 1
    opened = replace(
        state.opened, prediction=replace(state.opened.prediction, labels=before)
    )
    outcome = replace(
        state.outcome, prediction=replace(state.outcome.prediction, labels=after)
    )
    panes = (replace(state.panes[0], outcome=outcome),)
    state = replace(state, opened=opened, panes=panes)
    card = find_card(state, 105, 105)  # only the dense mask lies there
    assert card.overlap == "Overlap (IoU) 0.33"
    assert find_card(state, 125, 105).overlap == "Overlap (IoU) 0.33"
    assert find_card(state, 10, 10) is None
    assert find_card(state, -5, 10) is None
    assert find_card(state, 300, 10) is None
    colours = {tuple(colour) for colour in card.picture.reshape(-1, 3)}
    assert {(86, 180, 233), (213, 94, 0)} <= colours


@pytest.mark.qt_log_ignore("does not support")  # offscreen windows, and says so
def test_a_click_shows_the_card_and_nothing_else_does(qtbot, pruned):
    window = pruned.window
    window.show()
    qtbot.waitExposed(window)
    state = pruned.store.state
    place = place_of(state.opened.prediction.labels, 3)
    window.viewer.pointed.emit(1.0, 1.0)
    assert not window.nucleus.isVisible()
    window.viewer.pointed.emit(*place)
    assert window.nucleus.isVisible()
    said = " ".join(label.text() for label in window.nucleus.findChildren(QLabel))
    assert "Area" in said
    assert "µm²" in said
    qtbot.keyClick(window.nucleus, Qt.Key.Key_Escape)
    assert not window.nucleus.isVisible()
    assert window.nucleus.pos() != QPoint(-1, -1)
