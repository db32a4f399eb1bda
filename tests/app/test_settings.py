"""What comes back at the next start."""

import fakes
from conftest import is_idle
from PySide6.QtCore import QByteArray

from app import bootstrap
from app.state.app_state import AppState, Pane
from core.types import FineTune, PruneRequest

LEFT = PruneRequest("l2", 0.3, "layer")
HERE = PruneRequest(
    "l2", 0.6, recovery="finetune", locked=("a", "b"), training=FineTune(steps=7)
)
RIGHT = PruneRequest("random", 0.9, seed=3)


def test_all_panes_come_back_with_everything_they_were_asked(settings):
    state = AppState(panes=(Pane(LEFT), Pane(HERE), Pane(RIGHT)), active=1)
    settings.save(state, QByteArray())
    found = settings.state()
    assert [pane.request for pane in found.panes] == [LEFT, HERE, RIGHT]
    assert found.active == 1


def test_panes_that_came_back_are_computed(qtbot, settings):
    state = AppState(panes=(Pane(LEFT), Pane(RIGHT)))
    settings.save(state, QByteArray())
    bench = bootstrap.build(settings, fakes.FakeEngine())
    bench.controller.open("demo", "")
    qtbot.waitUntil(
        lambda: (
            is_idle(bench) and all(pane.current for pane in bench.store.state.panes)
        ),
        timeout=20_000,
    )
    found = bench.store.state
    bench.window.close()
    bench.window.deleteLater()
    assert [pane.outcome.request for pane in found.panes] == [LEFT, RIGHT]


def test_damaged_panes_are_left_out(settings):
    settings.save(AppState(panes=(Pane(HERE), Pane(RIGHT))), QByteArray())
    for damaged in (
        "nonsense",
        {"after": "nonsense"},
        {"after": [{"heuristic": "l2", "sparsity": 7}, None]},
        {"before": [{"heuristic": "l2", "sparsity": 0.5}] * 9},
    ):
        settings._store.setValue("panes", damaged)
        assert [pane.request for pane in settings.state().panes] == [HERE]


def test_what_was_dismissed_or_chosen_is_remembered(settings):
    assert settings.hints
    settings.set_hints(False)
    settings.set_slide("biopsy")
    assert (settings.hints, settings.slide) == (False, "biopsy")
