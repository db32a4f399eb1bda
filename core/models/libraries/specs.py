"""How networks of other libraries are fed and read, where their files do not say."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.models.architectures import LIBRARY
from core.types import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Mapping

Triple = tuple[float, float, float]
IMAGENET: tuple[Triple, Triple] = ((0.485, 0.456, 0.406), (0.229, 0.224, 0.225))
PLAIN: tuple[Triple, Triple] = ((0.0, 0.0, 0.0), (1.0, 1.0, 1.0))


def to_segmentation_spec(
    config: Mapping[str, Any],
    name: str,
    *,
    classes: int,
    scale: tuple[Triple, Triple] | None = None,
    probability: bool = False,
    stride: int = 32,
) -> ModelSpec:
    """Describe a network that gives a map of logits or probabilities.

    Parameters
    ----------
    config
        Of `core.models.libraries.networks.build_network`.
    name
        For people.
    classes
        Channels of the map.
    scale
        Mean and deviation of its pictures from 0 to 1; those of ImageNet when left
        out.
    probability
        Whether the network ends with a sigmoid or softmax.
    stride
        Sides of its pictures are multiples of this.
    """
    mean, std = scale or IMAGENET
    return ModelSpec(
        name=name,
        task="nuclei",
        architecture=LIBRARY,
        config=config,
        stride=stride,
        mean=mean,
        std=std,
        classes=tuple(f"type {i}" for i in range(1, classes)) if classes > 2 else (),
        reader="probability" if probability else "mask",
        threshold={"foreground": 0.5},
    )
