"""Tiles at another pixel size than the one a network learned at.

A network knows nuclei of a certain size in pixels. A tile of 0.5 µm shows them half as
wide as one of 0.25 µm, and a network finds few of them. The tile is therefore enlarged
or shrunk to the network's pixel size first; what it finds comes back on the tile's own
pixels, where ground truth, outlines and areas belong.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import cv2
import numpy as np

from core.errors import InputError
from core.types import Prediction

if TYPE_CHECKING:
    from numpy.typing import NDArray

    from core.nuclei.outputs import Maps
    from core.types import ModelSpec, Tile

TOLERANCE = 1.1
"""Pixel sizes that differ by less are taken as equal."""

MOST_PIXELS = 40_000_000
"""Most pixels of a tile once it is enlarged."""

_ABSURD = 10.0  # enlarged this much, a nucleus has no more than a pixel of its own


@dataclass(frozen=True, slots=True)
class Scale:
    """How a tile's pixels relate to those that a network learned at.

    Parameters
    ----------
    tile, model
        Micrometres per pixel, or None when unknown.
    factor
        Pixels of the network's grid for one pixel of the tile; 1 when the tile is
        used as it is.
    switched_off
        Whether a user wants the tile used as it is.
    """

    tile: float | None
    model: float | None
    factor: float = 1.0
    switched_off: bool = False

    @property
    def resampled(self) -> bool:
        """Whether the network sees other pixels than the tile's own."""
        return self.factor != 1.0

    @property
    def deserves_a_note(self) -> bool:
        """Whether a user should be told, beyond the description of the tile."""
        if self.tile is None or self.model is None:
            return False
        return self.resampled or (self.switched_off and _differ(self.tile, self.model))

    def describe(self) -> str:
        """One sentence for windows, cards and reports."""
        if self.model is None:
            return "The model states no pixel size, so the tile is used as it is."
        if self.tile is None:
            return (
                f"The tile states no pixel size: it is taken for the model's "
                f"{self.model:g} µm. Give the true one if it is another (--tile-mpp)."
            )
        sizes = f"the tile has {self.tile:g} µm per pixel, the model {self.model:g} µm"
        if self.resampled:
            change = "enlarged" if self.factor > 1 else "shrunk"
            times = max(self.factor, 1 / self.factor)
            return (
                f"Resampled: {sizes}; the tile was {change} {times:.3g} times for the "
                "model, results are on its own pixels."
            )
        if self.switched_off and _differ(self.tile, self.model):
            return f"Not resampled, as asked: {sizes}; sizes of nuclei do not fit."
        return f"Same scale: {sizes}."

    def as_dict(self) -> dict[str, Any]:
        """Ready for JSON."""
        return {
            "tile_mpp": self.tile,
            "model_mpp": self.model,
            "factor": round(self.factor, 6),
            "resampled": self.resampled,
        }


def find_scale(tile: Tile, spec: ModelSpec) -> Scale:
    """Compare the pixel sizes of a tile and a model.

    Parameters
    ----------
    tile
        Its ``rescale`` says whether it may be resampled.
    spec
        Of the model.
    """
    own, wanted = tile.mpp, spec.mpp
    if not own or not wanted or not tile.rescale or not _differ(own, wanted):
        return Scale(own, wanted, switched_off=not tile.rescale)
    return Scale(own, wanted, own / wanted)


def _differ(first: float, second: float) -> bool:
    return max(first, second) > TOLERANCE * min(first, second)


def to_model_grid(tile: Tile, spec: ModelSpec) -> Tile:
    """Resample a tile to the pixel size of a model.

    Parameters
    ----------
    tile
        Any size; itself when the pixel sizes are the same or unknown.
    spec
        Of the model.

    Returns
    -------
    Tile
        With the model's pixel size.

    Raises
    ------
    InputError
        When it would be too large, or its pixels are as large as nuclei.
    """
    scale = find_scale(tile, spec)
    if not scale.resampled:
        return tile
    height, width = tile.pixels.shape[:2]
    size = max(round(width * scale.factor), 1), max(round(height * scale.factor), 1)
    if scale.factor > _ABSURD:
        raise InputError(
            f"The tile has {scale.tile:g} µm per pixel, too coarse to show nuclei to a "
            f"model of {scale.model:g} µm; open a finer level, or correct its size."
        )
    if size[0] * size[1] > MOST_PIXELS:
        raise InputError(
            f"The tile has {scale.tile:g} µm per pixel and would become {size[0]:,} x "
            f"{size[1]:,} pixels for a model of {scale.model:g} µm; open a part of it "
            "(--region), or leave it as it is (--resample off)."
        )
    how = cv2.INTER_CUBIC if scale.factor > 1 else cv2.INTER_AREA
    pixels = np.asarray(cv2.resize(tile.pixels, size, interpolation=how), np.uint8)
    return replace(tile, pixels=pixels, mpp=scale.model)


def to_tile_grid(found: Prediction, shape: tuple[int, int]) -> Prediction:
    """Bring nuclei back to the pixels of their tile.

    Parameters
    ----------
    found
        On the model's grid.
    shape
        Height and width of the tile.

    Returns
    -------
    Prediction
        ``labels`` of that shape. Nuclei that cover no middle of a pixel are gone.
    """
    if found.labels.shape == shape:
        return found
    labels = np.asarray(
        cv2.resize(found.labels, shape[::-1], interpolation=cv2.INTER_NEAREST_EXACT)
    )
    left = np.bincount(labels.ravel(), minlength=found.count + 1) > 0
    left[0] = False
    table = np.where(left, np.cumsum(left), 0).astype(np.int32)
    classes = None if found.classes is None else found.classes[left[1:]]
    return Prediction(table[labels], classes)


def maps_to_tile_grid(maps: Maps, shape: tuple[int, int]) -> Maps:
    """Bring raw outputs back to the pixels of their tile.

    Parameters
    ----------
    maps
        Of (..., height, width) on the model's grid.
    shape
        Height and width of the tile.
    """
    return {name: _resized(values, shape) for name, values in maps.items()}


def labels_to_model_grid(
    labels: NDArray[np.int32], shape: tuple[int, ...]
) -> NDArray[np.int32]:
    """Resample labels to a height and width, by the nearest pixel."""
    if labels.shape == shape[:2]:
        return labels
    size = (shape[1], shape[0])
    return np.asarray(
        cv2.resize(labels, size, interpolation=cv2.INTER_NEAREST_EXACT), np.int32
    )


def _resized(values: NDArray[Any], shape: tuple[int, int]) -> NDArray[Any]:
    """Resample the last two axes: numbers of types by the nearest pixel."""
    if values.shape[-2:] == shape:
        return values
    shrinks = shape[0] < values.shape[-2]
    how = cv2.INTER_AREA if shrinks else cv2.INTER_LINEAR
    if values.dtype.kind != "f":
        how = cv2.INTER_NEAREST_EXACT
    planes = values.reshape(-1, *values.shape[-2:])
    found = [cv2.resize(plane, shape[::-1], interpolation=how) for plane in planes]
    return np.stack(found).reshape(*values.shape[:-2], *shape).astype(values.dtype)
