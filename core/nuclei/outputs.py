"""A network's raw output for one input, as arrays that the readers take."""

from collections.abc import Mapping, Sequence

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.errors import ModelError
from core.types import ModelSpec

Maps = dict[str, NDArray[np.float32] | NDArray[np.uint8]]

_SHAPE = {"distance": "dist", "hv": "hv"}
_ONE_MAP = {"mask", "probability", "contour", "contour-probability"}
_RAYS = 8  # directions of a star-convex polygon, at least


def _foreground(logits: Tensor) -> Tensor:
    """Probability (h, w) from one logit or from two."""
    if logits.shape[1] == 1:
        return logits[0, 0].float().sigmoid()
    return logits[0].float().softmax(dim=0)[1]


def read_outputs(
    outputs: Mapping[str, Tensor] | Tensor | Sequence[Tensor], spec: ModelSpec
) -> Maps:
    """Turn outputs of a batch of one into maps.

    Parameters
    ----------
    outputs
        By head: ``np`` (1, 1 or 2, h, w) logits; ``dist`` (1, 1, h, w) or ``hv``
        (1, 2, h, w), as `ModelSpec.reader` says; ``tp`` (1, 1 + types, h, w)
        logits or missing. Of the readers ``mask`` and ``probability``: one map
        (1, channels, h, w), alone, first of several, or under any name.
    spec
        Names the reader.

    Returns
    -------
    dict
        ``np`` float32 (h, w) probability; ``dist`` float32 (h, w) or ``hv``
        float32 (2, h, w); ``tp`` uint8 (h, w), the most likely type, 1-based
        (background is left to ``np``).

    Raises
    ------
    ModelError
        When the network does not find nuclei, or a map is missing.
    """
    if spec.reader in _ONE_MAP:
        return _read_mask(outputs, spec)
    if spec.reader == "stardist":
        return _read_rays(outputs, spec)
    shape = _SHAPE.get(spec.reader)
    if shape is None:
        raise ModelError(
            f"{spec.name} gives one class for a whole patch, so there are no nuclei to "
            "show; choose a nuclei model, or see classes and probabilities with "
            "'prunescope prune --model ... --tile PATCHES'."
        )
    named = outputs if isinstance(outputs, Mapping) else {}
    missing = {"np", shape} - set(named)
    if missing:
        raise ModelError(
            f"{spec.name} gives no map {sorted(missing)[0]!r}, which its reader "
            f"{spec.reader!r} needs; load weights of a matching architecture."
        )
    maps: Maps = {"np": _foreground(named["np"]).cpu().numpy()}
    form = named[shape][0].float().cpu()
    maps[shape] = (form[0] if shape == "dist" else form).numpy()
    if "tp" in named and named["tp"].shape[1] > 1:
        kinds = named["tp"][0, 1:].argmax(dim=0).add_(1)
        maps["tp"] = kinds.to(torch.uint8).cpu().numpy()
    return maps


def _tensors(outputs: object) -> list[Tensor]:
    """Return the tensors among outputs, in their order."""
    if isinstance(outputs, Tensor):
        return [outputs]
    if isinstance(outputs, Mapping):
        outputs = tuple(outputs.values())
    if not isinstance(outputs, list | tuple):
        return []
    return [tensor for each in outputs for tensor in _tensors(each)]


def _read_mask(
    outputs: Mapping[str, Tensor] | Tensor | Sequence[Tensor], spec: ModelSpec
) -> Maps:
    """Read one map: a channel for nuclei, or background first and then the types.

    Of a mask and contour: nuclei and contours in two channels, in three after the
    background, or in two maps.
    """
    found = _tensors(outputs)
    if not found:
        raise ModelError(f"{spec.name} gives no mask; choose another reader.")
    contour = spec.reader.startswith("contour")
    values = found[0][:, None] if found[0].ndim == 3 else found[0]
    if contour and values.ndim == 4 and values.shape[1] == 1 and len(found) > 1:
        values = torch.cat((values, found[1].reshape(values.shape)), dim=1)
    if values.ndim != 4:
        raise ModelError(
            f"{spec.name} gives no mask but an output of shape {tuple(values.shape)}; "
            "open a network that gives a value for each pixel."
        )
    values = values[0].float()
    likely = spec.reader.endswith("probability")
    if contour:
        return _read_contour(values, likely, spec)
    if not likely:
        values = values.sigmoid() if len(values) == 1 else values.softmax(dim=0)
    if len(values) == 1:
        return {"np": values[0].cpu().numpy()}
    maps: Maps = {"np": (1 - values[0]).cpu().numpy()}
    if len(values) > 2:
        kinds = values[1:].argmax(dim=0).add_(1)
        maps["tp"] = kinds.to(torch.uint8).cpu().numpy()
    return maps


def _read_contour(values: Tensor, likely: bool, spec: ModelSpec) -> Maps:
    if len(values) not in {2, 3}:
        raise ModelError(
            f"{spec.name} gives {len(values)} channels and the reader {spec.reader!r} "
            "takes nucleus and contour, or these after the background; choose another."
        )
    if not likely:
        values = values.sigmoid() if len(values) == 2 else values.softmax(dim=0)
    inside, contour = values[-2].cpu().numpy(), values[-1].cpu().numpy()
    return {"np": inside, "contour": contour}


def _read_rays(
    outputs: Mapping[str, Tensor] | Tensor | Sequence[Tensor], spec: ModelSpec
) -> Maps:
    """Read how likely a middle is, and how far the border lies in each direction."""
    found = [each for each in _tensors(outputs) if each.ndim == 4]
    rays = next((each for each in found if each.shape[1] >= _RAYS), None)
    likely = next((each for each in found if each.shape[1] == 1), None)
    if rays is None or likely is None or rays.shape[2:] != likely.shape[2:]:
        raise ModelError(
            f"{spec.name} gives no probability with distances in {_RAYS} directions or "
            "more, which star-convex polygons need; choose another reader."
        )
    distances = rays[0].float().cpu().numpy()
    return {"np": likely[0, 0].float().cpu().numpy(), "rays": distances}


def forward(
    module: nn.Module,
    spec: ModelSpec,
    inputs: Tensor,
    shape: tuple[int, int] | None = None,
) -> Maps:
    """Run the network once.

    Parameters
    ----------
    module
        The network, dense or pruned; returns a dict of maps.
    spec
        Names the reader.
    inputs
        (1, 3, h, w) from `to_input`.
    shape
        Height and width of the tile: cuts off what `to_input` added.

    Returns
    -------
    dict
        See `read_outputs`.
    """
    with torch.inference_mode():
        maps = read_outputs(module(inputs), spec)
    return maps if shape is None else cut(maps, (slice(shape[0]), slice(shape[1])))


def cut(maps: Maps, window: tuple[slice, slice]) -> Maps:
    """Part of every map; no copy."""
    return {name: array[(..., *window)] for name, array in maps.items()}
