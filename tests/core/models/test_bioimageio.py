"""Packages of bioimage.io: fed as they say, and tested with their own tensors."""

import shutil

import numpy as np
import pytest
import torch
import yaml

from core.benchmark import Bench, PrunableModel, counting_input
from core.errors import ModelError
from core.images.synthetic import synthetic_tile
from core.models import load_model, save_model
from core.models.python_file import ConsentNeededError, allow
from core.types import PruneRequest
from tests.core.models.conftest import SHARED
from tests.core.models.test_graphs import unet

BROAD = SHARED / "models" / "bioimageio_unet2d_nuclei_broad"
FIXED = SHARED / "cases" / "models" / "bioimageio_unet2d_fixed_shape"


@pytest.fixture(autouse=True)
def _nothing_is_allowed(monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_ALLOWED_NETWORKS", "{}")


def _package(folder, weights=None, **more):
    """A package of a small ONNX network, with test tensors that hold."""
    folder.mkdir(exist_ok=True)
    unet(folder / "weights.onnx", (1, 3, 64, 64), "Identity")
    rng = np.random.default_rng(0)
    given = rng.uniform(0, 255, (1, 3, 64, 64)).astype(np.float32)
    flat = given.reshape(3, -1)
    mean, spread = flat.mean(1).reshape(3, 1, 1), flat.std(1).reshape(3, 1, 1)
    network = load_model(folder / "weights.onnx").module
    with torch.inference_mode():
        logits = network(torch.from_numpy((given - mean) / (spread + 1e-6)))["y"]
    np.save(folder / "in.npy", given)
    np.save(folder / "out.npy", logits.sigmoid().numpy())
    space = [{"type": "space", "id": side, "size": 64} for side in "yx"]
    channel = {"type": "channel", "channel_names": ["r", "g", "b"]}
    steps = [{"id": "zero_mean_unit_variance", "kwargs": {"axes": ["x", "y"]}}]
    values = {
        "type": "model",
        "format_version": "0.5.4",
        "name": "a package",
        "inputs": [
            {
                "axes": [{"type": "batch"}, channel, *space],
                "preprocessing": steps,
                "test_tensor": {"source": "in.npy"},
            }
        ],
        "outputs": [
            {
                "axes": [
                    {"type": "batch"},
                    channel,
                    *({**s, "halo": 8} for s in space),
                ],
                "postprocessing": [{"id": "sigmoid"}],
                "test_tensor": {"source": "out.npy"},
            }
        ],
        "weights": weights or {"onnx": {"source": "weights.onnx"}},
    } | more
    (folder / "rdf.yaml").write_text(yaml.safe_dump(values))
    return folder


def _pruned(model):
    prunable = PrunableModel(model, counting_input(model), ())
    request = PruneRequest("l2", 0.4, recovery="none")
    plan = prunable.plan(request)
    return prunable.exported(prunable.build(request, plan), plan)


def test_a_package_is_verified_pruned_saved_and_opened_again(tmp_path):
    model = load_model(_package(tmp_path / "p"))
    assert "largest difference" in model.notes[0]
    assert (model.spec.reader, model.spec.window) == ("probability", (64, 48))
    assert model.spec.input_range == (0.0, 255.0)
    for turn in range(2):
        model = _pruned(model)
        save_model(tmp_path / f"{turn}.safetensors", model, model.plan)
        x = 255 * torch.rand(1, 3, 64, 64)
        expected = model.module(x)
        model = load_model(tmp_path / f"{turn}.safetensors")
        assert torch.equal(model.module(x), expected)


def test_its_note_is_said_with_the_results(tmp_path):
    model = load_model(_package(tmp_path / "p"))
    bench = Bench.open(model, synthetic_tile(96)[0])
    assert any("largest difference" in note for note in bench.dense.notes)


def test_a_packed_one_is_the_same(tmp_path):
    folder = _package(tmp_path / "p")
    packed = shutil.make_archive(str(tmp_path / "packed"), "zip", folder)
    x = torch.rand(1, 3, 64, 64)
    assert torch.equal(load_model(packed).module(x), load_model(folder).module(x))


def test_other_values_than_the_package_states_are_refused(tmp_path):
    folder = _package(tmp_path / "p")
    np.save(folder / "out.npy", np.load(folder / "out.npy") + np.float32(0.01))
    with pytest.raises(ModelError, match="differ from its package"):
        load_model(folder)


@pytest.mark.parametrize(
    ("weights", "words"),
    [
        ({"torchscript": {"source": "weights.pt"}}, "TorchScript"),
        ({"onnx": {"source": "https://example.com/a.onnx"}}, "as weights"),
        ({"onnx": {"source": "../p.onnx"}}, "as weights"),
    ],
)
def test_weights_that_are_not_opened(weights, words, tmp_path):
    unet(tmp_path / "p.onnx")
    with pytest.raises(ModelError, match=words):
        load_model(_package(tmp_path / "p", weights))


def test_unknown_steps_and_axes_are_named(tmp_path):
    folder = _package(tmp_path / "p")
    values = yaml.safe_load((folder / "rdf.yaml").read_text())
    values["outputs"][0]["postprocessing"] = [{"id": "stardist_postprocessing"}]
    (folder / "rdf.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(ModelError, match="stardist_postprocessing"):
        load_model(folder)
    values["inputs"][0]["axes"] = "bczyx"
    (folder / "rdf.yaml").write_text(yaml.safe_dump(values))
    with pytest.raises(ModelError, match="bczyx"):
        load_model(folder)
    for text in ("[]", "a: b: c", "a: !!python/object/apply:os.getcwd []"):
        (folder / "rdf.yaml").write_text(text)
        with pytest.raises(ModelError, match="not understood"):
            load_model(folder)


@pytest.mark.skipif(not BROAD.is_dir(), reason="no shared models")
def test_a_public_package(tmp_path):
    model = load_model(BROAD)
    assert model.spec.reader == "probability"
    assert float(model.notes[0].rsplit(" ", 1)[1].rstrip(".")) < 1e-5


@pytest.mark.skipif(not FIXED.is_dir(), reason="no shared cases")
def test_a_public_package_that_brings_its_code():
    with pytest.raises(ConsentNeededError) as caught:
        load_model(FIXED)
    allow(caught.value.code)
    model = load_model(FIXED)
    assert (model.spec.reader, model.spec.window) == ("mask", (256, 240))
    assert float(model.notes[0].rsplit(" ", 1)[1].rstrip(".")) < 1e-4
