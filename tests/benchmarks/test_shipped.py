"""The pruned models that ship: made on a miniature, opened, listed."""

import shutil

import numpy as np
import pytest
import torch

from benchmarks import shipped
from benchmarks.training.evaluate import means
from core.errors import ModelError
from core.models import catalogue, load_model
from core.models.catalogue import TYPED, entries
from core.pruning import PruningPlan


@pytest.fixture(autouse=True)
def one_thread():
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """The folder that the command leaves, and its checkpoint."""
    out = tmp_path_factory.mktemp("shipped")
    assert shipped.main([*ARGUMENTS, "--out", str(out), *checkpoint_in(out)]) == 0
    return out


ARGUMENTS = ["--miniature", "--names", "demo-90", "--threads", "1"]


def checkpoint_in(folder):
    return ["--checkpoint", str(folder / "run" / "ck.pt")]


def weights(folder):
    return load_model(folder / "demo-90.safetensors").module.state_dict()


def test_a_model_its_plan_and_its_card_lie_together(made):
    names = {path.name for path in made.iterdir() if path.is_file()}
    assert names == {"demo-90.safetensors", "demo-90.plan.json", "demo-90.md"}
    model = load_model(made / "demo-90.safetensors")
    plan = PruningPlan.from_json((made / "demo-90.plan.json").read_text())
    dense = load_model("demo")
    sizes = [sum(p.numel() for p in m.module.parameters()) for m in (model, dense)]
    assert model.spec.name == "demo-90"
    assert model.plan.hash == plan.hash
    # the repair gives biases to layers that had none: a little more than asked for
    assert sizes[0] / sizes[1] == pytest.approx(0.1, abs=0.005)
    card = (made / "demo-90.md").read_text()
    for word in ("demo-90", plan.hash, "diagnos", "CC BY 4.0", "## Limits", "AJI"):
        assert word in card
    tests = shipped.miniature()[1]["synthetic"]
    for network in (model, dense):
        assert f"{means(shipped.evaluate(network, tests))['dice']:.3f}" in card


def test_a_run_that_went_on_gives_the_same_weights(made, tmp_path):
    again = tmp_path / "again"
    shutil.copytree(made / "run", again / "run")
    assert shipped.main([*ARGUMENTS, "--out", str(again), *checkpoint_in(again)]) == 0
    first, second = weights(made), weights(again)
    assert all(torch.equal(first[name], second[name]) for name in first)


def test_tiles_of_the_checks_are_not_learned_from():
    groups = shipped.miniature()[0]
    learn, check = shipped.divided(groups)
    assert len(learn) + len(check) == sum(map(len, groups))
    assert check
    assert {e.name for e in learn}.isdisjoint(e.name for e in check)
    chosen = shipped.Plenty(1.0).settings("demo-90").keep_best
    assert not chosen, "the demo model knows the tiles of the checks by heart"
    calibrated = shipped.calibration_tiles(groups, seed=0)
    assert calibrated
    for example in check:
        assert not any(np.array_equal(t.pixels, example.pixels) for t in calibrated)


def test_what_is_installed_is_listed_and_opens(made, tmp_path, monkeypatch):
    shutil.copy(made / "demo-90.safetensors", tmp_path)
    monkeypatch.setattr("importlib.resources.files", lambda _: tmp_path)
    listed = [name for name in catalogue() if name.startswith("demo-")]
    assert listed == ["demo-90"]
    assert load_model("demo-90").spec.name == "demo-90"
    with pytest.raises(ModelError, match=r"demo-70\.safetensors were not installed"):
        load_model("demo-70")


def test_every_model_that_is_made_has_its_place_in_the_catalogue():
    pruned = {n for n in entries() if n.startswith("demo-")} - {TYPED}
    assert set(shipped.SHIPPED) == pruned
    for name in shipped.SHIPPED.keys() & catalogue().keys():
        assert load_model(name).plan is not None


def test_without_data_there_is_one_line(capsys, tmp_path):
    with pytest.raises(SystemExit) as ended:
        shipped.main(["--out", str(tmp_path)])
    assert ended.value.code == 2
    assert "--data is needed" in capsys.readouterr().err
