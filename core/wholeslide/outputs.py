"""A finished run as files: nuclei for QuPath, labels as a pyramid."""

from __future__ import annotations

from collections import OrderedDict
from itertools import accumulate
from typing import TYPE_CHECKING, Any

import numpy as np
import tifffile

from core.export.geojson import NucleusOutline, NucleusStyle, write_nuclei
from core.export.writing import whole_file
from core.job import Job
from core.wholeslide.finder import HALO
from core.wholeslide.nuclei import PatchNuclei, paint

if TYPE_CHECKING:
    from collections.abc import Iterator, Sequence
    from pathlib import Path

    from numpy.typing import NDArray

    from core.wholeslide.pipeline import SlideRun

_TILE = 512  # pixels of a tile of the pyramid
_SMALLEST = 256  # pixels of the coarsest level
_DECODED = 512  # patches whose nuclei are kept at hand


class FoundNuclei:
    """Nuclei of one model over a whole slide, read from the log as they are needed.

    Parameters
    ----------
    run
        Finished.
    model
        0 the dense, 1 the pruned one.
    """

    def __init__(self, run: SlideRun, model: int) -> None:
        self._run, self._model = run, model
        facts = dict(run.log.facts())
        counts = [sum(each["counts"][model]) for each in facts.values()]
        starts = accumulate(counts, initial=1)
        self._first = dict(zip(facts, starts, strict=False))
        self._kept: OrderedDict[int, PatchNuclei] = OrderedDict()
        #: Nuclei on the slide.
        self.count = sum(counts)

    def outlines(self, styles: Sequence[NucleusStyle]) -> Iterator[NucleusOutline]:
        """Yield every nucleus, patch by patch.

        Parameters
        ----------
        styles
            By type, 0 (unknown) first.
        """
        for number, first in self._first.items():
            nuclei = self._run.log.nuclei(number, self._model)
            rows = zip(
                nuclei.boxes.tolist(),
                nuclei.classes.tolist(),
                nuclei.each_mask(),
                strict=True,
            )
            for label, ((y, x, *_), kind, mask) in enumerate(rows, start=first):
                if mask.any():
                    yield NucleusOutline(label, mask, (x, y), styles[kind])

    def paint_part(
        self, corner: tuple[int, int], shape: tuple[int, int], step: int = 1
    ) -> NDArray[np.uint32]:
        """Return labels of a part of the slide, every `step`-th pixel of it.

        Parameters
        ----------
        corner
            y and x on the model's grid, multiples of `step`.
        shape
            Height and width of what is returned.
        step
            1 for all pixels.
        """
        target = np.zeros(shape, np.uint32)
        reach = [
            (at - HALO, at + side * step + HALO)
            for at, side in zip(corner, shape, strict=True)
        ]
        grid = self._run.grid
        for row, line in enumerate(grid.rows):
            if not _meets(line.place, reach[0]):
                continue
            for column, span in enumerate(grid.columns):
                number = row * len(grid.columns) + column
                if number in self._first and _meets(span.place, reach[1]):
                    nuclei = self._patch(number)
                    first = self._first[number]
                    labels = range(first, first + len(nuclei))
                    paint(target, nuclei, labels, corner, step)
        return target

    def _patch(self, number: int) -> PatchNuclei:
        if number not in self._kept:
            self._kept[number] = self._run.log.nuclei(number, self._model)
            while len(self._kept) > _DECODED:
                self._kept.popitem(last=False)
        return self._kept[number]


def _meets(place: slice, reach: tuple[int, int]) -> bool:
    return bool(place.stop > reach[0] and place.start < reach[1])


def write_slide_geojson(
    path: Path,
    run: SlideRun,
    model: int,
    styles: Sequence[NucleusStyle],
    job: Job | None = None,
) -> int:
    """Write all nuclei of a model for QuPath, one by one.

    Parameters
    ----------
    path
        Where to; compressed when it ends with ``.gz``.
    run
        Finished.
    model
        0 the dense, 1 the pruned one.
    styles
        By type, 0 (unknown) first.
    job
        Progress and cancel.

    Returns
    -------
    int
        Number of nuclei. Coordinates are pixels of the slide's finest level.
    """
    found = FoundNuclei(run, model)
    step, mpp = run.grid.step, run.grid.mpp
    outlines = found.outlines(styles)
    return write_nuclei(path, outlines, found.count, job, mpp=mpp, step=step)


def write_label_pyramid(
    path: Path, run: SlideRun, model: int, job: Job | None = None
) -> None:
    """Write labels of a whole slide as a pyramid in OME-TIFF, tile by tile.

    Parameters
    ----------
    path
        Where to, ``.ome.tif``.
    run
        Finished.
    model
        0 the dense, 1 the pruned one.
    job
        Progress and cancel.

    Raises
    ------
    InputError
        When nothing can be written there.
    """
    job, found = job or Job(), FoundNuclei(run, model)
    width, height = run.grid.size
    steps = [1]
    while max(width, height) // steps[-1] > _SMALLEST:
        steps.append(steps[-1] * 2)
    about: dict[str, Any] = {"axes": "YX", "Name": "nuclei"}
    if run.grid.mpp:
        for axis in "XY":
            about[f"PhysicalSize{axis}"] = run.grid.mpp
            about[f"PhysicalSize{axis}Unit"] = "µm"
    common: dict[str, Any] = {
        "dtype": np.uint32,
        "tile": (_TILE, _TILE),
        "compression": "zlib",
        "photometric": "minisblack",
    }
    with (
        whole_file(path) as part,
        tifffile.TiffWriter(part, ome=True, bigtiff=True) as tiff,
    ):
        for level, step in enumerate(steps):
            shape = -(-height // step), -(-width // step)
            tiles = _tiles(found, shape, step, level, job)
            if level:
                tiff.write(tiles, shape=shape, subfiletype=1, **common)
            else:
                subs = len(steps) - 1
                tiff.write(tiles, shape=shape, subifds=subs, metadata=about, **common)


def _tiles(
    found: FoundNuclei, shape: tuple[int, int], step: int, level: int, job: Job
) -> Iterator[NDArray[np.uint32]]:
    """Yield the tiles of one level, row by row."""
    corners = [
        (y, x) for y in range(0, shape[0], _TILE) for x in range(0, shape[1], _TILE)
    ]
    for number, (y, x) in enumerate(corners):
        job.step(number, len(corners), f"writing labels, level {level}")
        yield found.paint_part((y * step, x * step), (_TILE, _TILE), step)
