"""What is added in one place is found everywhere."""

from functools import partial

import numpy as np
import pytest
from PIL import Image

from app.export.points import as_csv
from app.rendering.series_looks import series_look
from app.views.widgets.sweep_form import SweepForm
from core import tables
from core.benchmark.tasks.pooled import pooled_scores
from core.errors import PruningError
from core.images import read_tile
from core.images.raster import PILLOW_FORMATS
from core.metrics import Scores
from core.pruning import HEURISTICS
from core.pruning.scoring.heuristics.registry import forget, register_modules
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


@pytest.mark.parametrize(
    "row", [row for row in tables.IMAGE_FORMATS if row.reader == "raster"], ids=str
)
def test_an_image_format_is_its_row(row, tmp_path):
    """Pillow decodes what a row names, and nothing else."""
    path = tmp_path / f"tile{row.endings[0]}"
    Image.new("RGB", (9, 8), "red").save(path, format=row.key)
    assert path.read_bytes().startswith(row.starts)
    assert read_tile(path).pixels.shape == (8, 9, 3)
    assert row.key.upper() in PILLOW_FORMATS


MINE = """
from core.pruning.scoring.heuristics.magnitude import L1
from core.pruning.scoring.heuristics.protocol import Heuristic

MINE = Heuristic({name!r}, "Mine", "Keeps what is mine.", "none", L1.rule)
"""


def test_a_heuristic_is_one_file_of_the_folder(tmp_path, monkeypatch, request):
    (tmp_path / "own_rules").mkdir()
    monkeypatch.syspath_prepend(tmp_path)
    file = tmp_path / "own_rules" / "mine.py"
    file.write_text(MINE.format(name="mine"))
    before = list(HEURISTICS)
    register_modules("own_rules", [str(tmp_path / "own_rules")])
    request.addfinalizer(partial(forget, HEURISTICS["mine"]))
    assert list(HEURISTICS) == [*before, "mine"]  # those that it imports are known
    (tmp_path / "own_rules" / "other.py").write_text(MINE.format(name="l2"))
    with pytest.raises(PruningError, match="exists already"):
        register_modules("own_rules", [str(tmp_path / "own_rules")])


@pytest.mark.parametrize("table", ["SCOPES", "RECOVERIES", "COUNTS"])
def test_choices_of_the_window_are_the_rows(qtbot, table):
    from PySide6.QtWidgets import QAbstractButton

    form = SweepForm()
    qtbot.addWidget(form)
    tips = {button.toolTip() for button in form.findChildren(QAbstractButton)}
    assert {row.tip for row in getattr(tables, table).values()} <= tips
