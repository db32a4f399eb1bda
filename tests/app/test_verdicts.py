"""A measurement that is too noisy reads the same on every surface, without a factor."""

import csv
import io
import re
from dataclasses import replace

import fakes
import numpy as np
import pytest
from conftest import is_idle

from app.cli.summary import latency_words, ratio_words
from app.controllers.presenter.heads import pruned_heads
from app.export.points import as_csv
from app.export.report import facts_of, page
from app.plots.tables import COLUMNS
from app.state.events import PaneAdded
from app.state.locks import speedup_at
from app.state.trials import predictor, with_latency
from app.text.slides import SLIDES, meaning
from app.text.speed import describe_latency, describe_speedup, describe_times
from app.text.story import headline
from core.export import Card, model_card
from core.results import NOT_MEASURABLE
from core.types import ModelSpec, PruneRequest

FACTOR = re.compile(r"\d\u00d7|\d times")


@pytest.fixture
def noisy(qtbot, ready, monkeypatch):
    """A window whose points are measured while the computer is busy."""

    def measure(session, request, task):
        return fakes.timed(request, 62.0, 1.7, (0.04, 45.0), pixels=65_536)

    monkeypatch.setattr(fakes.FakeSession, "measure", measure)
    ready.controller.set_request(sparsity=0.7)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=20_000)
    return ready


def test_no_surface_shows_a_factor(noisy):
    state = noisy.store.state
    measured = state.latency_of(state.request)
    assert measured.verdict == NOT_MEASURABLE
    opened, outcome = state.opened, state.outcome
    trial = next(t for t in state.trials if t.request == state.request)
    card = model_card(
        Card(
            spec=ModelSpec("demo", "nuclei", "unet"),
            source="demo",
            request=state.request,
            plan_hash="p",
            dense=opened.counts,
            pruned=outcome.counts,
            latency=measured.summary(),
        )
    )
    said = [
        describe_latency(measured, 1.7),
        describe_speedup(measured),
        headline(opened, outcome, measured),
        next(
            column.show(trial) for column in COLUMNS if column.key == "speedup"
        ).replace("\u2013", NOT_MEASURABLE),
        latency_words(measured.summary()),
        ratio_words(measured.summary()),
        card[card.index("## Speed") :],
        meaning(opened, measured, SLIDES[0]),
    ]
    for words in said:
        assert NOT_MEASURABLE in words.lower()
        assert not FACTOR.search(words), words
        assert "no difference" not in words
        assert "hour" not in words
        assert "no faster" not in words
    source = page(replace(facts_of(state), when="now"))
    lead = source[: source.index("<h2>")]
    assert NOT_MEASURABLE in lead
    assert not FACTOR.search(lead)
    assert "no faster" not in lead


def test_the_table_of_points_has_the_verdict_and_no_factor(noisy):
    rows = list(csv.DictReader(io.StringIO(as_csv(noisy.store.state.trials))))
    found = [row for row in rows if row["verdict"] == NOT_MEASURABLE]
    assert found
    for row in found:
        for name in ("pruned_ms", "speedup", "low", "high"):
            assert row[name] == ""


def test_panes_say_the_verdict(noisy, qtbot):
    noisy.store.dispatch(PaneAdded())
    heads = [note for head in pruned_heads(noisy.store.state) for note in head.notes]
    assert any(NOT_MEASURABLE in note for note in heads)
    assert not any("1.7" in note for note in heads)


def test_noise_changes_no_prediction():
    calm = fakes.trial(PruneRequest("l2", 0.5), scores={})
    request = PruneRequest("l2", 0.5)
    wild = replace(calm, measured=fakes.timed(request, 60.0, 40.0, (0.1, 900.0)))
    for left in np.linspace(0.05, 1, 20):
        assert predictor([wild])(left) == predictor([calm])(left)


def test_a_lock_of_latency_goes_by_predictions_where_noise_says_nothing(noisy):
    state = noisy.store.state
    assert speedup_at(state, state.pane) != 1.7


def test_one_dense_latency_for_all_points():
    """What the controls say is what the plot shows."""
    requests = [PruneRequest("l2", s) for s in (0.2, 0.5, 0.8)]
    trials = tuple(fakes.trial(each, scores={}) for each in requests)
    for request, dense, speedup in zip(
        requests, (60.0, 80.0, 62.0), (1.1, 1.6, 2.5), strict=True
    ):
        trials = with_latency(trials, fakes.timed(request, dense, speedup))
    assert {t.measured.dense_ms for t in trials} == {62.0}
    for trial in trials:
        assert trial.measured.pruned_ms == pytest.approx(62.0 / trial.measured.speedup)
    assert describe_times(trials[0].measured) == "62.0 ms to 56.4 ms"


def test_before_a_measurement_there_is_a_ratio_and_no_time():
    words = describe_latency(None, 2.0)
    assert "2.00\u00d7" in words
    assert "ms" not in words
