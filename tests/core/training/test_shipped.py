"""The shipped weights on tiles that they never saw."""

import os
from pathlib import Path

import numpy as np
import pytest
import torch

from benchmarks.training.demo import real_groups
from benchmarks.training.evaluate import evaluate, means
from benchmarks.training.split import DSB_HELD_OUT, TNBC_HELD_OUT
from core.images.samples import load_sample
from core.metrics import score_instances
from core.models import load_model
from core.nuclei import predict
from core.training.data import read_folder

ROOT = Path(__file__).parents[3]
DATA = ROOT.parent / "shared" / "data"


@pytest.fixture(scope="module")
def data():
    if not DATA.is_dir():
        reason = "the tiles of ../shared/data are not here"
        if os.environ.get("CI") == "true":
            pytest.fail(reason)
        pytest.skip(reason)
    return DATA


@pytest.fixture(scope="module")
def demo():
    torch.set_num_threads(1)
    return load_model("demo")


def test_the_file_is_small_and_has_a_card():
    weights = ROOT / "resources" / "demo.safetensors"
    card = (ROOT / "resources" / "demo.md").read_text(encoding="utf-8")

    assert weights.stat().st_size < 20e6
    for word in ("CC0", "CC BY 4.0", "Naylor", "diagnos", "seed"):
        assert word in card
    for stem in (*DSB_HELD_OUT, *TNBC_HELD_OUT):
        assert stem in card


def test_training_never_draws_a_held_out_tile(data):
    names = {e.name for group in real_groups(data) for e in group}
    assert names.isdisjoint({*DSB_HELD_OUT, *TNBC_HELD_OUT})
    assert len(names) == 70


def unseen(folder, stems):
    return [e for e in read_folder(folder) if e.name in stems]


def test_scores_on_stained_tissue(demo, data):
    tiles = unseen(data / "dsb2018_stained", DSB_HELD_OUT)
    assert len(tiles) == len(DSB_HELD_OUT)
    table = evaluate(demo, tiles)
    assert means(table)["aji"] >= 0.60
    assert means(table)["dice"] >= 0.88


def test_scores_on_breast_cancer(demo, data):
    tiles = unseen(data / "tnbc_naylor", TNBC_HELD_OUT)
    assert len(tiles) == len(TNBC_HELD_OUT)
    assert means(evaluate(demo, tiles))["aji"] >= 0.60


def test_nuclei_and_types_of_the_synthetic_sample(demo):
    sample = load_sample("synthetic")
    found = predict(demo, sample.tile)

    assert score_instances(sample.labels, found.labels).aji > 0.6
    right = 0
    for label in range(1, found.count + 1):
        of = int(np.bincount(sample.labels[found.labels == label]).argmax())
        right += of > 0 and found.classes[label - 1] == sample.classes[of - 1]
    assert right > 0.75 * found.count


def test_the_default_sample_is_full_of_nuclei(demo):
    found = predict(demo, load_sample().tile)
    assert 150 < found.count < 600
    assert 0.05 < (found.labels > 0).mean() < 0.5
