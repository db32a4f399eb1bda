"""Other names for the same weights.

The published HoVer-Net code has named its layers in two ways over time, and
TIAToolbox stores a ResNet as a numbered sequence with a classifier behind it.
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
    else:
        return dict(state)
    renamed = {}
    for name, tensor in state.items():
        for pattern, replacement in rules:
            name = pattern.sub(replacement, name)
        renamed[name] = tensor
    if rules is _HOVERNET:
        _add_upsampling(renamed)
    return renamed


def _add_upsampling(state: dict[str, Tensor]) -> None:
    """Add the constant of HoVer-Net's upsampling, which some files leave out."""
    state.setdefault("upsample2x.unpool_mat", torch.ones(2, 2))
