"""What is added in one place is found everywhere."""

import pytest

from app.export.points import as_csv
from app.rendering.series_looks import series_look
from app.views.widgets.sweep_form import SweepForm
from core import tables
from core.metrics import Scores
from core.pruning import HEURISTICS
from core.store import to_row
from core.tables.metrics import metric_titles, metrics_for


def test_a_score_is_its_computation_and_its_row():
    """All that lists scores has exactly the rows: a row that is added is in each."""
    keys = [row.key for row in metrics_for("nuclei")]
    header = as_csv([]).splitlines()[0].split(",")
    assert [name for name in header if name in tables.METRICS] == keys
    assert set(keys) <= set(Scores.__dataclass_fields__)
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
