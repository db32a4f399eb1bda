"""Whole tiles, patch by patch where they are large."""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import PurePath

import cv2
import numpy as np
from numpy.typing import NDArray

from core.job import Job
from core.nuclei.outputs import Maps, cut, forward
from core.nuclei.postprocess import instances
from core.nuclei.preprocess import Model, fed_side, margin, pixels_to_input, to_input
from core.nuclei.scale import to_model_grid, to_tile_grid
from core.types import ModelSpec, Prediction, Tile


@dataclass(frozen=True, slots=True)
class Span:
    """One patch along one axis, in pixels.

    Parameters
    ----------
    feed
        What the network is given.
    keep
        The part of its output that is used, counted from the output's start.
    place
        Where that goes in the tile.
    """

    feed: slice
    keep: slice
    place: slice


def spans(side: int, spec: ModelSpec) -> list[Span]:
    """Divide one axis of a tile into patches whose kept parts tile it exactly.

    Parameters
    ----------
    side
        Height or width of the tile.
    spec
        Its ``window`` is the largest patch and the part of it that is kept.

    Returns
    -------
    list of Span
        ``feed`` is relative to the tile mirrored on as by `to_input`.
    """
    patch, valid = spec.window
    lost = 2 * margin(spec)
    if fed_side(side, spec) <= patch:
        fed = fed_side(side, spec)
        return [Span(slice(0, fed), slice(0, side), slice(0, side))]
    around = (patch - valid) // 2
    cells = -(-(side if lost else side - 2 * around) // valid)
    cell = -(-side // cells) if lost else -(-(side - 2 * around) // cells)
    fed = patch if lost else fed_side(cell + 2 * around, spec)
    found = []
    done = 0
    for number in range(cells):
        last = number == cells - 1
        if lost:
            start, end = done, min(done + valid, side)
        else:
            start = min(number * cell, side - fed)
            end = side if last else start + around + cell
        found.append(
            Span(
                slice(start, start + fed),
                slice(done - start, end - start),
                slice(done, end),
            )
        )
        done = end
    return found


def _framed(pixels: NDArray[np.uint8], spec: ModelSpec) -> NDArray[np.uint8]:
    """Mirror the tile on by as much as its patches reach over it."""
    around = margin(spec)
    reach = [spans(side, spec)[-1].feed.stop for side in pixels.shape[:2]]
    down, right = (
        max(stop - side - around, 0)
        for stop, side in zip(reach, pixels.shape[:2], strict=True)
    )
    framed = cv2.copyMakeBorder(
        pixels, around, down, around, right, cv2.BORDER_REFLECT_101
    )
    return np.asarray(framed, np.uint8)


def _patches(shape: tuple[int, int], spec: ModelSpec) -> Iterator[tuple[Span, Span]]:
    """Rows and columns of every patch."""
    for row in spans(shape[0], spec):
        for column in spans(shape[1], spec):
            yield row, column


def raw_maps(model: Model, tile: Tile, job: Job | None = None) -> Maps:
    """Run the network over a tile of any size.

    A tile of at most the window's size goes through in one pass. A larger one is
    divided into overlapping patches, of which only the middles are used; nuclei
    are read from the joined maps, so none is cut or found twice at a seam. Pixels are
    taken as they are: see `core.nuclei.scale` for tiles of another pixel size.

    Parameters
    ----------
    model
        The network and its spec.
    tile
        Any size from 1 x 1.
    job
        Told of every patch; may cancel.

    Returns
    -------
    dict
        Maps of the tile's height and width, see `core.nuclei.outputs.read_outputs`.

    Raises
    ------
    Cancelled
        When the job was cancelled.
    ModelError
        When the network does not find nuclei.
    """
    job = job or Job()
    spec = model.spec
    shape = (tile.pixels.shape[0], tile.pixels.shape[1])
    patches = list(_patches(shape, spec))
    name = PurePath(tile.source).name
    what = f"finding nuclei in {name}" if name else "finding nuclei"
    job.step(0, len(patches), what)
    if len(patches) == 1:
        maps = forward(model.module, spec, to_input(model, tile), shape)
        job.step(1, 1, what)
        return maps
    framed = _framed(tile.pixels, spec)
    whole: Maps = {}
    for done, (row, column) in enumerate(patches, start=1):
        inputs = pixels_to_input(framed[row.feed, column.feed], model)
        part = cut(forward(model.module, spec, inputs), (row.keep, column.keep))
        for name, array in part.items():
            if name not in whole:
                whole[name] = np.zeros((*array.shape[:-2], *shape), array.dtype)
            whole[name][(..., row.place, column.place)] = array
        job.step(done, len(patches), what)
    return whole


def predict(model: Model, tile: Tile, job: Job | None = None) -> Prediction:
    """Find the nuclei in a tile.

    A tile of another pixel size than the model's is resampled for the model, see
    `core.nuclei.scale`; what is found lies on the tile's own pixels.

    Parameters
    ----------
    model
        A `core.models.LoadedModel`.
    tile
        Any size from 1 x 1.
    job
        Told of every patch; may cancel.

    Returns
    -------
    Prediction
        ``labels`` int32 of the tile's height and width.

    Raises
    ------
    Cancelled
        When the job was cancelled.
    ModelError
        When the network does not find nuclei.
    """
    maps = raw_maps(model, to_model_grid(tile, model.spec), job)
    height, width = tile.pixels.shape[:2]
    return to_tile_grid(instances(maps, model.spec), (height, width))
