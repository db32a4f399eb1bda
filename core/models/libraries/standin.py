"""Lets timm and segmentation-models-pytorch be imported where torchvision is absent.

Both import torchvision when they are imported: timm for one class that it compares
with and for the transforms of its data loaders, segmentation-models-pytorch for four
encoders. A torchvision wheel is compiled for one release of torch and refuses others,
so beside the torch of this program there may be none. While the two are imported, and
no longer, modules stand in for it: the encoders are those of
`core.models.libraries.torchvision_nets`, everything else is an empty class. An
installed torchvision is always taken instead.
"""

from __future__ import annotations

import enum
import importlib.machinery
import importlib.util
import sys
import threading
from contextlib import contextmanager
from types import ModuleType
from typing import TYPE_CHECKING, Any

from torch import nn

from core.models.libraries import torchvision_nets as nets
from core.models.resnet import BasicBlock, Bottleneck

if TYPE_CHECKING:
    from collections.abc import Iterator

_NAME = "torchvision"
_LOCK = threading.Lock()


class FrozenBatchNorm2d(nn.Module):
    """Only compared with: no network that is built here has one."""


class InterpolationMode(enum.Enum):
    """How pictures are resampled; named in tables of timm, never used here."""

    NEAREST = "nearest"
    NEAREST_EXACT = "nearest-exact"
    BILINEAR = "bilinear"
    BICUBIC = "bicubic"
    BOX = "box"
    HAMMING = "hamming"
    LANCZOS = "lanczos"


class _Empty(ModuleType):
    """Gives an empty class for each name that was not set."""

    def __getattr__(self, name: str) -> Any:
        if name.startswith("__"):
            raise AttributeError(name)
        found = type(name, (), {})
        setattr(self, name, found)
        return found


def _modules() -> dict[str, ModuleType]:
    rows: dict[str, dict[str, Any]] = {
        "": {},
        "models": {"MobileNetV2": nets.MobileNetV2},
        "models.resnet": {
            "ResNet": nets.ResNet,
            "BasicBlock": BasicBlock,
            "Bottleneck": Bottleneck,
        },
        "models.vgg": {"VGG": nets.VGG, "make_layers": nets.make_layers},
        "models.densenet": {"DenseNet": nets.DenseNet},
        "ops": {},
        "ops.misc": {"FrozenBatchNorm2d": FrozenBatchNorm2d},
        "transforms": {"InterpolationMode": InterpolationMode},
        "transforms.functional": {"InterpolationMode": InterpolationMode},
        "datasets": {},
    }
    found: dict[str, ModuleType] = {}
    for key, values in rows.items():
        name = f"{_NAME}.{key}" if key else _NAME
        kind = _Empty if key in {"transforms", "datasets"} else ModuleType
        module = kind(name)
        module.__path__ = []
        module.__spec__ = importlib.machinery.ModuleSpec(name, None, is_package=True)
        vars(module).update(values)
        found[name] = module
        owner, _, leaf = name.rpartition(".")
        if owner:
            setattr(found[owner], leaf, module)
    return found


def has_torchvision() -> bool:
    """Whether the real torchvision is installed."""
    if _NAME in sys.modules:
        return True
    return importlib.util.find_spec(_NAME) is not None


@contextmanager
def torchvision_for_import() -> Iterator[bool]:
    """Let modules be imported that import torchvision.

    Yields
    ------
    bool
        Whether modules stand in for it; they are gone from `sys.modules` afterwards.
    """
    with _LOCK:
        if has_torchvision():
            yield False
            return
        stand_in = _modules()
        sys.modules.update(stand_in)
        try:
            yield True
        finally:
            for name in stand_in:
                sys.modules.pop(name, None)
