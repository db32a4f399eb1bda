"""HoVer-Net against reference values of the published network."""

import json
import zlib

import numpy as np
import pytest
import torch

from core.models import build, load_model
from core.models.architectures import build_empty
from core.models.hovernet_parts import Upsample2x, crop, same_pad


def _filled(name, shape):
    """One tensor by the rule of the reference values."""
    rng = np.random.default_rng(zlib.crc32(name.encode()))
    if name.endswith("num_batches_tracked"):
        return torch.tensor(0)
    if name.endswith("unpool_mat"):
        return torch.ones(shape)
    noise = rng.standard_normal(shape)
    if name.endswith("running_var"):
        values = 1 + 0.1 * np.abs(noise)
    elif name.endswith(("running_mean", "bias")):
        values = 0.1 * noise
    elif len(shape) == 1:
        values = 1 + 0.1 * noise
    else:
        values = noise * np.sqrt(2 / np.prod(shape[1:]))
    return torch.from_numpy(np.asarray(values)).float()


def _keys(reference):
    return json.loads((reference / "hovernet_fast_6_keys.json").read_text())


def test_names_and_shapes_are_the_published_ones(reference):
    state = build_empty("hovernet", {"mode": "fast", "types": 6}).state_dict()
    found = {name: list(tensor.shape) for name, tensor in state.items()}
    expected = _keys(reference)
    assert found == expected
    assert list(found) == list(expected)


@pytest.mark.slow
def test_a_published_checkpoint_gives_the_published_outputs(reference, tmp_path):
    keys = _keys(reference)
    state = {f"module.{k}": _filled(k, shape) for k, shape in keys.items()}
    path = tmp_path / "hovernet_fast_pannuke_type_tf2pytorch.tar"
    torch.save({"desc": state}, path)
    model = load_model(path)
    assert model.spec.config == {"mode": "fast", "types": 6, "width": 1.0}
    assert model.spec.classes[0] == "neoplastic"
    pixels = np.random.default_rng(0).integers(0, 256, (1, 3, 256, 256))
    with torch.inference_mode():
        outputs = model.module(torch.from_numpy(pixels.astype(np.float32)))
    expected = np.load(reference / "hovernet_fast_6_output.npz")
    assert set(outputs) == set(expected)
    for name, tensor in outputs.items():
        wanted = expected[name]
        assert tensor.shape == wanted.shape
        error = np.linalg.norm(tensor.numpy() - wanted)
        assert error < 1e-4 * np.linalg.norm(wanted)


@pytest.mark.parametrize(
    ("mode", "side", "valid"), [("fast", 256, 164), ("original", 270, 80)]
)
@pytest.mark.parametrize("types", [0, 5])
def test_published_windows(mode, side, valid, types):
    config = {"mode": mode, "types": types, "width": 0.0625}
    module = build("hovernet", config)
    with torch.inference_mode():
        outputs = module(torch.zeros(1, 3, side, side))
    assert set(outputs) == {"np", "hv"} | ({"tp"} if types else set())
    assert {tuple(o.shape[2:]) for o in outputs.values()} == {(valid, valid)}


def test_the_modes_differ_as_published():
    fast = build_empty("hovernet", {"mode": "fast", "types": 0}).state_dict()
    original = build_empty("hovernet", {"mode": "original", "types": 0}).state_dict()
    assert list(fast) == list(original)
    wider = {k for k in fast if fast[k].shape != original[k].shape}
    assert wider == {
        name
        for name in fast
        if name.endswith(("conva.weight",)) or ("dense" in name and "conv2.w" in name)
    }
    assert {tuple(original[k].shape[2:]) for k in wider} == {(5, 5)}
    assert {tuple(fast[k].shape[2:]) for k in wider} == {(3, 3)}


def test_decoders_see_a_shift_as_a_shift():
    """Unpadded decoders: the centre does not know where the border is."""
    module = build("hovernet", {"mode": "original", "types": 0, "width": 0.0625})
    image = torch.rand(1, 3, 278, 278, generator=torch.Generator().manual_seed(0))
    with torch.inference_mode():
        left = module(255 * image[..., :270, :270])["np"]
        right = module(255 * image[..., 8:, 8:])["np"]
    shared = (left[..., 40:48, 40:48], right[..., 32:40, 32:40])
    assert (shared[0] - shared[1]).norm() < 0.35 * shared[0].norm()


def test_crop_takes_the_odd_pixel_from_the_end():
    x = torch.arange(49.0).view(1, 1, 7, 7)
    assert torch.equal(crop(x, 2), x[..., 1:6, 1:6])
    assert torch.equal(crop(x, 3), x[..., 1:5, 1:5])


def test_upsampling_is_unpooling_with_ones():
    x = torch.randn(2, 3, 4, 5)
    unpooled = torch.tensordot(x[..., None], torch.ones(1, 2, 2), dims=1)
    unpooled = unpooled.permute(0, 1, 2, 4, 3, 5).reshape(2, 3, 8, 10)
    assert torch.equal(Upsample2x()(x), unpooled)


@pytest.mark.parametrize(
    ("kernel", "stride", "expected"),
    [(3, 1, (1, 1)), (3, 2, (0, 1)), (5, 1, (2, 2)), (7, 1, (3, 3))],
)
def test_same_padding(kernel, stride, expected):
    left, right, top, bottom = same_pad(kernel, stride).padding
    assert (left, right) == (top, bottom) == expected


@pytest.mark.parametrize("width", [0.03, 0.125, 0.3, 1.5])
def test_any_width_builds(width):
    module = build_empty("hovernet", {"mode": "fast", "types": 3, "width": width})
    x = torch.zeros(1, 3, 96, 96, device="meta")
    assert module(x)["tp"].shape == (1, 3, 4, 4)


def test_only_the_type_head_is_as_wide_as_the_types():
    module = build_empty("hovernet", {"types": 7})
    assert [d.u0.conv.out_channels for d in module.decoder.values()] == [7, 2, 2]
