"""The demo model with types of real nuclei, on tissue that it never saw."""

import os
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from benchmarks.training import tiles as splits
from benchmarks.training.scores import Groups, score_groups, summary
from benchmarks.training.tiles import TYPES, real_groups
from core.export import card_beside, find_types_note
from core.models import load_model
from core.training import Example

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"
NAME = "demo-types"
_SIDE = 500


@pytest.fixture(scope="module")
def groups() -> Groups:
    if not DATA.is_dir():
        reason = "the tiles of ../shared/data are not here"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return splits.test(DATA)


@pytest.fixture(scope="module")
def scores(groups: Groups):
    """Scores of the middles of tiles: whole ones take minutes."""
    torch.set_num_threads(1)
    some = {
        "consep": [_middle(e) for e in groups["consep"]],
        "tnbc": groups["tnbc patient 11"],
    }
    found = score_groups(load_model(NAME), some)
    return {name: summary(results) for name, results in found.items()}


def _middle(example: Example) -> Example:
    top, left = ((side - _SIDE) // 2 for side in example.labels.shape)
    part = (slice(top, top + _SIDE), slice(left, left + _SIDE))
    return replace(example, pixels=example.pixels[part], labels=example.labels[part])


def test_the_file_is_small_and_its_card_names_data_split_and_limits(groups):
    weights = ROOT / "resources" / f"{NAME}.safetensors"
    card = card_beside(NAME)

    assert weights.stat().st_size < 20e6
    for word in ("CoNSeP", "Graham", "CC BY 4.0", "CC0", "diagnos", "seed", "Limits"):
        assert word in card
    for tiles in groups.values():
        for tile in tiles:
            assert f"`{tile.name}`" in card
    assert not find_types_note(card)  # they come from real tissue


def test_training_draws_no_tile_that_is_tested_on(groups):
    learned = {e.name for group in real_groups(DATA) for e in group}
    assert learned.isdisjoint(e.name for tiles in groups.values() for e in tiles)


def test_its_types_are_those_of_consep():
    assert load_model(NAME).spec.classes == TYPES


def test_nuclei_of_colon_tumours(scores):
    found = scores["consep"]
    assert found["pq"][0] >= 0.40
    assert found["detection f1"][0] >= 0.70


def test_types_of_colon_tumours(scores):
    found = scores["consep"]
    assert found["epithelial f1"][0] >= 0.45
    assert found["inflammatory f1"][0] >= 0.45


def test_nuclei_of_breast_cancer(scores):
    assert scores["tnbc"]["pq"][0] >= 0.55
