"""A tile that a model does not know, and a model that knows nothing, are named."""

from dataclasses import replace

import numpy as np
import pytest

from core.benchmark import Bench
from core.benchmark.sanity import describe_doubt, find_signs
from core.export import card_beside, find_types_note
from core.images.samples import SAMPLES, load_sample
from core.models import load_model
from core.types import Prediction, Tile


@pytest.fixture(scope="module")
def demo():
    return load_model("demo")


@pytest.fixture(scope="module")
def known():
    return load_sample("synthetic").tile.pixels[:256, :256]


def doubts(model, pixels):
    notes = Bench.open(model, Tile(np.ascontiguousarray(pixels))).dense.notes
    return [note for note in notes if "unlike what the model" in note]


@pytest.mark.parametrize("name", SAMPLES)
def test_samples_get_no_word(demo, name):
    assert doubts(demo, load_sample(name).tile.pixels[:384, :384]) == []


@pytest.mark.parametrize(
    ("spoil", "words"),
    [
        (lambda p: np.full_like(p, 255), "finds no nucleus"),
        (lambda p: (p * 0.1).astype(np.uint8), "covers"),
        (lambda p: np.where(np.arange(256)[:, None, None] < 90, 30, p), "covers"),
    ],
    ids=["white", "dark", "marked"],
)
def test_spoiled_tiles_get_one(demo, known, spoil, words):
    (said,) = doubts(demo, spoil(known).astype(np.uint8))
    assert words in said
    assert "check stain, focus and pixel size" in said


def test_doubts_follow_confidence_and_share():
    labels = np.zeros((200, 200), np.int32)
    for number in range(20):
        y, x = divmod(number, 5)
        labels[y * 50 : y * 50 + 20, x * 40 : x * 40 + 20] = number + 1
    sure = np.where(labels > 0, 240, 5).astype(np.uint8)
    signs = find_signs(Prediction(labels), {"np": sure})
    assert describe_doubt(signs) == ""
    assert signs.confidence == pytest.approx(240 / 255)
    unsure = np.where(labels > 0, 150, 5).astype(np.uint8)
    said = describe_doubt(find_signs(Prediction(labels), {"np": unsure}))
    assert "unsure of its nuclei (mean 0.59)" in said
    assert "cover 70%" in describe_doubt(replace(signs, covered=0.7))
    assert "of the tile" in describe_doubt(replace(signs, unsure=0.5))


def test_models_with_random_weights_say_so(known):
    model = load_model("unet-tiny")
    notes = Bench.open(model, Tile(known)).dense.notes
    assert any("random weights" in note for note in notes)
    assert not any("unlike" in note for note in notes)


def test_a_card_says_how_types_were_learned():
    words = find_types_note("Not for diagnosis; types were learned on tiles A only.\nx")
    assert words == "Types were learned on tiles A only."
    assert find_types_note("Types come from experts.") == ""
    shipped = card_beside("demo")
    if "synthetic tiles only" in shipped:
        assert find_types_note(shipped).endswith("synthetic tiles only.")
