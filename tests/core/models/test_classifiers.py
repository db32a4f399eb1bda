"""Classifiers as people have them: a head of several layers, one output, names."""

import numpy as np
import pytest
import torch
from torch import nn

from core.benchmark import Bench
from core.errors import ModelError
from core.models import load_model, save_model
from core.models.resnet import ResNet18
from core.types import LabelledTile, PruneRequest, Tile

HEADS = {
    "dropout": lambda n: nn.Sequential(nn.Dropout(0.5), nn.Linear(32, n)),
    "hidden": lambda n: nn.Sequential(
        nn.Linear(32, 12), nn.ReLU(), nn.Dropout(0.2), nn.Linear(12, n)
    ),
    "plain": lambda n: nn.Linear(32, n),
}


def network(head, classes):
    torch.manual_seed(1)
    model = ResNet18(classes=classes, base=4).eval()
    model.fc = HEADS[head](classes)
    return model.eval()


def written(tmp_path, model):
    path = tmp_path / "mine.pth"
    torch.save(model.state_dict(), path)
    return path


def tiles(count=3):
    rng = np.random.default_rng(0)
    return [
        LabelledTile(f"p{n}", Tile(rng.integers(0, 256, (64, 64, 3), dtype=np.uint8)))
        for n in range(count)
    ]


@pytest.mark.parametrize("head", list(HEADS))
def test_heads_open_prune_and_come_back(tmp_path, head):
    mine = network(head, 3)
    loaded = load_model(str(written(tmp_path, mine)))
    x = torch.rand(1, 3, 64, 64, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        torch.testing.assert_close(loaded.module(x), mine(x))
    bench = Bench.open_tiles(loaded, tiles())
    request = PruneRequest("l2", 0.5, recovery="none")
    assert bench.prune(request).counts.params < 0.55 * bench.dense.counts.params
    small = bench.export(request)
    save_model(tmp_path / "small.safetensors", small, small.plan)
    again = load_model(str(tmp_path / "small.safetensors"))
    with torch.inference_mode():
        torch.testing.assert_close(again.module(x), small.module(x))


def test_one_output_is_the_probability_of_the_second_class(tmp_path):
    mine = network("plain", 1)
    (tmp_path / "classes.txt").write_text("normal\ntumour\n", encoding="utf-8")
    loaded = load_model(str(written(tmp_path, mine)))
    assert loaded.spec.classes == ("normal", "tumour")
    bench = Bench.open_tiles(loaded, tiles())
    found = bench.prune(PruneRequest("l2", 0.0, recovery="none"))
    from core.nuclei import to_input

    for one, tile in zip(found.patches, tiles(), strict=True):
        with torch.inference_mode():
            logit = loaded.module(to_input(loaded, tile.tile))[0, 0].double()
        second = float(torch.sigmoid(logit))
        assert one.dense == pytest.approx((1 - second, second), abs=1e-6)
        assert one.before == ("tumour" if second > 0.5 else "normal")


def test_a_wrong_number_of_names_is_said(tmp_path):
    path = written(tmp_path, network("plain", 3))
    (tmp_path / "mine.classes.txt").write_text("a\nb\n", encoding="utf-8")
    with pytest.raises(ModelError, match=r"2 different names and the model 3 classes"):
        load_model(str(path))
