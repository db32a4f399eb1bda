"""Files that come back as they were: dense, pruned, pruned again."""

import errno
import json
import os
from contextlib import contextmanager
from dataclasses import replace

import pytest
import torch
from safetensors import safe_open
from torch.utils._pytree import tree_leaves

from core.errors import ModelError
from core.models import LoadedModel, container, load_model, save_model
from core.models.probe import probe_side
from core.pruning import PruningPlan, apply_plan, calibrate, make_plan, trace
from tests.core.models.cases import SPECS, fresh


def _input(spec, seed=0):
    side = probe_side(spec)
    generator = torch.Generator().manual_seed(seed)
    return torch.rand(2, 3, side, side, generator=generator) * spec.input_range[1]


def _same(first, second, x):
    with torch.inference_mode():
        pairs = list(zip(tree_leaves(first(x)), tree_leaves(second(x)), strict=True))
    return bool(pairs) and all(torch.equal(a, b) for a, b in pairs)


def _prune(model, sparsity, seed=0, refit=False):
    """`model` without `sparsity` of its parameters, and the plan of this step."""
    x = _input(model.spec)
    graph = trace(model.module, x)
    plan = make_plan(model.module, graph, "random", sparsity, seed=seed)
    statistics = calibrate(model.module, graph, [x]) if refit else None
    return apply_plan(model.module, plan, statistics=statistics), plan


@pytest.mark.parametrize("name", sorted(SPECS))
def test_dense_round_trip(name, tmp_path):
    model, path = fresh(name), tmp_path / "model.safetensors"
    save_model(path, model)
    back = load_model(path)
    assert back.spec == model.spec
    assert back.plan is None
    assert not back.module.training
    assert _same(model.module, back.module, _input(model.spec))


@pytest.mark.parametrize("refit", [False, True])
@pytest.mark.parametrize("name", sorted(SPECS))
def test_pruned_round_trip(name, refit, tmp_path):
    model, path = fresh(name), tmp_path / "model.safetensors"
    pruned, plan = _prune(model, 0.6, refit=refit)
    save_model(path, LoadedModel(pruned, model.spec, plan))
    back = load_model(path)
    assert back.plan.to_json() == plan.to_json()
    assert _same(pruned, back.module, _input(model.spec))


@pytest.mark.parametrize("name", sorted(SPECS))
def test_pruned_again_after_every_reload(name, tmp_path):
    model, path = fresh(name), tmp_path / "model.safetensors"
    x = _input(model.spec)
    for seed in range(3):
        module, plan = _prune(model, 0.3, seed=seed)
        save_model(path, replace(model, module=module), plan)
        model = load_model(path)
        assert _same(module, model.module, x)
        dense = fresh(name).module.state_dict()
        assert all(dense[k].shape == s for k, s in model.plan.shapes.items())


def test_a_bare_module_remembers_where_it_came_from(tmp_path):
    first, second = tmp_path / "first.safetensors", tmp_path / "second.safetensors"
    save_model(first, fresh("unet"))
    model = load_model(first)
    once, plan = _prune(model, 0.4)
    save_model(second, once, plan)
    back = load_model(second)
    twice, later = _prune(back, 0.4, seed=1)
    save_model(first, twice, later)
    assert _same(twice, load_model(first).module, _input(model.spec))
    save_model(first, back.module)
    assert _same(once, load_model(first).module, _input(model.spec))


def test_a_dense_module_is_saved_as_its_plan_leaves_it(tmp_path):
    model, path = fresh("unet"), tmp_path / "model.safetensors"
    pruned, plan = _prune(model, 0.5)
    save_model(path, model, plan)
    assert _same(pruned, load_model(path).module, _input(model.spec))


def test_a_composed_plan_is_taken_as_it_is(tmp_path):
    model, path = fresh("unet"), tmp_path / "model.safetensors"
    once, first = _prune(model, 0.4)
    step = LoadedModel(once, model.spec, first)
    twice, second = _prune(step, 0.4, seed=1)
    save_model(path, replace(step, module=twice), first.then(second))
    assert load_model(path).plan.to_json() == first.then(second).to_json()


def test_zeroed_weights_stay_zero(tmp_path):
    model, path = fresh("resnet18"), tmp_path / "model.safetensors"
    with torch.no_grad():
        for parameter in model.module.parameters():
            parameter[torch.rand_like(parameter) < 0.5] = 0.0
    save_model(path, model)
    assert _same(model.module, load_model(path).module, _input(model.spec))


def test_the_header_is_json_beside_plain_tensors(tmp_path):
    model, path = fresh("unet"), tmp_path / "model.safetensors"
    pruned, plan = _prune(model, 0.5)
    save_model(path, pruned, plan)
    with safe_open(path, framework="np") as file:
        header = json.loads(file.metadata()["prunescope"])
        assert set(file.keys()) == set(pruned.state_dict())
    assert header["format"] == container.FORMAT
    assert header["spec"]["architecture"] == "unet"
    assert PruningPlan.from_json(header["plan"]).hash == plan.hash
    assert set(header["probe"]["outputs"]) == {"np", "dist", "tp"}


def test_saving_changes_nothing(tmp_path):
    model = fresh("attention-unet")
    model.module.train()
    before = {k: v.clone() for k, v in model.module.state_dict().items()}
    save_model(tmp_path / "model.safetensors", model)
    after = model.module.state_dict()
    assert model.module.training
    assert all(torch.equal(before[k], after[k]) for k in before)


def test_weights_stay_trainable_after_loading(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, fresh("unet"))
    module = load_model(path).module.train()
    module(torch.rand(1, 3, 64, 64))["np"].sum().backward()
    assert all(p.requires_grad for p in module.parameters())


def test_a_plan_of_another_network_is_refused(tmp_path):
    _, plan = _prune(fresh("resnet18"), 0.5)
    with pytest.raises(ModelError, match="plan"):
        save_model(tmp_path / "model.safetensors", fresh("unet"), plan)
    assert not list(tmp_path.iterdir())


def test_a_pruned_module_needs_its_plan(tmp_path):
    pruned, _ = _prune(fresh("unet"), 0.5)
    with pytest.raises(ModelError, match="pass the plan"):
        save_model(tmp_path / "model.safetensors", pruned)


def test_a_module_of_unknown_origin_is_refused(tmp_path):
    with pytest.raises(ModelError, match="LoadedModel"):
        save_model(tmp_path / "model.safetensors", torch.nn.Conv2d(3, 1, 1))


def test_nan_weights_are_refused_by_name(tmp_path):
    model = fresh("unet")
    with torch.no_grad():
        model.module.encoder[0].conv1.weight[0, 0, 0, 0] = torch.nan
    with pytest.raises(ModelError, match=r"encoder\.0\.conv1\.weight"):
        save_model(tmp_path / "model.safetensors", model)


@contextmanager
def _file_size_limit(size):
    """What a full disk does: the system refuses to write past `size` bytes."""
    resource = pytest.importorskip("resource")  # not on Windows
    before = resource.getrlimit(resource.RLIMIT_FSIZE)
    resource.setrlimit(resource.RLIMIT_FSIZE, (size, before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_FSIZE, before)


def test_a_full_disk_leaves_the_old_file(tmp_path):
    path = tmp_path / "model.safetensors"
    save_model(path, fresh("unet"))
    old = path.read_bytes()
    error = None
    with _file_size_limit(4096):
        try:
            save_model(path, fresh("unet", seed=1))
        except ModelError as caught:
            error = caught
    assert "cannot be written" in str(error)
    assert path.read_bytes() == old
    assert list(tmp_path.iterdir()) == [path]


def test_a_read_only_disk_is_one_sentence(tmp_path, monkeypatch):
    def refuse(*args, **kwargs):
        raise OSError(errno.EROFS, os.strerror(errno.EROFS))

    monkeypatch.setattr(container.tempfile, "mkstemp", refuse)
    with pytest.raises(ModelError, match="Read-only file system") as caught:
        save_model(tmp_path / "model.safetensors", fresh("unet"))
    assert "\n" not in str(caught.value)


@pytest.mark.parametrize("name", ["missing/model.safetensors", "file/model.x", "a\0b"])
def test_a_place_that_cannot_be_written(name, tmp_path):
    (tmp_path / "file").write_text("not a folder")
    with pytest.raises(ModelError, match="cannot be written"):
        save_model(tmp_path / name, fresh("unet"))


def test_a_folder_is_not_a_file(tmp_path):
    with pytest.raises(ModelError, match="folder"):
        save_model(tmp_path, fresh("unet"))


def test_any_file_name_will_do(tmp_path):
    path = tmp_path / "résultat n° 1"
    save_model(path, fresh("unet"))
    assert load_model(path).spec == SPECS["unet"]
    assert load_model(str(path)).spec == SPECS["unet"]
