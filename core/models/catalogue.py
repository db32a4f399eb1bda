"""The networks that can be opened by name."""

from __future__ import annotations

from dataclasses import dataclass
from importlib import resources
from typing import TYPE_CHECKING

from core.models.installed import installed_models
from core.types import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

DEMO = "demo"
PRUNED = {f"{DEMO}-{percent}": percent for percent in (70, 90, 95)}
_HOVERNET_THRESHOLDS = {"foreground": 0.5, "object": 0.4}


@dataclass(frozen=True, slots=True)
class CatalogueEntry:
    """One line of the catalogue.

    Parameters
    ----------
    description
        One line for a list or a tooltip.
    spec
        What is built; None for weights that ship with the program.
    """

    description: str
    spec: ModelSpec | None


def _unet(name: str, architecture: str = "unet", **config: object) -> ModelSpec:
    return ModelSpec(
        name=f"{name} (untrained)",
        task="nuclei",
        architecture=architecture,
        config=config,
        mpp=0.5,
        window=(256, 192),
    )


def _hovernet(name: str, **config: object) -> ModelSpec:
    fast = config["mode"] == "fast"
    return ModelSpec(
        name=f"{name} (untrained)",
        task="nuclei",
        architecture="hovernet",
        config=config,
        stride=8 if fast else 2,
        input_range=(0.0, 255.0),
        classes=tuple(f"type {i}" for i in range(1, int(str(config["types"])))),
        mpp=0.25,
        reader="hv",
        window=(256, 164) if fast else (270, 80),
        threshold=_HOVERNET_THRESHOLDS,
    )


def _encoder_unet() -> ModelSpec:
    return ModelSpec(
        name="U-Net on ResNet-34 (untrained)",
        task="nuclei",
        architecture="encoder-unet",
        config={"classes": 1},
        stride=32,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        mpp=0.5,
        reader="mask",
        window=(256, 192),
    )


def _resnet() -> ModelSpec:
    return ModelSpec(
        name="ResNet-18 patch classifier (untrained)",
        task="patch",
        architecture="resnet18",
        config={"classes": 9},
        stride=1,
        mean=(0.485, 0.456, 0.406),
        std=(0.229, 0.224, 0.225),
        classes=tuple(f"tissue {i}" for i in range(1, 10)),
        mpp=0.5,
        reader="patch",
        window=(224, 224),
    )


def entries() -> Mapping[str, CatalogueEntry]:
    """Everything that `load_model` opens by name."""
    untrained = "untrained (random weights, seed 0): for timing and tests"
    return {
        DEMO: CatalogueEntry("the nuclei U-Net trained by this project", None),
        **{
            name: CatalogueEntry(f"demo with {share} % of its parameters removed", None)
            for name, share in PRUNED.items()
        },
        "unet-tiny": CatalogueEntry(
            f"U-Net with 8 base channels and 3 levels, {untrained}",
            _unet("U-Net, tiny", base=8, depth=3, types=0),
        ),
        "unet": CatalogueEntry(
            f"U-Net with bilinear upsampling, {untrained}",
            _unet("U-Net", base=32, depth=4, types=0, up="bilinear"),
        ),
        "unet-transposed": CatalogueEntry(
            f"U-Net with transposed convolutions, {untrained}",
            _unet("U-Net, transposed", base=32, depth=4, types=0, up="transposed"),
        ),
        "attention-unet": CatalogueEntry(
            f"U-Net with attention gates on its skips, {untrained}",
            _unet("Attention U-Net", "attention-unet", base=32, depth=4),
        ),
        "residual-unet": CatalogueEntry(
            f"U-Net of residual blocks, {untrained}",
            _unet("Residual U-Net", "residual-unet", base=32, depth=4),
        ),
        "encoder-unet": CatalogueEntry(
            f"U-Net on a ResNet-34, as smp.Unet builds it, {untrained}",
            _encoder_unet(),
        ),
        "dual-decoder": CatalogueEntry(
            f"one encoder, a segmentation and a distance decoder, {untrained}",
            _unet("Dual-decoder U-Net", "dual-decoder", base=16, depth=5),
        ),
        "hovernet-tiny": CatalogueEntry(
            f"HoVer-Net (fast) at an eighth of its width, {untrained}",
            _hovernet("HoVer-Net, tiny", mode="fast", types=6, width=0.125),
        ),
        "hovernet-fast": CatalogueEntry(
            f"HoVer-Net in mode fast with 6 types, {untrained}",
            _hovernet("HoVer-Net, fast", mode="fast", types=6),
        ),
        "hovernet-original": CatalogueEntry(
            f"HoVer-Net in mode original, segmentation only, {untrained}",
            _hovernet("HoVer-Net, original", mode="original", types=0),
        ),
        "resnet18": CatalogueEntry(
            f"ResNet-18 for tissue patches, {untrained}", _resnet()
        ),
        **{
            name: CatalogueEntry(model.description, model.spec)
            for name, model in installed_models().items()
        },
    }


def catalogue() -> dict[str, str]:
    """Names that `load_model` opens, with one line on each.

    Returns
    -------
    dict of str to str
        Name -> description; the trained model comes first. Pruned models that were
        not installed are left out.
    """
    return {
        name: entry.description
        for name, entry in entries().items()
        if name not in PRUNED or _installed(name)
    }


def _installed(name: str) -> bool:
    return (resources.files("resources") / f"{name}.safetensors").is_file()
