"""Nuclei as QuPath GeoJSON, written one by one.

QuPath reads a ``FeatureCollection`` whose coordinates are pixels of the full image
from its upper left corner, and whose ``properties`` hold ``objectType``,
``classification`` with name and colour, and numeric ``measurements``.
"""

from __future__ import annotations

import gzip
import json
import uuid
from contextlib import contextmanager
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any, TextIO

from core.export.outlines import boxes, polygons
from core.export.writing import whole_file
from core.job import Job

if TYPE_CHECKING:
    import os
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path

    import numpy as np
    from numpy.typing import NDArray

_EVERY = 256  # nuclei between two reports
_SPACE = uuid.UUID("7f3c1a52-5d0e-4b7a-9d55-3f6f0a0c9d11")  # names of this program


@dataclass(frozen=True, slots=True)
class NucleusStyle:
    """One class of nuclei.

    Parameters
    ----------
    name
        As QuPath lists it.
    colour
        Red, green and blue, 0 to 255.
    """

    name: str
    colour: tuple[int, int, int]


@dataclass(frozen=True, slots=True)
class Described:
    """What is written of nuclei besides their outlines.

    Parameters
    ----------
    styles
        One for each nucleus: that of label ``i + 1`` is ``styles[i]``.
    mpp
        Micrometres per pixel, or None when unknown.
    notes
        Words by name, one for each nucleus; QuPath shows them as metadata.
    """

    styles: Sequence[NucleusStyle]
    mpp: float | None = None
    notes: Mapping[str, Sequence[str]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True, eq=False)
class NucleusOutline:
    """One nucleus that is written.

    Parameters
    ----------
    number
        Its label, 1-based.
    mask
        bool (height, width), its pixels.
    corner
        x and y of the mask's first pixel.
    style
        Class name and colour.
    notes
        Words by name.
    """

    number: int
    mask: NDArray[np.bool_]
    corner: tuple[int, int]
    style: NucleusStyle
    notes: Mapping[str, str] = field(default_factory=dict)


def write_geojson(
    path: str | os.PathLike[str],
    labels: NDArray[np.int32],
    described: Described,
    job: Job | None = None,
) -> int:
    """Write every nucleus of a label image as a QuPath detection.

    Parameters
    ----------
    path
        Where to; compressed when it ends with ``.gz``.
    labels
        int32 (height, width), 1..n; 0 for background.
    described
        Classes and measurements.
    job
        Told of the progress; may cancel.

    Returns
    -------
    int
        Number of nuclei written.

    Raises
    ------
    InputError
        When nothing can be written there.
    Cancelled
        When the job was cancelled; there is no file then.
    """
    nuclei = (
        NucleusOutline(
            number,
            labels[rows, columns] == number,
            (columns.start, rows.start),
            described.styles[number - 1],
            {name: words[number - 1] for name, words in described.notes.items()},
        )
        for number, rows, columns in boxes(labels)
    )
    total = int(labels.max(initial=0))
    return write_nuclei(path, nuclei, total, job, mpp=described.mpp)


def write_nuclei(
    path: str | os.PathLike[str],
    nuclei: Iterable[NucleusOutline],
    total: int,
    job: Job | None = None,
    *,
    mpp: float | None = None,
    step: float = 1.0,
) -> int:
    """Write nuclei one by one; no more than one is held in memory.

    Parameters
    ----------
    path
        As of `write_geojson`.
    nuclei
        In the order in which they are written.
    total
        How many there will be, for the progress.
    job
        Told of the progress; may cancel.
    mpp
        Micrometres per pixel of the masks, or None.
    step
        Pixels of the full image for one pixel of the masks.

    Returns
    -------
    int
        Number of nuclei written.

    Raises
    ------
    InputError
        When nothing can be written there.
    Cancelled
        When the job was cancelled; there is no file then.
    """
    job = job or Job()
    written = 0
    with whole_file(path) as part, _opened(part, str(path)) as file:
        file.write('{"type": "FeatureCollection", "features": [')
        for nucleus in nuclei:
            if written % _EVERY == 0:
                job.step(written, total, "writing nuclei")
            file.write(",\n" if written else "\n")
            file.write(json.dumps(_feature(nucleus, mpp, step), allow_nan=False))
            written += 1
        file.write("\n]}\n")
    return written


@contextmanager
def _opened(part: Path, name: str) -> Iterator[TextIO]:
    if name.endswith(".gz"):
        with gzip.open(part, "wt", encoding="utf-8", compresslevel=6) as packed:
            yield packed
    else:
        with part.open("w", encoding="utf-8") as plain:
            yield plain


def _feature(nucleus: NucleusOutline, mpp: float | None, step: float) -> dict[str, Any]:
    """Return one nucleus as a GeoJSON feature."""
    mask, number, style = nucleus.mask, nucleus.number, nucleus.style
    pieces: list[Any] = polygons(mask, nucleus.corner)
    if step != 1:
        pieces = [
            [[_scaled(point, step) for point in ring] for ring in one] for one in pieces
        ]
    one = len(pieces) == 1
    area = int(mask.sum())
    measured: dict[str, float] = {"Label": number, "Area px^2": area}
    if mpp is not None:
        measured["Area µm^2"] = round(area * mpp**2, 4)
    properties: dict[str, Any] = {
        "objectType": "detection",
        "classification": {"name": style.name, "color": list(style.colour)},
        "isLocked": False,
        "measurements": measured,
    }
    if nucleus.notes:
        properties["metadata"] = dict(nucleus.notes)
    # QuPath tells objects apart by these; the same nucleus keeps its own.
    name = f"{number} {nucleus.corner} {mask.shape} {area}"
    return {
        "type": "Feature",
        "id": str(uuid.uuid5(_SPACE, name)),
        "geometry": {
            "type": "Polygon" if one else "MultiPolygon",
            "coordinates": pieces[0] if one else pieces,
        },
        "properties": properties,
    }


def _scaled(point: tuple[int, int], step: float) -> tuple[float, float]:
    return round(point[0] * step, 2), round(point[1] * step, 2)
