"""Tiles into the tensors that a network takes."""

from typing import Protocol

import cv2
import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn

from core.types import ModelSpec, Tile


class Model(Protocol):
    """What is needed of a loaded model: `core.models.LoadedModel` has it."""

    @property
    def module(self) -> nn.Module:
        """The network, in eval mode."""

    @property
    def spec(self) -> ModelSpec:
        """How to feed it and how to read its outputs."""


def margin(spec: ModelSpec) -> int:
    """Pixels that the network's output lacks on each side.

    Only networks with unpadded convolutions (reader ``"hv"``) give back less than
    they were fed; for the others the window's edge is merely less accurate.
    """
    return (spec.window[0] - spec.window[1]) // 2 if spec.reader == "hv" else 0


def fed_side(side: int, spec: ModelSpec) -> int:
    """Smallest side the network takes that yields at least `side` pixels.

    Parameters
    ----------
    side
        Height or width of a tile, in pixels.
    spec
        What the network takes.
    """
    lost = 2 * margin(spec)
    if not lost:
        return -(-side // spec.stride) * spec.stride
    unit = max(spec.stride, 8)
    return spec.window[0] + unit * max(-(-(side + lost - spec.window[0]) // unit), 0)


def scale(pixels: Tensor, spec: ModelSpec) -> Tensor:
    """Bring pixel values to the range that the network takes.

    Parameters
    ----------
    pixels
        float (n, 3, h, w), 0 to 255.
    spec
        What the network takes.

    Returns
    -------
    Tensor
        float (n, 3, h, w): scaled to ``spec.input_range``, less ``spec.mean``,
        over ``spec.std``.
    """
    low, high = spec.input_range
    mean = torch.tensor(spec.mean, dtype=pixels.dtype, device=pixels.device)
    std = torch.tensor(spec.std, dtype=pixels.dtype, device=pixels.device)
    factor = (high - low) / 255.0 / std
    offset = (low - mean) / std
    return pixels * factor.view(1, 3, 1, 1) + offset.view(1, 3, 1, 1)


def pixels_to_input(pixels: NDArray[np.uint8], model: Model) -> Tensor:
    """Turn pixels of a size that the network takes into its input.

    Parameters
    ----------
    pixels
        uint8 (h, w, 3).
    model
        Says how to scale them, and where to put them.

    Returns
    -------
    Tensor
        float32 (1, 3, h, w) in channels-last memory order, where the network is.
    """
    first = next(model.module.parameters(), None)
    device = "cpu" if first is None else first.device
    tensor = torch.tensor(pixels, device=device)  # a copy: pixels may be read-only
    return scale(tensor.permute(2, 0, 1)[None].float(), model.spec)


def to_input(model: Model, tile: Tile) -> Tensor:
    """Turn a whole tile into the network's input.

    Parameters
    ----------
    model
        Says how, and where to.
    tile
        Any size from 1 x 1.

    Returns
    -------
    Tensor
        float32 (1, 3, h, w). h and w are the tile's when the network takes them;
        otherwise the tile is mirrored on at the bottom and right up to the next
        size it does take, and on all sides by what unpadded convolutions lose.
    """
    height, width = tile.pixels.shape[:2]
    around = margin(model.spec)
    down = fed_side(height, model.spec) - height - around
    right = fed_side(width, model.spec) - width - around
    pixels = tile.pixels
    if around or down or right:
        pixels = np.asarray(
            cv2.copyMakeBorder(
                pixels, around, down, around, right, cv2.BORDER_REFLECT_101
            )
        )
    return pixels_to_input(pixels, model)
