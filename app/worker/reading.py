"""What is opened beside a model: a tile with its labels, or patches with classes.

Nothing here imports torch: a tile is on screen before a model is loaded.
To read this file, start from `read_tile_first`, then `read_tiles`.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from app.worker.slides import is_slide_folder
from core.errors import InputError
from core.files import is_folder
from core.sources import Source
from core.types import LabelledTile, ModelSpec


@dataclass(frozen=True, slots=True)
class TileReading:
    """What was read.

    Parameters
    ----------
    tiles
        One for a model that finds nuclei.
    title
        For the window.
    types
        Names of the types that the ground truth numbers; empty without any.
    notes
        Sentences about what is missing.
    """

    tiles: Sequence[LabelledTile]
    title: str
    types: tuple[str, ...] = ()
    notes: Sequence[str] = ()


def read_tile_first(source: Source) -> TileReading | None:
    """Read a single tile, before it is known what for; None for a folder.

    Parameters
    ----------
    source
        A sample or a file. Without ground truth of its own, ``labels/`` beside the
        tile's ``images/`` is looked into.

    Raises
    ------
    InputError
        When it cannot be read.
    """
    from core.images.samples import DEFAULT_SAMPLE, SAMPLES, load_sample

    if source.kind == "sample":
        name = source.name or DEFAULT_SAMPLE
        sample = load_sample(name)
        view = source.view
        shown = replace(
            sample.tile, mpp=view.pixel_size or sample.tile.mpp, rescale=view.resample
        )
        tile = LabelledTile(name, shown, sample.labels, classes=sample.classes)
        return TileReading([tile], SAMPLES[name].title, sample.type_names)
    from core.images.opening import open_tile

    path = Path(source.name)
    if is_folder(path) and not is_slide_folder(path):
        return None
    found = open_tile(source)
    truth = found.truth
    if truth is None:
        return TileReading([LabelledTile(path.stem, found.tile)], _title(source))
    tile = LabelledTile(path.stem, found.tile, truth.labels, classes=truth.classes)
    return TileReading([tile], _title(source), truth.type_names)


def _title(source: Source) -> str:
    """Return the name of a file, and which part of it is open."""
    name, region = Path(source.name).name, source.view.region
    if region is None:
        return name
    return f"{name} at {region[0]:,}, {region[1]:,}"


def read_tiles(
    source: Source, spec: ModelSpec, first: TileReading | None = None
) -> TileReading:
    """Read what a model is judged by.

    Parameters
    ----------
    source
        As of `read_tile_first`; a classifier takes a folder of patches as well, see
        `core.sweep.read_folder`.
    spec
        Of the model.
    first
        The tile, where it was read already.

    Raises
    ------
    InputError
        When it cannot be read, or is nothing that the model is judged by.
    """
    if spec.task == "patch":
        from core.sweep.folder import read_patches

        found = read_patches(source.pair)
        name = Path(source.name).name
        return TileReading(found.tiles, first.title if first else name, (), found.notes)
    first = first or read_tile_first(source)
    if first is None:
        raise InputError(
            f"{source} is a folder and {spec.name} takes one tile; name a file in it, "
            "or sweep over the folder."
        )
    if first.types == spec.classes:
        return first
    from core.images import renumber_types

    # types of another list: the same numbers mean other things
    tiles = [
        replace(t, classes=renumber_types(t.classes, first.types, spec.classes))
        for t in first.tiles
    ]
    return replace(first, tiles=tiles, types=spec.classes)
