"""Decoders of segmentation-models-pytorch, told by the names of their weights.

To read this file, start from `find_decoder`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator, Mapping

    from torch import Tensor

_NORMS = ("batchnorm", "identity", "layernorm", "instancenorm")


def find_decoder(
    state: Mapping[str, Tensor],
) -> tuple[str, Iterator[dict[str, Any]]] | None:
    """Return the network that has such a decoder, and settings that may fit.

    Parameters
    ----------
    state
        State-dict name -> tensor.

    Returns
    -------
    tuple or None
        Name of the class and arguments to try, likely ones first; None when no
        decoder of the library has such names.
    """
    head = state.get("segmentation_head.0.weight")
    if head is None or head.ndim != 4:
        return None
    for network, tell, options in _DECODERS:
        found = state.get(f"decoder.{tell}")
        if found is not None and found.ndim in (2, 4):
            return network, _with_classes(int(head.shape[0]), options(state))
    return None


def _with_classes(
    classes: int, options: Iterator[dict[str, Any]]
) -> Iterator[dict[str, Any]]:
    return ({"classes": classes, **each} for each in options)


def _width(state: Mapping[str, Tensor], name: str) -> int:
    """Outputs of a layer of the decoder; 1 when there is none, which fits nothing."""
    weight = state.get(f"decoder.{name}.weight")
    return 1 if weight is None or weight.ndim < 1 else int(weight.shape[0])


def _widths(state: Mapping[str, Tensor], name: str) -> list[int]:
    """Outputs of layers in a row, ``{}`` in the name being their place."""
    found: list[int] = []
    while f"decoder.{name.format(len(found))}.weight" in state:
        found.append(_width(state, name.format(len(found))))
    return found


def _of_blocks(layer: str) -> Callable[[Mapping[str, Tensor]], Iterator[Any]]:
    """Return the settings of decoders that are a row of blocks."""

    def options(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
        widths = _widths(state, layer)
        common: dict[str, Any] = {
            "encoder_depth": len(widths),
            "decoder_channels": widths,
        }
        if any(".attention1.attention." in name for name in state):
            common["decoder_attention_type"] = "scse"
        if "decoder.center.top_conv.weight" in state:
            common["decoder_pab_channels"] = _width(state, "center.top_conv")
        yield from ({**common, "decoder_use_norm": norm} for norm in _NORMS)

    return options


def _linknet(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    depth = len(_widths(state, "blocks.{}.block.0.0"))
    yield from ({"encoder_depth": depth, "decoder_use_norm": n} for n in _NORMS)


def _fpn(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    pyramid = _width(state, "p5")
    inner = _width(state, "seg_blocks.0.block.0.block.0")
    for depth in (5, 4, 3):
        for policy in ("add", "cat"):
            yield {
                "encoder_depth": depth,
                "decoder_pyramid_channels": pyramid,
                "decoder_segmentation_channels": inner,
                "decoder_merge_policy": policy,
            }


def _pspnet(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    outputs = _width(state, "conv.0")
    for depth in (3, 4, 5):
        for norm in _NORMS:
            yield {
                "encoder_depth": depth,
                "psp_out_channels": outputs,
                "decoder_use_norm": norm,
                "upsampling": 1 << depth,
            }


def _deeplab(first: str) -> Callable[[Mapping[str, Tensor]], Iterator[Any]]:
    def options(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
        width = _width(state, first)
        for depth in (5, 4, 3):
            for separable in (True, False):
                yield {
                    "encoder_depth": depth,
                    "decoder_channels": width,
                    "decoder_aspp_separable": separable,
                }

    return options


def _pan(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    yield {"decoder_channels": _width(state, "fpa.branch1.1.conv")}


def _upernet(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    width = _width(state, "fusion_block.0")
    for depth in (5, 4, 3):
        for norm in _NORMS:
            yield {
                "encoder_depth": depth,
                "decoder_channels": width,
                "decoder_use_norm": norm,
            }


def _segformer(state: Mapping[str, Tensor]) -> Iterator[dict[str, Any]]:
    width = _width(state, "fuse_stage.0")
    for depth in (5, 4, 3):
        yield {"encoder_depth": depth, "decoder_segmentation_channels": width}


_DECODERS: tuple[
    tuple[str, str, Callable[[Mapping[str, Tensor]], Iterator[dict[str, Any]]]], ...
] = (
    (
        "UnetPlusPlus",
        "blocks.x_0_0.conv1.0.weight",
        _of_blocks("blocks.x_0_{}.conv1.0"),
    ),
    ("MAnet", "center.top_conv.weight", _of_blocks("blocks.{}.conv2.0")),
    ("Linknet", "blocks.0.block.0.0.weight", _linknet),
    ("Unet", "blocks.0.conv1.0.weight", _of_blocks("blocks.{}.conv1.0")),
    ("FPN", "p5.weight", _fpn),
    ("PSPNet", "psp.blocks.0.pool.1.0.weight", _pspnet),
    ("DeepLabV3", "aspp.convs.0.0.weight", _deeplab("aspp.convs.0.0")),
    ("DeepLabV3Plus", "aspp.0.convs.0.0.weight", _deeplab("aspp.0.convs.0.0")),
    ("PAN", "fpa.branch1.1.conv.weight", _pan),
    ("UPerNet", "fusion_block.0.weight", _upernet),
    ("Segformer", "mlp_stage.0.linear.weight", _segformer),
)
