"""The blinded reading: fair lots, right counts, answers that are kept."""

import json
from math import comb

import numpy as np
import pytest
from conftest import is_idle
from hypothesis import given, settings
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QPushButton

from app.bootstrap import readings
from app.controllers.demo.reading import (
    Answer,
    ReadingRound,
    in_words,
    rounds_of,
    verdict_of,
)
from app.state import events


@settings(max_examples=40, deadline=None)
@given(st.integers(0, 40), st.integers(1, 12), st.integers(0, 2**32 - 1))
def test_places_are_nuclei_and_none_twice(count, most, seed):
    rng = np.random.default_rng(seed)
    centres = rng.random((count, 2)) * 100
    rounds = rounds_of(centres, rng, most)
    assert len(rounds) == min(count, most)
    places = {r.place for r in rounds}
    assert len(places) == len(rounds)
    assert places <= {tuple(map(float, c)) for c in centres}


def test_sides_are_drawn_by_lot():
    rng = np.random.default_rng(0)
    centres = rng.random((400, 2))
    sides = [r.pruned for r in rounds_of(centres, rng, 400)]
    assert 160 < sides.count("left") < 240


def rounds(right, wrong, same):
    made = [ReadingRound((0.0, 0.0), "left")] * (right + wrong + same)
    said = ["left"] * right + ["right"] * wrong + ["same"] * same
    return made, [Answer(choice, 1.0) for choice in said]


def tail(n, k, p):
    return sum(comb(n, i) * p**i * (1 - p) ** (n - i) for i in range(k, n + 1))


def test_the_interval_is_the_exact_one():
    """Its ends are the shares at which 7 of 9 is as odd as 2.5 % each way."""
    found = verdict_of(*rounds(7, 2, 3))
    assert (found.right, found.decided, found.same) == (7, 9, 3)
    low, high = found.interval
    assert tail(9, 7, low) == pytest.approx(0.025, rel=1e-6)
    assert 1 - tail(9, 8, high) == pytest.approx(0.025, rel=1e-6)


@pytest.mark.parametrize(
    ("counts", "word"),
    [
        ((8, 0, 0), "more than luck"),
        ((5, 3, 0), "Luck alone"),
        ((0, 8, 0), "less than luck"),
        ((0, 0, 8), "could not tell"),
    ],
)
def test_the_result_in_words(counts, word):
    headline, words = in_words(verdict_of(*rounds(*counts)))
    assert word in headline + words
    if counts[2] == 0:
        assert headline == f"{counts[0]} of {sum(counts)} right"
        assert "Guessing gives about 4 of 8" in words


@pytest.fixture
def reading(qtbot, ready):
    ready.controller.set_request(sparsity=0.9)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=20_000)
    ready.window.resize(1280, 800)
    ready.window.show()
    qtbot.waitExposed(ready.window)
    ready.controller.dispatch(events.DemoSwitched(True))
    ready.window.demo.readingAsked.emit()
    return ready


def recorded(folder):
    """Return how many answers there are in the newest record."""
    files = sorted(folder.glob("*.json"))
    return len(json.loads(files[-1].read_text())["answers"]) if files else 0


def test_answers_are_recorded_one_by_one(qtbot, reading, settings):
    view, folder = reading.window.reading, readings(settings)
    assert view.isVisible()
    assert not reading.window.viewer.isVisible()
    captions = [w.text() for w in view.findChildren(QLabel) if w.isVisible()]
    assert any("b" in c and "\u25cf" in c for c in captions)  # colours have names
    assert not view.left.hasFocus()  # a ring around one would look like a hint
    assert not view.right.hasFocus()
    assert not any("pruned" in c.lower() or "dense" in c.lower() for c in captions)
    assert any("stay on this computer" in c for c in captions)
    dense = reading.store.state.opened.nuclei.levels
    said, total = [], 8
    for number in range(total):
        layers = {"left": view.left._masks, "right": view.right._masks}
        side = next(s for s, masks in layers.items() if masks[0].levels is not dense)
        choice = side if number < 6 else "same"
        said.append(choice)
        key = {"left": Qt.Key.Key_Left, "right": Qt.Key.Key_Right}
        qtbot.keyClick(reading.window, key.get(choice, Qt.Key.Key_Down))
        qtbot.waitUntil(lambda n=number: recorded(folder) == n + 1, timeout=5000)
        assert view.left.camera == view.right.camera
    (path,) = folder.glob("*.json")
    found = json.loads(path.read_text())
    assert [each["answer"] for each in found["answers"]] == said
    assert (found["right"], found["decided"], found["cannot_tell"]) == (6, 6, 2)
    assert found["complete"]
    assert found["request"]["sparsity"] == 0.9
    assert all(each["seconds"] >= 0 for each in found["answers"])
    words = [w.text() for w in view.findChildren(QLabel) if w.isVisible()]
    assert "6 of 6 right" in words
    assert any(str(path) in said for said in words)
    marks = [b.text() for b in view.findChildren(QPushButton) if b.isCheckable()]
    assert marks == [*(f"{n} \u2713" for n in range(1, 7)), "7 ?", "8 ?"]
    for button in [b for b in view.findChildren(QPushButton) if b.isCheckable()]:
        qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
        words = [w.text() for w in view.findChildren(QLabel) if w.isVisible()]
        shows = "left" if view.left.masks[0].levels is not dense else "right"
        (told,) = [each for each in words if each.startswith("Place ")]
        assert f"The smaller model is on the {shows}." in told
        names = [each for each in words if each.startswith("The ")]
        left_first = ["The smaller model", "The full model"]
        assert names == (left_first if shows == "left" else left_first[::-1])
    qtbot.keyClick(reading.window, Qt.Key.Key_Escape)
    assert reading.window.demo.isVisible()


def test_leaving_early_keeps_what_was_said(qtbot, reading, settings):
    reading.window.reading.answered.emit("left")
    back = next(
        b
        for b in reading.window.reading.findChildren(QPushButton)
        if b.text() == "Back"
    )
    qtbot.mouseClick(back, Qt.MouseButton.LeftButton)
    assert reading.window.viewer.isVisible()
    (path,) = readings(settings).glob("*.json")
    found = json.loads(path.read_text())
    assert len(found["answers"]) == 1
    assert not found["complete"]


def test_the_whole_model_cannot_be_read_against_itself(qtbot, ready):
    ready.controller.set_request(sparsity=0.0)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=20_000)
    ready.window.demo.readingAsked.emit()
    assert ready.window.reading.isHidden()
    assert "smaller model first" in ready.store.state.message.text


def test_a_folder_that_cannot_be_written_is_said(qtbot, reading, settings):
    readings(settings).write_text("a file where the folder should be")
    reading.window.reading.answered.emit("same")
    assert "Cannot record" in reading.store.state.message.text
