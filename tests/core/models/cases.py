"""Small members of every architecture."""

from core.models import LoadedModel, build
from core.models.loaded import remember_origin
from core.types import ModelSpec

_HOVERNET = {"reader": "hv", "input_range": (0.0, 255.0)}

SPECS = {
    "unet": ModelSpec("U-Net", "nuclei", "unet", {"base": 4, "depth": 3, "types": 2}),
    "unet-transposed": ModelSpec(
        "U-Net", "nuclei", "unet", {"base": 4, "depth": 3, "up": "transposed"}
    ),
    "attention-unet": ModelSpec(
        "Attention", "nuclei", "attention-unet", {"base": 4, "depth": 3, "types": 2}
    ),
    "residual-unet": ModelSpec(
        "Residual", "nuclei", "residual-unet", {"base": 4, "depth": 3, "types": 2}
    ),
    "dual-decoder": ModelSpec(
        "Dual", "nuclei", "dual-decoder", {"base": 4, "depth": 3}
    ),
    "hovernet-fast": ModelSpec(
        "HoVer-Net",
        "nuclei",
        "hovernet",
        {"mode": "fast", "types": 5, "width": 0.0625},
        stride=8,
        window=(256, 164),
        **_HOVERNET,
    ),
    "hovernet-original": ModelSpec(
        "HoVer-Net",
        "nuclei",
        "hovernet",
        {"mode": "original", "types": 0, "width": 0.0625},
        stride=2,
        window=(270, 80),
        **_HOVERNET,
    ),
    "encoder-unet": ModelSpec(
        "U-Net on ResNet-18",
        "nuclei",
        "encoder-unet",
        {"base": 4, "blocks": [2, 2, 2, 2], "decoder": [8, 8, 4, 4, 4]},
        stride=32,
        reader="mask",
    ),
    "resnet18": ModelSpec(
        "ResNet",
        "patch",
        "resnet18",
        {"classes": 4, "base": 8},
        stride=1,
        classes=("a", "b", "c", "d"),
        reader="patch",
        window=(64, 64),
    ),
}


def fresh(name: str, seed: int = 0) -> LoadedModel:
    """A small network with random weights, as `load_model` would return it."""
    spec = SPECS[name]
    module = build(spec.architecture, spec.config, seed=seed)
    remember_origin(module, spec, None)
    return LoadedModel(module, spec)
