"""Whole tiles, patch by patch where they are large."""

from collections.abc import Iterator
from pathlib import PurePath

from core.job import Job
from core.nuclei.mosaic import Mosaic
from core.nuclei.outputs import Maps
from core.nuclei.postprocess import instances
from core.nuclei.preprocess import Model
from core.nuclei.scale import to_model_grid, to_tile_grid
from core.rects import scale_rect
from core.types import Prediction, Tile


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
    mosaic = Mosaic(model, tile)
    for _ in finish(mosaic, job or Job()):
        pass
    return mosaic.maps


def finish(mosaic: Mosaic, job: Job, factor: float = 1.0) -> Iterator[None]:
    """Let the network see all patches of a tile; pauses after each.

    Parameters
    ----------
    mosaic
        Patches that are done already stay as they are.
    job
        Told of every patch; may cancel. What it says is looked at comes first.
    factor
        Pixels that the network sees for one of the job's.

    Raises
    ------
    Cancelled
        When the job was cancelled.
    """
    what = describe_finding(mosaic)
    job.step(mosaic.finished, mosaic.total, what)
    while not mosaic.complete:
        seen = job.seen and scale_rect(job.seen, factor)
        cell = mosaic.find_next(seen)
        assert cell is not None
        mosaic.add(cell, job)
        job.step(mosaic.finished, mosaic.total, what)
        yield


def describe_finding(mosaic: Mosaic) -> str:
    """Return what is done with a tile, as a step of a job says it."""
    name = PurePath(mosaic.tile.source).name
    return f"finding nuclei in {name}" if name else "finding nuclei"


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
