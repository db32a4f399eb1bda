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
TYPED = "demo-types"
"""The demo network trained on, with nucleus types of real tissue."""
_UNTRAINED = "untrained (random weights, seed 0): for timing and tests"
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


def _untrained() -> dict[str, tuple[str, ModelSpec]]:
    """Return networks by name, with what they are."""
    return {
        "unet-tiny": (
            "U-Net with 8 base channels and 3 levels",
            _unet("U-Net, tiny", base=8, depth=3, types=0),
        ),
        "unet": (
            "U-Net with bilinear upsampling",
            _unet("U-Net", base=32, depth=4, types=0, up="bilinear"),
        ),
        "unet-transposed": (
            "U-Net with transposed convolutions",
            _unet("U-Net, transposed", base=32, depth=4, types=0, up="transposed"),
        ),
        "attention-unet": (
            "U-Net with attention gates on its skips",
            _unet("Attention U-Net", "attention-unet", base=32, depth=4),
        ),
        "residual-unet": (
            "U-Net of residual blocks",
            _unet("Residual U-Net", "residual-unet", base=32, depth=4),
        ),
        "encoder-unet": (
            "U-Net on a ResNet-34, as smp.Unet builds it",
            _encoder_unet(),
        ),
        "dual-decoder": (
            "one encoder, a segmentation and a distance decoder",
            _unet("Dual-decoder U-Net", "dual-decoder", base=16, depth=5),
        ),
        "hovernet-tiny": (
            "HoVer-Net (fast) at an eighth of its width",
            _hovernet("HoVer-Net, tiny", mode="fast", types=6, width=0.125),
        ),
        "hovernet-fast": (
            "HoVer-Net in mode fast with 6 types",
            _hovernet("HoVer-Net, fast", mode="fast", types=6),
        ),
        "hovernet-original": (
            "HoVer-Net in mode original, segmentation only",
            _hovernet("HoVer-Net, original", mode="original", types=0),
        ),
        "resnet18": ("ResNet-18 for tissue patches", _resnet()),
    }


def entries() -> Mapping[str, CatalogueEntry]:
    """Everything that `load_model` opens by name."""
    return {
        DEMO: CatalogueEntry("the nuclei U-Net trained by this project", None),
        **{
            name: CatalogueEntry(f"demo with {share} % of its parameters removed", None)
            for name, share in PRUNED.items()
        },
        TYPED: CatalogueEntry("demo trained on nucleus types of real tissue", None),
        **{
            name: CatalogueEntry(f"{words}, {_UNTRAINED}", spec)
            for name, (words, spec) in _untrained().items()
        },
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
        if name not in (*PRUNED, TYPED) or _installed(name)
    }


def _installed(name: str) -> bool:
    return (resources.files("resources") / f"{name}.safetensors").is_file()
