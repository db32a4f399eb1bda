"""Graphs of operators: what this program computes is what onnxruntime computes."""

import os
from contextlib import suppress
from importlib import util

import numpy as np
import onnx
import pytest
import torch
from onnx import TensorProto, helper, numpy_helper

from core.errors import ModelError
from core.models import load_model, save_model
from core.models.graphs.network import GraphNetwork
from core.models.graphs.onnx_file import read_onnx
from core.models.loaded import LoadedModel
from core.pruning import apply_plan, make_plan, trace

os.environ["ORT_DISABLE_TELEMETRY"] = "1"
F = np.float32


def _values(*shape, seed=0):
    return np.random.default_rng(seed).normal(size=shape).astype(F)


def write(path, nodes, weights=(), shape=(1, 3, 64, 64), opset=17, outputs=("y",)):
    """Write an ONNX file from nodes and named arrays."""
    graph = helper.make_graph(
        nodes,
        "graph",
        [helper.make_tensor_value_info("x", TensorProto.FLOAT, shape)],
        [helper.make_tensor_value_info(n, TensorProto.FLOAT, None) for n in outputs],
        [numpy_helper.from_array(value, name) for name, value in dict(weights).items()],
    )
    model = helper.make_model(
        graph, opset_imports=[helper.make_opsetid("", opset)], ir_version=8
    )
    onnx.save(model, path)
    return path


def both(path, image):
    """Outputs here and in onnxruntime."""
    import onnxruntime

    file = read_onnx(path)
    graph = file.builder.finish(file.outputs, image.shape)
    network = GraphNetwork(graph).eval()
    network.load_state_dict(file.builder.state)
    with torch.inference_mode():
        found = [value.numpy() for value in network(torch.from_numpy(image)).values()]
    session = onnxruntime.InferenceSession(path, providers=["CPUExecutionProvider"])
    return found, session.run(None, {"x": image})


def node(op, inputs, outputs="y", **attributes):
    return helper.make_node(op, inputs.split(), outputs.split(), **attributes)


def constant(name, value):
    return helper.make_node(
        "Constant", [], [name], value=numpy_helper.from_array(np.asarray(value))
    )


_I = np.int64
ONE = {  # title -> nodes, weights, opset
    "conv uneven": (
        [node("Conv", "x w b", pads=[1, 0, 2, 1], strides=[2, 1])],
        {"w": _values(8, 3, 3, 3), "b": _values(8)},
    ),
    "conv same lower": (
        [node("Conv", "x w", auto_pad="SAME_LOWER", strides=[2, 2])],
        {"w": _values(8, 3, 4, 3)},
    ),
    "conv in groups": (
        [node("Conv", "x w", group=3, dilations=[2, 2])],
        {"w": _values(6, 1, 3, 3)},
    ),
    "transposed": (
        [
            node(
                "ConvTranspose",
                "x w b",
                strides=[2, 2],
                pads=[1, 0, 0, 1],
                output_padding=[1, 1],
            )
        ],
        {"w": _values(3, 5, 3, 3), "b": _values(5)},
    ),
    "transposed same": (
        [node("ConvTranspose", "x w", strides=[2, 2], auto_pad="SAME_UPPER")],
        {"w": _values(3, 5, 3, 3)},
    ),
    "batch norm": (
        [node("BatchNormalization", "x w b m v", epsilon=1e-3)],
        {"w": _values(3), "b": _values(3), "m": _values(3), "v": _values(3) ** 2},
    ),
    "instance norm": (
        [node("InstanceNormalization", "x w b")],
        {"w": _values(3), "b": _values(3)},
    ),
    "group norm, as torch writes it": (
        [
            constant("g", _I([0, 3, -1])),
            node("Reshape", "x g", "r"),
            node("InstanceNormalization", "r w b", "i"),
            node("Shape", "x", "s"),
            node("Reshape", "i s"),
        ],
        {"w": _values(3), "b": _values(3)},
    ),
    "layer norm": (
        [node("LayerNormalization", "x w b", axis=-1)],
        {"w": _values(64), "b": _values(64)},
    ),
    "prelu": ([node("PRelu", "x w")], {"w": _values(3, 1, 1)}),
    "max pool": (
        [node("MaxPool", "x", kernel_shape=[3, 3], pads=[0, 1, 1, 1], strides=[2, 2])],
        {},
    ),
    "max pool up": (
        [node("MaxPool", "x", kernel_shape=[3, 3], strides=[2, 2], ceil_mode=1)],
        {},
    ),
    "mean pool": (
        [node("AveragePool", "x", kernel_shape=[3, 3], pads=[1, 1, 1, 1])],
        {},
    ),
    "mean pool counted": (
        [
            node(
                "AveragePool",
                "x",
                kernel_shape=[2, 2],
                pads=[0, 0, 1, 1],
                count_include_pad=1,
            )
        ],
        {},
    ),
    "global": (
        [
            node("GlobalAveragePool", "x", "a"),
            node("GlobalMaxPool", "x", "b"),
            node("Sub", "a b"),
        ],
        {},
    ),
    "clip": (
        [node("Clip", "x low high")],
        {"low": F(-0.5), "high": F(0.25)},
    ),
    "gates": (
        [
            node("Sigmoid", "x", "s"),
            node("Mul", "x s", "m"),
            node("HardSwish", "m", "h"),
            node("LeakyRelu", "h", "l", alpha=0.2),
            node("Elu", "l", "e"),
            node("HardSigmoid", "e", "y"),
        ],
        {},
    ),
    "erf": (
        [
            node("Div", "x two", "d"),
            node("Erf", "d", "e"),
            node("Add", "e one", "a"),
            node("Mul", "a x"),
        ],
        {"two": F(1.4142135), "one": F(1)},
    ),
    "softmax": ([node("Softmax", "x", axis=1)], {}),
    "mean": ([node("ReduceMean", "x", axes=[2, 3], keepdims=1)], {}),
    "linear": (
        [
            node("ReduceMean", "x", "m", axes=[2, 3], keepdims=0),
            node("Gemm", "m w b", "g", alpha=0.5, beta=2.0),
            node("MatMul", "g v"),
        ],
        {"w": _values(3, 4), "b": _values(4), "v": _values(4, 2)},
    ),
    "pad": (
        [
            constant("p", _I([0, 0, 1, 2, 0, 0, 3, 0])),
            node("Pad", "x p", mode="reflect"),
        ],
        {},
    ),
    "shapes": (
        [
            node("Shape", "x", "s"),
            constant("i", _I(1)),
            node("Gather", "s i", "c"),
            constant("o", _I([0])),
            node("Unsqueeze", "c o", "u"),
            constant("n", _I([0])),
            constant("r", _I([-1])),
            node("Concat", "n u r", "t", axis=0),
            node("Reshape", "x t", "f"),
            node("Transpose", "f", "g", perm=[0, 2, 1]),
            node("Reshape", "g s"),
        ],
        {},
    ),
    "slice and join": (
        [
            constant("a", _I([0])),
            constant("b", _I([-1])),
            constant("e", _I([2**62])),
            constant("d", _I([3])),
            constant("t", _I([2])),
            node("Slice", "x a b d t", "p"),
            node("Slice", "x a e d t", "q"),
            node("Concat", "p q", axis=3),
        ],
        {},
    ),
    "split": (
        [
            constant("s", _I([1, 2])),
            node("Split", "x s", "p q", axis=1),
            node("ReduceMax", "q", "r", axes=[1], keepdims=1),
            node("Add", "p r"),
        ],
        {},
    ),
    "expand": (
        [
            node("ReduceMean", "x", "m", axes=[1], keepdims=1),
            node("Shape", "x", "s"),
            node("Expand", "m s", "e"),
            node("Sub", "x e"),
        ],
        {},
    ),
    "space": (
        [
            node("SpaceToDepth", "x", "d", blocksize=2),
            node("DepthToSpace", "d", "y", blocksize=2),
        ],
        {},
    ),
    "where": (
        [
            node("Greater", "x z", "c"),
            node("Where", "c x n"),
        ],
        {"z": F(0.0), "n": F(-2.0)},
    ),
    "cast": (
        [
            node("Cast", "x", "i", to=7),
            node("Cast", "i", "f", to=1),
            node("Mul", "f x"),
        ],
        {},
    ),
}


@pytest.mark.parametrize("title", sorted(ONE))
def test_operators_compute_what_onnxruntime_does(title, tmp_path):
    nodes, weights = ONE[title]
    path = write(tmp_path / "a.onnx", nodes, weights)
    found, expected = both(path, _values(1, 3, 64, 64, seed=1))
    assert len(found) == len(expected) == 1
    assert found[0].shape == expected[0].shape
    assert np.abs(found[0] - expected[0]).max() <= 1e-5


_RESIZE = [
    ("nearest", "asymmetric", "floor", (2.0, 2.0)),
    ("nearest", "half_pixel", "round_prefer_floor", (2.0, 3.0)),
    ("nearest", "half_pixel", "ceil", (1.7, 2.0)),
    ("nearest", "align_corners", "round_prefer_ceil", (2.5, 2.0)),
    ("nearest", "tf_half_pixel_for_nn", "floor", (0.5, 0.5)),
    ("linear", "half_pixel", "floor", (2.0, 2.0)),
    ("linear", "align_corners", "floor", (2.0, 2.0)),
    ("linear", "asymmetric", "floor", (2.0, 2.0)),
    ("linear", "pytorch_half_pixel", "floor", (0.5, 0.25)),
    ("cubic", "half_pixel", "floor", (2.0, 2.0)),
]


@pytest.mark.parametrize(("mode", "place", "how", "factors"), _RESIZE)
@pytest.mark.parametrize("by", ["scales", "sizes"])
def test_pixels_are_resampled_as_in_onnxruntime(
    mode, place, how, factors, by, tmp_path
):
    sizes = _I([1, 3, *(int(32 * f) for f in factors)])
    given = {"s": F([1, 1, *factors])} if by == "scales" else {"t": sizes}
    names = ["x", "", "s"] if by == "scales" else ["x", "", "", "t"]
    made = helper.make_node(
        "Resize",
        names,
        ["y"],
        mode=mode,
        coordinate_transformation_mode=place,
        nearest_mode=how,
    )
    path = write(tmp_path / "a.onnx", [made], given, (1, 3, 32, 32))
    found, expected = both(path, _values(1, 3, 32, 32))
    assert found[0].shape == expected[0].shape
    assert np.abs(found[0] - expected[0]).max() <= 1e-5


def test_old_upsample(tmp_path):
    made = node("Upsample", "x s", mode="linear")
    path = write(tmp_path / "a.onnx", [made], {"s": F([1, 1, 2, 2])}, opset=9)
    found, expected = both(path, _values(1, 3, 64, 64))
    assert np.abs(found[0] - expected[0]).max() <= 1e-5


def unet(path, shape=("n", 3, "h", "w"), last="Sigmoid"):
    """A small U-Net as another program exports one."""
    names = {
        "in.weight": _values(8, 3, 3, 3),
        "down.weight": _values(16, 8, 3, 3) / 5,
        "up.weight": _values(16, 8, 2, 2) / 5,
        "join.weight": _values(8, 16, 3, 3) / 5,
        "out.weight": _values(1, 8, 1, 1),
        "out.bias": _values(1),
    }
    same = {"pads": [1, 1, 1, 1]}
    nodes = [
        node("Conv", "x in.weight", "a", **same),
        node("Relu", "a", "b"),
        node("MaxPool", "b", "c", kernel_shape=[2, 2], strides=[2, 2]),
        node("Conv", "c down.weight", "d", **same),
        node("Relu", "d", "e"),
        node("ConvTranspose", "e up.weight", "f", strides=[2, 2]),
        node("Concat", "b f", "g", axis=1),
        node("Conv", "g join.weight", "h", **same),
        node("Relu", "h", "i"),
        node("Conv", "i out.weight out.bias", "j"),
        node(last, "j", "y"),
    ]
    return write(path, nodes, names, shape)


def _prune(model, sparsity):
    graph = trace(model.module, torch.zeros(1, 3, 64, 64))
    plan = make_plan(model.module, graph, "l2", sparsity)
    whole = plan if model.plan is None else model.plan.then(plan)
    return LoadedModel(apply_plan(model.module, plan), model.spec, whole)


def _count(model):
    return sum(p.numel() for p in model.module.parameters())


def test_a_foreign_network_is_pruned_saved_opened_and_pruned_again(tmp_path):
    model = load_model(unet(tmp_path / "net.onnx"))
    assert model.spec.reader == "probability"
    names = [name for name, _ in model.module.named_parameters()]
    assert "down.weight" in names
    dense = _count(model)
    for turn in range(2):
        model = _prune(model, 0.4)
        path = tmp_path / f"{turn}.safetensors"
        save_model(path, model)
        x = torch.rand(1, 3, 48, 80)
        with torch.inference_mode():
            expected = model.module(x)["y"]
            model = load_model(path)
            assert torch.equal(model.module(x)["y"], expected)
        assert _count(model) < 0.75 * dense
        dense = _count(model)


def test_logits_are_told_from_probabilities(tmp_path):
    model = load_model(unet(tmp_path / "net.onnx", last="Identity"))
    assert model.spec.reader == "mask"


def test_a_network_of_one_size_has_that_window(tmp_path):
    sizes = _I([1, 8, 96, 96])
    nodes = [
        node("Conv", "x w", "a", pads=[1, 1, 1, 1]),
        node("Reshape", "a s", "b"),
        node("Conv", "b v", "y"),
    ]
    weights = {"w": _values(8, 3, 3, 3), "s": sizes, "v": _values(1, 8, 1, 1)}
    path = write(tmp_path / "a.onnx", nodes, weights, (1, 3, 96, 96))
    spec = load_model(path).spec
    assert (spec.stride, spec.window[0]) == (96, 96)


def test_keras_order_and_grey_pictures(tmp_path):
    nodes = [
        node("Transpose", "x", "a", perm=[0, 3, 1, 2]),
        node("Conv", "a w", "b", pads=[1, 1, 1, 1]),
        node("Transpose", "b", "y", perm=[0, 2, 3, 1]),
    ]
    path = write(
        tmp_path / "a.onnx", nodes, {"w": _values(2, 1, 3, 3)}, ("n", "h", "w", 1)
    )
    model = load_model(path)
    with torch.inference_mode():
        assert model.module(torch.rand(1, 3, 48, 64))["y"].shape == (1, 2, 48, 64)


def test_weights_beside_the_file(tmp_path):
    path = unet(tmp_path / "net.onnx")
    expected = load_model(path).module.state_dict()
    onnx.save(
        onnx.load(path), tmp_path / "two.onnx", save_as_external_data=True,
        size_threshold=0, location="two.onnx.data",
    )  # fmt: skip
    found = load_model(tmp_path / "two.onnx").module.state_dict()
    assert all(torch.equal(found[name], value) for name, value in expected.items())
    (tmp_path / "two.onnx.data").unlink()
    with pytest.raises(ModelError, match="beside it"):
        load_model(tmp_path / "two.onnx")


def test_weights_elsewhere_are_not_read(tmp_path):
    path = unet(tmp_path / "net.onnx")
    model = onnx.load(path)
    tensor = model.graph.initializer[0]
    tensor.ClearField("raw_data")
    tensor.data_location = TensorProto.EXTERNAL
    entry = tensor.external_data.add()
    entry.key, entry.value = "location", "../secret"
    (tmp_path / "inner").mkdir()
    (tmp_path / "secret").write_bytes(b"0" * 4096)
    (tmp_path / "inner" / "net.onnx").write_bytes(model.SerializeToString())
    with pytest.raises(ModelError, match="beside it"):
        load_model(tmp_path / "inner" / "net.onnx")


def test_what_is_not_computed_is_named(tmp_path):
    path = write(tmp_path / "a.onnx", [node("NonZero", "x")])
    with pytest.raises(ModelError, match="NonZero"):
        load_model(path)


def test_a_missing_package_is_named(tmp_path, monkeypatch):
    path = unet(tmp_path / "net.onnx")
    monkeypatch.setattr(util, "find_spec", lambda name: None)
    with pytest.raises(ModelError, match=r"pip install 'prunescope\[onnx\]'"):
        load_model(path)


def test_a_damaged_file_is_said(tmp_path):
    path = unet(tmp_path / "net.onnx")
    data = path.read_bytes()
    rng = np.random.default_rng(0)
    for turn in range(60):
        broken = np.frombuffer(data, np.uint8).copy()
        broken[rng.integers(0, len(data) if turn % 2 else 400, 4)] = rng.integers(256)
        path.write_bytes(broken[: rng.integers(1, len(data) + 1)].tobytes())
        with suppress(ModelError):  # any other exception fails the test
            load_model(path)


def test_a_graph_cannot_fill_the_memory(tmp_path):
    huge = _I([0, 0, 40000, 40000, 0, 0, 40000, 40000])
    path = write(tmp_path / "a.onnx", [constant("p", huge), node("Pad", "x p")])
    with pytest.raises(ModelError, match="no network needs"):
        load_model(path)
