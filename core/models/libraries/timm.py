"""Classifiers of timm, by the ``config.json`` that its ``save_for_hf`` writes."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.models.architectures import LIBRARY as ARCHITECTURE
from core.models.libraries.fitting import find_fitting, to_config
from core.models.libraries.importing import find_library, import_library
from core.models.libraries.specs import IMAGENET
from core.models.recognition import resnet18
from core.types import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from core.models.loaded import Found

LIBRARY = find_library("timm")


def read_config(
    config: Mapping[str, Any], state: Mapping[str, Tensor], stem: str
) -> Found | None:
    """Read what timm writes beside the weights of a classifier.

    Parameters
    ----------
    config
        Content of ``config.json``.
    state
        State-dict name -> tensor.
    stem
        File name without its ending.

    Returns
    -------
    Found or None
        Description and weights; None when the config is none of timm.

    Raises
    ------
    ModelError
        When the library is missing, or the weights do not fit.
    """
    network, classes = config.get("architecture"), config.get("num_classes")
    if not isinstance(network, str) or type(classes) is not int or classes < 1:
        return None
    spec = resnet18(state, stem)
    if spec is None:
        what = f"{stem} is {LIBRARY.title}'s {network[:80]}"
        import_library(LIBRARY, what)
        wanted = to_config("timm", network, {"num_classes": classes})
        fitting = find_fitting([wanted], state, what)
        spec = ModelSpec(
            name=f"{network}, {stem}",
            task="patch",
            architecture=ARCHITECTURE,
            config={**fitting, "classes": classes},
            stride=1,
            mean=IMAGENET[0],
            std=IMAGENET[1],
            classes=tuple(f"class {i}" for i in range(1, classes + 1)),
            reader="patch",
            window=(224, 224),
        )
    return _with_details(spec, config), dict(state)


def _with_details(spec: ModelSpec, config: Mapping[str, Any]) -> ModelSpec:
    """Put in names of classes and the scale of pictures, where the config has them."""
    names = config.get("label_names")
    if isinstance(names, list) and len(set(map(str, names))) == len(spec.classes):
        spec = replace(spec, classes=tuple(str(name)[:80] for name in names))
    given = config.get("pretrained_cfg")
    given = given if isinstance(given, dict) else config
    mean, std = _scale(given.get("mean")), _scale(given.get("std"))
    return replace(spec, mean=mean, std=std) if mean and std else spec


def _scale(values: Any) -> tuple[float, float, float] | None:
    if not isinstance(values, list) or len(values) != 3 or not all(map(_sound, values)):
        return None
    return float(values[0]), float(values[1]), float(values[2])


def _sound(value: Any) -> bool:
    return isinstance(value, int | float) and 0 < value < 10
