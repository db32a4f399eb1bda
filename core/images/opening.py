"""A tile as a user asks for it: a file, a part of a slide, its ground truth."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from core.images.datasets.pairs import labels_beside
from core.images.datasets.reading import Labelled, put_together
from core.images.labels.reading import read_truth
from core.images.labels.truth import Frame, Truth
from core.images.reading import read_slide

if TYPE_CHECKING:
    from core.images.slides.slide import Slide
    from core.sources import Source
    from core.types import Tile


def open_tile(source: Source) -> Labelled:
    """Read a tile and its ground truth.

    Parameters
    ----------
    source
        Of kind ``"file"``. Without labels, ground truth is looked for beside the file.

    Raises
    ------
    TooLargeError
        When only a part of the picture can be opened.
    InputError
        When it cannot be used, or labels do not fit it.
    """
    path, view = Path(source.name), source.view
    with read_slide(path) as slide:
        tile = _read(slide, source)
        frame = _frame(slide, source, tile)
        level = slide.levels[view.level].size
    tile = replace(tile, mpp=view.pixel_size or tile.mpp, rescale=view.resample)
    label = _label_of(source)
    if label is None:
        return Labelled(tile, None)
    truth = _cut(read_truth(label, frame), source, level, tile)
    return put_together(tile, truth, label.name)


def read_picture(source: Source) -> Tile:
    """Read a tile without its ground truth.

    Raises
    ------
    InputError
        As `open_tile`.
    """
    with read_slide(source.name) as slide:
        tile = _read(slide, source)
    view = source.view
    return replace(tile, mpp=view.pixel_size or tile.mpp, rescale=view.resample)


def _label_of(source: Source) -> Path | None:
    if source.labels:
        return Path(source.labels)
    # ground truth beside a whole picture is not that of a part of it
    return labels_beside(Path(source.name)) if source.view.region is None else None


def _read(slide: Slide, source: Source) -> Tile:
    view = source.view
    if view.region is None and view.mpp is None:
        return slide.read_whole(view.level)
    whole = (0, 0, *slide.levels[view.level].size) if view.region is None else None
    region = view.region or whole
    assert region is not None  # one of the two
    return slide.read_region(region, level=view.level, mpp=view.mpp)


def _frame(slide: Slide, source: Source, tile: Tile) -> Frame:
    """Where the tile lies in the picture that outlines are drawn on: level 0."""
    view = source.view
    height, width = tile.pixels.shape[:2]
    step = slide.size[0] / slide.levels[view.level].size[0]
    x, y, wide, _ = view.region or (0, 0, *slide.levels[view.level].size)
    return Frame(
        (width, height),
        Path(source.name).stem,
        origin=(x * step, y * step),
        step=step * wide / width,
    )


def _cut(truth: Truth, source: Source, level: tuple[int, int], tile: Tile) -> Truth:
    """Cut labels of a whole picture to the part that is open."""
    region = source.view.region
    if region is None or truth.labels.shape == tile.pixels.shape[:2]:
        return truth
    if truth.labels.shape != level[::-1] or source.view.mpp is not None:
        return truth
    x, y, width, height = region
    return replace(truth, labels=truth.labels[y : y + height, x : x + width].copy())
