"""Settings of published networks, read off the shapes of their weights.

Nobody should have to type the number of types or the mode: a wrong one is the
most frequent question that users of published HoVer-Net weights ask.
"""

from __future__ import annotations

from itertools import count, pairwise
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.models.architectures import build_empty
from core.models.libraries.fitting import difference, shapes
from core.types import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

_MOST_PLACES = 16  # of layers in a classifier
_PANNUKE = ("neoplastic", "inflammatory", "connective", "dead", "epithelial")
_MONUSAC = ("epithelial", "lymphocyte", "macrophage", "neutrophil")
_CONSEP = ("miscellaneous", "inflammatory", "epithelial", "spindle-shaped")
# Data sets as they appear in the names of published files.
_DATASETS = {"pannuke": _PANNUKE, "monusac": _MONUSAC, "consep": _CONSEP}


def hovernet(state: Mapping[str, Tensor], stem: str) -> ModelSpec | None:
    """Settings of HoVer-Net (Graham et al. 2019), published layout, and HoVerNetPlus.

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
    config = {"mode": mode, "types": types, "width": stem_conv.shape[0] / 64}
    layers = state.get("decoder.ls.u0.conv.weight")
    if layers is not None and layers.ndim == 4:
        config["layers"] = int(layers.shape[0])
    return ModelSpec(
        name=f"HoVer-Net{'+' if layers is not None else ''} {mode}, {stem}",
        task="nuclei",
        architecture="hovernet",
        config=config,
        stride=8 if mode == "fast" else 2,
        input_range=(0.0, 255.0),
        classes=_type_names(stem, max(types - 1, 0)),
        mpp=0.25 if layers is None else 0.5,
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
    """Settings of a ResNet classifier of 18, 34 or 50 layers, torchvision layout.

    Parameters
    ----------
    state
        State-dict name -> tensor.
    stem
        File name without its ending.

    Returns
    -------
    ModelSpec or None
        None when the names are not those of such a ResNet.
    """
    layers = _linear_layers(state)
    stem_conv = state.get("conv1.weight")
    found = _residual_blocks(state)
    if not layers or stem_conv is None or stem_conv.ndim != 4 or found is None:
        return None
    blocks, bottleneck, depth = found
    classes = layers[-1][2]
    config: dict[str, Any] = {"classes": classes}
    config["base"] = int(stem_conv.shape[0])
    if depth != 18:
        config |= {"blocks": list(blocks), "bottleneck": bottleneck}
    if "fc.weight" not in state:
        config["head"] = [list(row) for row in layers]
    # a single output is how likely the second of two classes is
    names = tuple(f"class {i}" for i in range(1, classes + 1)) if classes > 1 else ()
    return ModelSpec(
        name=f"ResNet-{depth}, {stem}",
        task="patch",
        architecture="resnet18",
        config=config,
        stride=1,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        classes=names,
        mpp=0.5,
        reader="patch",
        window=(224, 224),
    )


_DEPTHS: dict[tuple[tuple[int, ...], bool], int] = {
    ((2, 2, 2, 2), False): 18,
    ((3, 4, 6, 3), False): 34,
    ((3, 4, 6, 3), True): 50,
    ((3, 4, 23, 3), True): 101,
}


def _residual_blocks(
    state: Mapping[str, Tensor], prefix: str = ""
) -> tuple[tuple[int, ...], bool, int] | None:
    """Return the blocks of four stages, whether bottlenecks, and the depth."""
    blocks = []
    for stage in range(1, 5):
        count = 0
        while f"{prefix}layer{stage}.{count}.conv1.weight" in state:
            count += 1
        blocks.append(count)
    bottleneck = f"{prefix}layer1.0.conv3.weight" in state
    depth = _DEPTHS.get((tuple(blocks), bottleneck))
    return None if depth is None else (tuple(blocks), bottleneck, depth)


def encoder_unet(state: Mapping[str, Tensor], stem: str) -> ModelSpec | None:
    """Settings of ``smp.Unet`` with a ResNet encoder.

    Parameters
    ----------
    state
        State-dict name -> tensor.
    stem
        File name without its ending.

    Returns
    -------
    ModelSpec or None
        None when names or shapes are not those of such a network: decoders with
        attention and other encoders are built by their library.
    """
    head = state.get("segmentation_head.0.weight")
    conv = state.get("encoder.conv1.weight")
    found = _residual_blocks(state, "encoder.")
    rows = [state.get(f"decoder.blocks.{i}.conv1.0.weight") for i in range(5)]
    widths = [int(row.shape[0]) for row in rows if row is not None and row.ndim == 4]
    if head is None or conv is None or found is None or len(widths) != 5:
        return None
    if head.ndim != 4 or conv.ndim != 4 or conv.shape[1] != 3:
        return None
    blocks, bottleneck, depth = found
    classes = int(head.shape[0])
    spec = ModelSpec(
        name=f"U-Net on ResNet-{depth}, {stem}",
        task="nuclei",
        architecture="encoder-unet",
        config={
            "classes": classes,
            "base": int(conv.shape[0]),
            "blocks": list(blocks),
            "bottleneck": bottleneck,
            "decoder": widths,
            "kernel": int(head.shape[-1]),
        },
        stride=32,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        classes=tuple(f"type {i}" for i in range(1, classes)) if classes > 2 else (),
        reader="mask",
        threshold={"foreground": 0.5},
    )
    wanted = shapes(build_empty(spec.architecture, spec.config).state_dict())
    return None if difference(wanted, shapes(state)) else spec


def _linear_layers(state: Mapping[str, Tensor]) -> list[tuple[int, int, int]]:
    """Return place, inputs and outputs of the linear layers of ``fc``, in order.

    ``fc`` may be one layer or a sequence with dropout and ReLU between them; empty
    when it is neither, or its layers do not fit each other.
    """
    found = []
    for name, weight in state.items():
        parts = name.split(".")
        if parts[0] != "fc" or parts[-1] != "weight":
            continue
        place = "".join(parts[1:-1]) or "0"
        if weight.ndim != 2 or not place.isdigit() or int(place) > _MOST_PLACES:
            return []
        found.append((int(place), int(weight.shape[1]), int(weight.shape[0])))
    found.sort()
    fits = all(a[2] == b[1] for a, b in pairwise(found))
    return found if fits else []


def tiatoolbox_unet(state: Mapping[str, Tensor], stem: str) -> ModelSpec | None:
    """Settings of ``UNetModel`` of TIAToolbox.

    Parameters
    ----------
    state
        State-dict name -> tensor.
    stem
        File name without its ending.

    Returns
    -------
    ModelSpec or None
        None when the names are not those of such a network.
    """
    head, narrow = state.get("clf.weight"), state.get("conv1x1.weight")
    if head is None or narrow is None or head.ndim != 4 or narrow.ndim != 4:
        return None
    plain = _outputs(state, "backbone.blocks.{}.0.0.weight")
    convs = _outputs(state, "uplist.0.{}.weight", step=3, start=0 if plain else 2)
    first = state.get(f"uplist.0.{0 if plain else 2}.weight")
    if (
        first is None
        or first.ndim != 4
        or not (plain or "backbone.bn1.weight" in state)
    ):
        return None
    kernels = [
        int(state[f"uplist.0.{(0 if plain else 2) + 3 * i}.weight"].shape[-1])
        for i in range(len(convs))
    ]
    classes = int(head.shape[0])
    config: dict[str, Any] = {"classes": classes, "kernels": kernels}
    config["encoder"] = "unet" if plain else "resnet50"
    if plain:
        config["widths"] = plain
    if first.shape[1] == 2 * narrow.shape[0]:
        config["skip"] = "concat"
    return ModelSpec(
        name=f"TIAToolbox U-Net, {stem}",
        task="nuclei",
        architecture="tiatoolbox-unet",
        config=config,
        stride=32,
        input_range=(0.0, 255.0),
        classes=tuple(f"type {i}" for i in range(1, classes)) if classes > 2 else (),
        reader="probability",
        threshold={"foreground": 0.5},
    )


def _outputs(
    state: Mapping[str, Tensor], name: str, *, start: int = 0, step: int = 1
) -> list[int]:
    """Return the outputs of convolutions in a row, ``{}`` being their place."""
    found: list[int] = []
    for place in count(start, step):
        weight = state.get(name.format(place))
        if weight is None or weight.ndim != 4:
            return found
        found.append(int(weight.shape[0]))
    return found


RECOGNISERS: tuple[Callable[[Mapping[str, Tensor], str], ModelSpec | None], ...] = (
    hovernet,
    resnet18,
    encoder_unet,
    tiatoolbox_unet,
)
