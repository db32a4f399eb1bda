"""Layers among torch's own operators (aten), in ONNX's words."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch

from core.models.graphs.values import to_host

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from core.models.graphs.aten_call import AtenCall


def _product(call: AtenCall) -> None:
    other = call.value("other") or call.value("mat2")
    call.give("MatMul", call.value("self"), other)


def _linear(call: AtenCall) -> None:
    given = (call.value("input"), call.value("weight"), call.value("bias"))
    call.give("Gemm", *given[: 3 if given[2] else 2], transB=1)


def _addmm(call: AtenCall) -> None:
    if call.get("beta", 1) != 1 or call.get("alpha", 1) != 1:
        raise call.unsupported("factors")
    call.give("Gemm", call.value("mat1"), call.value("mat2"), call.value("self"))


def _conv(call: AtenCall, transposed: bool = False) -> None:
    sides = len(call.shape("weight")) - 2
    transposed = transposed or bool(call.get("transposed", False))
    kernel = [size or 1 for size in call.shape("weight")[2:]]
    apart = call.many("dilation", sides, 1)
    pads = call.get("padding", 0)
    if pads == "same":
        total = [d * (k - 1) for d, k in zip(apart, kernel, strict=True)]
        pads = [t // 2 for t in total] + [t - t // 2 for t in total]
    else:
        pads = [0] * sides if pads == "valid" else call.many("padding", sides, 0)
        pads = [*pads, *pads]
    settings = {
        "strides": call.many("stride", sides, 1),
        "pads": pads,
        "dilations": apart,
        "group": call.get("groups", 1),
    }
    if transposed:
        settings["output_padding"] = call.many("output_padding", sides, 0)
    given = (call.value("input"), call.value("weight"), call.value("bias"))
    call.give("ConvTranspose" if transposed else "Conv", *given, **settings)


def _pool(op: str) -> Callable[[AtenCall], None]:
    def write(call: AtenCall) -> None:
        sides = call.rank("self") - 2
        kernel = call.many("kernel_size", sides, 1)
        steps = call.get("stride", []) or kernel
        pads = call.many("padding", sides, 0)
        if call.get("divisor_override") is not None:
            raise call.unsupported("another divisor")
        settings = {
            "kernel_shape": kernel,
            "strides": steps * sides if len(steps) == 1 else steps,
            "pads": [*pads, *pads],
            "ceil_mode": int(call.get("ceil_mode", False)),
        }
        if op == "MaxPool":
            settings["dilations"] = call.many("dilation", sides, 1)
        else:
            settings["count_include_pad"] = int(call.get("count_include_pad", True))
        call.give(op, call.value("self"), **settings)

    return write


def _adaptive(whole: str, other: str) -> Callable[[AtenCall], None]:
    def write(call: AtenCall) -> None:
        sizes = call.many("output_size", call.rank("self") - 2, 1)
        if all(size == 1 for size in sizes):
            call.give(whole, call.value("self"))
        elif other:
            call.give(other, call.value("self"), sizes=sizes)
        else:
            raise call.unsupported(f"an output of {sizes}")

    return write


def _scales(call: AtenCall, channels: int) -> tuple[str, str]:
    """Return names of the scale and the shift of a norm; ones and zeros if none."""
    found = [call.value("weight"), call.value("bias")]
    if not found[0]:
        found[0] = call.constant(torch.ones(channels))
    if not found[1]:
        found[1] = call.constant(torch.zeros(channels))
    return found[0], found[1]


def _channels(call: AtenCall) -> int:
    found = call.shape("input")[1]
    if found is None:
        raise call.unsupported("a free number of channels")
    return found


def _batch_norm(call: AtenCall) -> None:
    if call.get("training", False) or call.get("use_input_stats", False):
        raise call.unsupported("statistics of the batch; call eval() before the export")
    statistics = (call.value("running_mean"), call.value("running_var"))
    given = (call.value("input"), *_scales(call, _channels(call)), *statistics)
    call.give("BatchNormalization", *given, epsilon=call.get("eps", 1e-5))


def _instance_norm(call: AtenCall) -> None:
    if not call.get("use_input_stats", True):
        _batch_norm(call)
        return
    given = (call.value("input"), *_scales(call, _channels(call)))
    call.give("InstanceNormalization", *given, epsilon=call.get("eps", 1e-5))


def _group_norm(call: AtenCall) -> None:
    given = (call.value("input"), *_scales(call, _channels(call)))
    groups = call.get("num_groups") or call.get("group")
    eps = call.get("eps", 1e-5)
    call.give("GroupNormalization", *given, num_groups=groups, epsilon=eps)


def _layer_norm(call: AtenCall) -> None:
    shape = call.get("normalized_shape")
    scale, shift = call.value("weight"), call.value("bias")
    scale = scale or call.constant(torch.ones(shape))
    given = [call.value("input"), scale, shift][: 3 if shift else 2]
    settings = {"axis": -len(shape), "epsilon": call.get("eps", 1e-5)}
    call.give("LayerNormalization", *given, **settings)


def _resize(mode: str, place: str = "half_pixel", how: str = "floor") -> Any:
    def write(call: AtenCall) -> None:
        value = call.value("input") or call.value("self")
        settings = {"mode": mode, "nearest_mode": how}
        corners = bool(call.get("align_corners", False))
        settings["coordinate_transformation_mode"] = (
            "align_corners" if corners else place
        )
        factors = call.get("scale_factors")
        if factors is None and call.get("scales_h") is not None:
            factors = [call.get("scales_h"), call.get("scales_w")]
        if factors is not None:
            scales = call.constant(to_host([1.0, 1.0, *map(float, factors)]))
            call.give("Resize", value, "", scales, **settings)
            return
        wanted = call.arguments.get("output_size")
        if not isinstance(wanted, list):
            raise call.unsupported("such sizes")
        call.give("Resize", value, "", "", call.named([1, 1, *wanted]), **settings)

    return write


def _transposed(call: AtenCall) -> None:
    _conv(call, transposed=True)


def _attention(call: AtenCall) -> None:
    if call.get("dropout_p", 0) or call.get("is_causal", False):
        raise call.unsupported("dropout or a causal mask")
    names = [call.value(name) for name in ("query", "key", "value", "attn_mask")]
    given = names if names[3] else names[:3]
    call.give("ScaledDotProductAttention", *given, scale=call.get("scale"))


LAYERS: Mapping[str, Callable[[AtenCall], None]] = {
    **dict.fromkeys(("conv1d", "conv2d", "conv3d", "convolution"), _conv),
    **dict.fromkeys(("conv_transpose1d", "conv_transpose2d"), _transposed),
    **dict.fromkeys(
        ("batch_norm", "_native_batch_norm_legit_no_training"), _batch_norm
    ),
    "instance_norm": _instance_norm,
    **dict.fromkeys(("group_norm", "native_group_norm"), _group_norm),
    **dict.fromkeys(("layer_norm", "native_layer_norm"), _layer_norm),
    **dict.fromkeys(
        ("max_pool1d", "max_pool2d", "max_pool2d_with_indices"), _pool("MaxPool")
    ),
    **dict.fromkeys(("avg_pool1d", "avg_pool2d"), _pool("AveragePool")),
    **dict.fromkeys(
        ("adaptive_avg_pool2d", "_adaptive_avg_pool2d"),
        _adaptive("GlobalAveragePool", "AdaptiveAveragePool"),
    ),
    "adaptive_max_pool2d": _adaptive("GlobalMaxPool", ""),
    "upsample_nearest2d": _resize("nearest", "asymmetric"),
    "_upsample_nearest_exact2d": _resize("nearest", how="round_prefer_ceil"),
    "upsample_bilinear2d": _resize("linear"),
    "upsample_bicubic2d": _resize("cubic"),
    "scaled_dot_product_attention": _attention,
    "linear": _linear,
    "addmm": _addmm,
    **dict.fromkeys(("matmul", "mm", "bmm"), _product),
}
"""Operators with weights or a window, by torch's name."""
