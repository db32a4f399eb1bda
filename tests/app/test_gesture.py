"""What one slider move costs the main thread: files that are entered until the new
masks are on show. Plots follow in a frame of their own."""

import sys
from pathlib import Path

import pytest
from PySide6.QtWidgets import QSlider

from app import bootstrap
from app.controllers.presenter import presenter
from app.plots.loading import draw_queue

ROOT = Path(__file__).parents[2]
MOST_FILES, MOST_UPDATES = 40, 2


@pytest.fixture
def rest_ms():
    """The hand does not rest: what then begins is another matter."""
    return 3_600_000


@pytest.fixture
def no_plots(monkeypatch):
    """Plots are drawn in a later frame, which is not counted here."""
    monkeypatch.setattr(presenter, "PLOTS_MS", 3_600_000)


@pytest.fixture
def shown(qtbot, no_plots, bench):
    bench.window.resize(1280, 800)
    bench.window.show()
    qtbot.waitExposed(bench.window)
    bench.controller.open("demo", "")
    wait_until_shown(qtbot, bench)
    # what a window before this one has asked for is drawn by the same queue
    qtbot.waitUntil(lambda: draw_queue().idle, timeout=10_000)
    return bench


def wait_until_shown(qtbot, bench):
    qtbot.waitUntil(lambda: bench.store.state.current, timeout=10_000)


def test_a_slider_move_enters_few_files_and_updates_the_state_twice(qtbot, shown):
    slider = shown.window.controls.findChild(QSlider)
    slider.setValue(600)
    wait_until_shown(qtbot, shown)
    files, updates = set(), []

    def count(old, new):
        brought_by_time = old.moves == new.moves and (
            old.resting != new.resting or old.late != new.late
        )
        if not old.current or not new.current:
            updates.extend([] if brought_by_time else [new])

    shown.store.changed.connect(count)

    ticking = []

    def note(frame, event, _):
        # The clock that shows the memory in use is no part of the move.
        if frame.f_code.co_filename == bootstrap.__file__:
            if event in {"call", "return"}:
                ticking[:] = [frame] if event == "call" else []
        elif event == "call" and not ticking:
            files.add(frame.f_code.co_filename)

    sys.setprofile(note)  # of this thread: the window's
    try:
        slider.setValue(700)
        wait_until_shown(qtbot, shown)
    finally:
        sys.setprofile(None)
    own = {
        path.relative_to(ROOT).as_posix()
        for path in map(Path, files)
        if path.is_relative_to(ROOT)
    }
    own = {path for path in own if path.startswith(("app/", "core/", "resources/"))}
    assert len(updates) <= MOST_UPDATES
    assert "app/state/reduce.py" in own  # it was counted at all
    assert len(own) <= MOST_FILES, "\n".join(sorted(own))
