"""Settings of MONAI's networks that may fit a state dict, read off its shapes.

To read this file, start from `SETTINGS`.
"""

from __future__ import annotations

from itertools import count
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

_AFFINE = ("instance", {"affine": True})


def _shape(state: Mapping[str, Tensor], name: str, dim: int = 0) -> int:
    """One side of a weight; 1 when there is none, which fits nothing."""
    weight = state.get(f"{name}.weight")
    return 1 if weight is None or weight.ndim <= dim else int(weight.shape[dim])


def _count(state: Mapping[str, Tensor], name: str) -> int:
    """How many layers there are in a row, ``{}`` in the name being their place."""
    return next(n for n in count() if f"{name.format(n)}.weight" not in state)


def _norms(state: Mapping[str, Tensor], name: str) -> list[Any]:
    """Norms that a layer may have, going by its parameters."""
    if f"{name}.running_mean" in state:
        return ["batch", ("instance", {"affine": True, "track_running_stats": True})]
    if f"{name}.weight" in state:
        return [_AFFINE, ("group", {"num_groups": 8}), ("group", {"num_groups": 1})]
    return ["instance"]


def _common(state: Mapping[str, Tensor], first: str) -> dict[str, Any]:
    return {"spatial_dims": 2, "in_channels": _shape(state, first, 1)}


def _unet(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    units = _count(state, "model.0.conv.unit{}.conv")
    layer = "conv.unit0.conv" if units else "conv"
    channels: list[int] = []
    strides: list[int] = []
    prefix = "model."
    while f"{prefix}0.{layer}.weight" in state and len(channels) < 16:
        channels.append(_shape(state, f"{prefix}0.{layer}"))
        kernel = _shape(state, f"{prefix}0.residual", 2)
        # a shortcut is as wide as the other kernels only where it halves the map
        same = units and f"{prefix}0.residual.weight" in state and kernel == 1
        strides.append(1 if same else 2)
        prefix += "1.submodule."
    channels.append(_shape(state, f"{prefix}{layer}"))
    last = "model.2.0.conv" if units else "model.2.conv"
    norm = f"model.0.{layer.removesuffix('conv')}adn.N"
    for act in ("PRELU",) if f"{norm[:-1]}A.weight" in state else ("RELU",):
        for each in _norms(state, norm):
            yield {
                **_common(state, f"model.0.{layer}"),
                "out_channels": _shape(state, last, 1),
                "channels": channels,
                "strides": strides,
                "kernel_size": _shape(state, f"model.0.{layer}", 2),
                "up_kernel_size": _shape(state, last, 2),
                "num_res_units": units,
                "act": act,
                "norm": each,
                "bias": f"model.0.{layer}.bias" in state,
            }


def _basic_unet(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    names = ("conv_0.conv_1", *(f"down_{n}.convs.conv_1" for n in range(1, 5)))
    widths = [_shape(state, f"{name}.conv") for name in names]
    widths.append(_shape(state, "upcat_1.convs.conv_1.conv"))
    ups = {
        "upcat_4.upsample.deconv.weight": "deconv",
        "upcat_4.upsample.preconv.weight": "nontrainable",
        "upcat_4.upsample.pixelshuffle.conv_block.weight": "pixelshuffle",
    }
    for norm in _norms(state, "conv_0.conv_0.adn.N"):
        yield {
            **_common(state, "conv_0.conv_0.conv"),
            "out_channels": _shape(state, "final_conv"),
            "features": widths,
            "norm": norm,
            "bias": "conv_0.conv_0.conv.bias" in state,
            "upsample": next((v for k, v in ups.items() if k in state), "deconv"),
        }


def _attention_unet(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    channels: list[int] = []
    prefix = "model."
    while f"{prefix}0.conv.0.conv.weight" in state and len(channels) < 16:
        channels.append(_shape(state, f"{prefix}0.conv.0.conv"))
        prefix += "1.submodule."
    channels.append(_shape(state, f"{prefix}conv.0.conv"))
    yield {
        **_common(state, "model.0.conv.0.conv"),
        "out_channels": _shape(state, "model.2.conv"),
        "channels": channels,
        "strides": [2] * (len(channels) - 1),
        "kernel_size": _shape(state, "model.0.conv.0.conv", 2),
        "up_kernel_size": _shape(state, "model.1.upconv.up.conv", 2),
    }


def _dynunet(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    downs = _count(state, "downsamples.{}.conv1.conv")
    rows = ["input_block", *(f"downsamples.{n}" for n in range(downs)), "bottleneck"]
    ups = [
        _shape(state, f"upsamples.{n}.transp_conv.conv", 2) for n in range(downs + 1)
    ][::-1]
    heads = _count(state, "deep_supervision_heads.{}.conv.conv")
    for norm in _norms(state, "input_block.norm1"):
        yield {
            **_common(state, "input_block.conv1.conv"),
            "out_channels": _shape(state, "output_block.conv.conv"),
            "kernel_size": [_shape(state, f"{row}.conv1.conv", 2) for row in rows],
            "strides": [1, *ups],
            "upsample_kernel_size": ups,
            "filters": [_shape(state, f"{row}.conv1.conv") for row in rows],
            "norm_name": norm,
            "deep_supervision": heads > 0,
            "deep_supr_num": max(heads, 1),
            "res_block": "input_block.conv3.conv.weight" in state,
            "trans_bias": "upsamples.0.transp_conv.conv.bias" in state,
        }


def _segresnet(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    downs = _count(state, "down_layers.{}.1.conv1.conv")
    ups = _count(state, "up_layers.{}.0.conv1.conv")
    norms: list[Any] = ["batch"]
    if "down_layers.0.1.norm1.running_mean" not in state:
        groups = (8, 4, 16, 2, 32, 1)
        norms = [*(("group", {"num_groups": n}) for n in groups), _AFFINE]
    learned = "up_samples.0.1.deconv.weight" in state
    for norm in norms:
        yield {
            **_common(state, "convInit.conv"),
            "out_channels": _shape(state, "conv_final.2.conv"),
            "init_filters": _shape(state, "convInit.conv"),
            "blocks_down": [
                # the first place of a stage is its convolution that halves
                _count(state, f"down_layers.{n}.{{}}.conv1.conv")
                or _places(state, f"down_layers.{n}")
                for n in range(downs)
            ],
            "blocks_up": [
                _count(state, f"up_layers.{n}.{{}}.conv1.conv") for n in range(ups)
            ],
            "norm": norm,
            "upsample_mode": "deconv" if learned else "nontrainable",
        }


def _places(state: Mapping[str, Tensor], stage: str) -> int:
    found = (n for n in count(1) if f"{stage}.{n}.conv1.conv.weight" not in state)
    return next(found) - 1


SETTINGS: tuple[
    tuple[str, str, Callable[[Mapping[str, Tensor]], Iterator[dict[str, Any]]]], ...
] = (
    ("SegResNet", "convInit.conv.weight", _segresnet),
    ("DynUNet", "input_block.conv1.conv.weight", _dynunet),
    ("BasicUNet", "conv_0.conv_0.conv.weight", _basic_unet),
    ("AttentionUnet", "model.1.attention.W_g.0.conv.weight", _attention_unet),
    ("UNet", "model.0.conv.unit0.conv.weight", _unet),
    ("UNet", "model.0.conv.weight", _unet),
)
"""Networks, a weight that only they have, and what gives settings to try."""
