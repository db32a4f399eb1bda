"""Other names for the same weights.

The published HoVer-Net code has named its layers in two ways over time, MONAI in a
third, and TIAToolbox stores a ResNet as a numbered sequence with a classifier after it.
"""

from __future__ import annotations

import re
from typing import TYPE_CHECKING

import torch

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

_HOVERNET = (
    (re.compile(r"^conv0\.conv\."), "conv0./."),
    (re.compile(r"^(d\d\.units\.\d+)\.preact_bn\."), r"\1.preact/bn."),
    (re.compile(r"(\.dense\.units\.\d+)\.preact_bn\."), r"\1.preact_bna/bn."),
    (re.compile(r"(\.units\.\d+\.conv[12])_bn\."), r"\1/bn."),
)
# MONAI's HoVerNet has the weights of the published one under names of its own.
_MONAI = (
    (re.compile(r"^conv0\.conv\."), "conv0./."),
    (
        re.compile(r"^res_blocks\.(d\d)\.layers\.denselayer_(\d+)\.layers\."),
        r"\1.units.\2.",
    ),
    (re.compile(r"^res_blocks\.(d\d)\.bna_block\."), r"\1.blk_bna."),
    (re.compile(r"^res_blocks\."), ""),
    (re.compile(r"^bottleneck\.conv_bottleneck\."), "conv_bot."),
    (re.compile(r"^nucleus_prediction\."), "decoder.np."),
    (re.compile(r"^horizontal_vertical\."), "decoder.hv."),
    (re.compile(r"^type_prediction\."), "decoder.tp."),
    (re.compile(r"\.decoder_blocks\.decoderblock1\."), ".u3."),
    (re.compile(r"\.decoder_blocks\.decoderblock2\."), ".u2."),
    (re.compile(r"\.output_features\.decoderblock3\."), ".u1."),
    (re.compile(r"\.output_features\.decoderblock4\."), ".u0."),
    (re.compile(r"^(decoder\..*)\.bna_block\."), r"\1.dense.blk_bna."),
    (re.compile(r"\.conv1/norm\."), ".conv1/bn."),
)
_MONAI_UNIT = re.compile(r"\.denselayerdecoder(\d+)\.layers\.")
# Places of torchvision's layers in the sequence.
_SEQUENCE = ("conv1", "bn1", "relu", "maxpool", "layer1", "layer2", "layer3", "layer4")
_TIATOOLBOX = (
    *(
        (re.compile(rf"^feat_extract\.{place}\."), f"{name}.")
        for place, name in enumerate(_SEQUENCE)
    ),
    (re.compile(r"^classifier\."), "fc."),
)


def is_tiatoolbox_classifier(state: Mapping[str, Tensor]) -> bool:
    """Whether the names are those of TIAToolbox's ``CNNModel``."""
    return "classifier.weight" in state and "feat_extract.0.weight" in state


def is_monai_hovernet(state: Mapping[str, Tensor]) -> bool:
    """Whether the names are those of MONAI's ``HoVerNet``."""
    return "nucleus_prediction.output_features.decoderblock4.conv.weight" in state


def canonical(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """The same tensors under the names that this program's networks use.

    Parameters
    ----------
    state
        State-dict name -> tensor.

    Returns
    -------
    dict of str to Tensor
        In the same order; names that are not known stay as they are.
    """
    if is_tiatoolbox_classifier(state):
        rules = _TIATOOLBOX
    elif "decoder.np.u0.conv.weight" in state:
        rules = _HOVERNET
    elif "conv1x1.weight" in state and "clf.weight" in state:  # U-Net of TIAToolbox
        kept = {n: t for n, t in state.items() if not n.startswith("backbone.fc.")}
        _add_upsampling(kept)
        return kept
    elif is_monai_hovernet(state):
        rules = _MONAI
    else:
        return dict(state)
    renamed = {}
    for name, tensor in state.items():
        for pattern, replacement in rules:
            name = pattern.sub(replacement, name)
        renamed[_MONAI_UNIT.sub(_from_zero, name)] = tensor
    if rules in (_HOVERNET, _MONAI):
        _add_upsampling(renamed)
    return renamed


def _from_zero(found: re.Match[str]) -> str:
    return f".dense.units.{int(found[1]) - 1}."


def _add_upsampling(state: dict[str, Tensor]) -> None:
    """Add the constant of HoVer-Net's upsampling, which some files leave out."""
    state.setdefault("upsample2x.unpool_mat", torch.ones(2, 2))
