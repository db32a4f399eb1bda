"""Settings of published networks, read off the shapes of their weights.

Nobody should have to type the number of types or the mode: a wrong one is the
most frequent question that users of published HoVer-Net weights ask.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.errors import ModelError
from core.types import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

_PANNUKE = ("neoplastic", "inflammatory", "connective", "dead", "epithelial")
_MONUSAC = ("epithelial", "lymphocyte", "macrophage", "neutrophil")
_CONSEP = ("miscellaneous", "inflammatory", "epithelial", "spindle-shaped")
# Data sets as they appear in the names of published files.
_DATASETS = {"pannuke": _PANNUKE, "monusac": _MONUSAC, "consep": _CONSEP}


def hovernet(state: Mapping[str, Tensor], stem: str) -> ModelSpec | None:
    """Settings of HoVer-Net (Graham et al. 2019), published layout.

    The first dimension of the type head is the number of types, background
    included; a 5x5 first decoder kernel means mode original, 3x3 means fast.

    Parameters
    ----------
    state
        State-dict name -> tensor.
    stem
        File name without its ending; may name the data set.

    Returns
    -------
    ModelSpec or None
        None when the names are not those of HoVer-Net.

    Raises
    ------
    ModelError
        When they are, but the shapes fit neither mode.
    """
    stem_conv = state.get("conv0./.weight")
    kernel = state.get("decoder.np.u3.conva.weight")
    if stem_conv is None or kernel is None or kernel.ndim != 4 or stem_conv.ndim != 4:
        return None
    modes = {5: "original", 3: "fast"}
    if kernel.shape[-1] not in modes:
        raise ModelError(
            f"{stem}: a HoVer-Net whose decoders have {kernel.shape[-1]}-pixel kernels "
            "is neither mode original (5) nor fast (3); use a published checkpoint"
        )
    mode = modes[kernel.shape[-1]]
    head = state.get("decoder.tp.u0.conv.weight")
    types = 0 if head is None or head.ndim != 4 else int(head.shape[0])
    width = stem_conv.shape[0] / 64
    return ModelSpec(
        name=f"HoVer-Net {mode}, {stem}",
        task="nuclei",
        architecture="hovernet",
        config={"mode": mode, "types": types, "width": width},
        stride=8 if mode == "fast" else 2,
        input_range=(0.0, 255.0),
        classes=_type_names(stem, max(types - 1, 0)),
        mpp=0.25,
        reader="hv",
        window=(256, 164) if mode == "fast" else (270, 80),
        threshold={"foreground": 0.5, "object": 0.4},
    )


def _type_names(stem: str, count: int) -> tuple[str, ...]:
    for dataset, names in _DATASETS.items():
        if dataset in stem.lower() and len(names) == count:
            return names
    return tuple(f"type {i}" for i in range(1, count + 1))


def resnet18(state: Mapping[str, Tensor], stem: str) -> ModelSpec | None:
    """Settings of a ResNet-18 classifier (He et al. 2016), torchvision layout.

    Parameters
    ----------
    state
        State-dict name -> tensor.
    stem
        File name without its ending.

    Returns
    -------
    ModelSpec or None
        None when the names are not those of ResNet-18.
    """
    head = state.get("fc.weight")
    blocks = {name.rsplit(".", 2)[0] for name in state if name.startswith("layer")}
    basic = {f"layer{s}.{b}" for s in range(1, 5) for b in range(2)}
    if head is None or "conv1.weight" not in state:
        return None
    if not basic <= blocks or "layer1.2.conv1.weight" in state:
        return None
    if "layer1.0.conv3.weight" in state or head.ndim != 2:
        return None
    classes = int(head.shape[0])
    return ModelSpec(
        name=f"ResNet-18, {stem}",
        task="patch",
        architecture="resnet18",
        config={"classes": classes, "base": int(state["conv1.weight"].shape[0])},
        stride=1,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        classes=tuple(f"class {i}" for i in range(1, classes + 1)),
        mpp=0.5,
        reader="patch",
        window=(224, 224),
    )


RECOGNISERS: tuple[Callable[[Mapping[str, Tensor], str], ModelSpec | None], ...] = (
    hovernet,
    resnet18,
)
