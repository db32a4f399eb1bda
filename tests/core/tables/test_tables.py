"""Tables of facts: complete, in step with what computes them, each with one owner."""

from dataclasses import fields, is_dataclass, replace
from typing import get_args

import numpy as np
import pytest

from core import tables
from core.benchmark.tasks.pooled import pooled_scores
from core.metrics import PatchScores, Scores
from core.tables import choices, metrics
from core.types import ModelSpec, Prediction, PruneRequest

_TASKS = get_args(metrics.TaskName)


def test_keys_of_choices_are_those_that_requests_are_typed_by():
    counts = (*get_args(choices.Count), "latency")
    assert tuple(tables.COUNTS) == counts
    assert tuple(tables.RECOVERIES) == get_args(choices.Recovery)
    assert tuple(tables.SCOPES) == get_args(choices.Scope)


@pytest.mark.parametrize(
    "table",
    [tables.METRICS, tables.RECOVERIES, tables.SCOPES, tables.COUNTS],
    ids=["metrics", "recoveries", "scopes", "counts"],
)
def test_rows_have_their_own_keys_titles_and_one_sentence(table):
    titles = [row.title for row in table.values()]
    assert len(set(titles)) == len(titles)
    for key, row in table.items():
        assert row.key == key
        assert is_dataclass(row)
        assert row.tip.endswith(".")


def test_tables_cannot_be_changed():
    with pytest.raises(TypeError):
        tables.METRICS["aji"] = None
    with pytest.raises(AttributeError):
        tables.METRICS["aji"].title = "other"


def test_a_score_of_the_table_is_computed_and_a_computed_one_is_in_the_table():
    sized = {"n_true", "n_pred", "hits", "extra", "missed", "threshold", "n"}
    nuclei = {field.name for field in fields(Scores)} - sized
    patch = {field.name for field in fields(PatchScores)} - sized
    alike = [(_numbered(kinds), _numbered(kinds)) for kinds in ([1, 2], [1, 1])]
    plain = [tuple(replace(side, classes=None) for side in pair) for pair in alike]
    pooled, untyped = set(pooled_scores(alike)), set(pooled_scores(plain))
    assert {m.key for m in tables.metrics_for("nuclei")} == nuclei | pooled
    typed = {m.key for m in tables.METRICS.values() if m.needs == "types"}
    optional = {f.name for f in fields(Scores) if f.default is None}
    assert typed == optional | (pooled - untyped)
    assert {m.key for m in tables.metrics_for("patch")} == patch


def _numbered(kinds):
    """One nucleus for each type, and one more for each 1 in the list."""
    nuclei = [kind for kind in kinds for _ in range(3 - kind)]
    labels = np.kron(np.arange(1, len(nuclei) + 1), np.ones((8, 8), np.int32))
    return Prediction(labels.astype(np.int32), np.array(nuclei))


def test_every_kind_of_model_has_usual_scores_and_only_errors_are_better_low():
    for task in _TASKS:
        usual = tables.metrics_for(task, usual=True)
        assert usual
        assert set(usual) < set(tables.metrics_for(task)) or task == "patch"
    lower = {m.key for m in tables.METRICS.values() if m.better == "lower"}
    assert lower == {"ece"}
    assert all(m.low < m.high for m in tables.METRICS.values())


def test_titles_keep_the_order_of_the_table_and_leave_out_what_it_lacks():
    assert list(tables.metric_titles(["pq", "no such score", "aji"])) == ["aji", "pq"]


def test_repairs_that_need_channels_are_no_ways_of_pruning_weights():
    default = PruneRequest("l2", 0.5).recovery
    assert tables.RECOVERIES[default].takes == "moment"
    assert not tables.RECOVERIES["none"].channels_only


def test_an_image_format_is_told_by_its_first_bytes_and_its_ending():
    for each in tables.IMAGE_FORMATS:
        assert each.starts
        assert all(len(start) >= 2 for start in each.starts)
        for ending in each.endings:
            assert ending == ending.lower()
            assert ending.startswith(".")
            assert ending in tables.TILE_ENDINGS


def test_a_filter_lists_every_ending():
    text = tables.file_filter("Images", (".png", ".svs"))
    assert text == "Images (*.png *.svs);;All files (*)"
    assert tables.file_filter("SVG", (".svg",), every=False) == "SVG (*.svg)"


def test_architectures_of_the_catalogue_have_titles():
    from core.models.catalogue import entries

    used = {e.spec.architecture for e in entries().values() if e.spec}
    built = {k for k, row in tables.ARCHITECTURES.items() if not row.from_file}
    assert used == built
    assert isinstance(next(iter(entries().values())).spec, ModelSpec | None)


@pytest.mark.parametrize("ending", [".bmp", ".svs", ".ndpi", ".png"])
def test_the_dialog_offers_what_the_reader_opens(ending):
    from app.views.main_window.dialogs import IMAGES

    assert (f"*{ending} " in IMAGES) == (ending in tables.TILE_ENDINGS)
