"""What is added in one place is found everywhere."""

import numpy as np
import pytest

from app.export.points import as_csv
from app.rendering.series_looks import series_look
from app.views.widgets.sweep_form import SweepForm
from core import tables
from core.benchmark.tasks.pooled import pooled_scores
from core.metrics import Scores
from core.pruning import HEURISTICS
from core.store import to_row
from core.tables.metrics import metric_titles, metrics_for
from core.types import Prediction


def test_a_score_is_its_computation_and_its_row():
    """All that lists scores has exactly the rows: a row that is added is in each."""
    keys = [row.key for row in metrics_for("nuclei")]
    header = as_csv([]).splitlines()[0].split(",")
    assert [name for name in header if name in tables.METRICS] == keys
    single = {row.key for row in metrics_for("nuclei") if not row.pooled}
    assert single <= set(Scores.__dataclass_fields__)
    labels = np.repeat(np.arange(3, dtype=np.int32), 40).reshape(12, 10)
    one = Prediction(labels, np.array([1, 2]))
    other = Prediction(np.minimum(labels, 1), np.array([2]))
    pooled = {row.key for row in metrics_for("nuclei") if row.pooled}
    assert pooled == set(pooled_scores([(one, one), (other, other)]))
    assert list(metric_titles()) == list(tables.METRICS)


def test_a_stored_trial_has_every_score_of_the_table(tmp_path):
    from stores import record, requests

    row = to_row(record(requests()[0]))
    for side in ("dense", "pruned", "agreement"):
        found = [name for name in tables.METRICS if f"{side}_{name}" in row]
        assert found == list(tables.METRICS)


def test_a_heuristic_has_looks_without_being_listed_anywhere():
    names = list(HEURISTICS)
    looks = {series_look(name) for name in names}
    assert series_look("mine") not in looks
    assert {series_look(name) for name in [*names, "mine"]} > looks


@pytest.mark.parametrize("table", ["SCOPES", "RECOVERIES", "COUNTS"])
def test_choices_of_the_window_are_the_rows(qtbot, table):
    from PySide6.QtWidgets import QAbstractButton

    form = SweepForm()
    qtbot.addWidget(form)
    tips = {button.toolTip() for button in form.findChildren(QAbstractButton)}
    assert {row.tip for row in getattr(tables, table).values()} <= tips
