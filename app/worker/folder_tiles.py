"""What is read of a folder of tiles: its list, small pictures, and the score of a tile.

To read this file, start from `list_folder`.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np
from numpy.typing import NDArray

from app.rendering.thumbnails import shrink
from app.state.tile_folder import FolderTile, ScoredFolder, TileScore
from core.errors import BenchError, InputError
from core.sources import Source

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.job import Job
    from core.types import PruneRequest

MOST_TILES = 2000


@dataclass(frozen=True, slots=True, eq=False)
class Thumbnail:
    """A small picture of a tile.

    Parameters
    ----------
    source
        Of the tile.
    pixels
        uint8 (height, width, 3); None where the file cannot be read.
    """

    source: Source
    pixels: NDArray[np.uint8] | None


def list_folder(path: str) -> ScoredFolder:
    """Find the tiles of a folder; none of them is read.

    Raises
    ------
    InputError
        When there are none.
    """
    from core.sweep.folder import find_tiles

    entries = find_tiles(Path(path))
    alone = [entry for entry in entries if entry.index is None]
    notes = []
    if len(alone) < len(entries):
        left = len(entries) - len(alone)
        notes.append(
            f"{left:,} tiles lie in one file with others and cannot be opened one by "
            "one: sweep over the folder."
        )
    if len(alone) > MOST_TILES:
        notes.append(f"Only the first {MOST_TILES:,} of {len(alone):,} tiles.")
    tiles = (
        FolderTile(
            entry.name,
            Source("file", str(entry.image), str(entry.label or "")),
        )
        for entry in alone[:MOST_TILES]
    )
    return ScoredFolder(path, tuple(tiles), notes=tuple(notes))


def read_thumbnail(source: Source) -> Thumbnail:
    """Read a small picture of a tile."""
    from core.images.opening import read_picture

    try:
        pixels = read_picture(source).pixels
    except BenchError:  # its score says why
        return Thumbnail(source, None)
    return Thumbnail(source, shrink(pixels))


def score_tile(
    bench: "Bench", request: "PruneRequest", source: Source, job: "Job"
) -> TileScore:
    """Let the dense and the pruned model see a tile.

    Parameters
    ----------
    bench
        Whose models.
    request
        Which pruned model.
    source
        Of the tile.
    job
        Progress and cancel.

    Returns
    -------
    TileScore
        With a sentence where the tile cannot be read or judged.

    Raises
    ------
    PruningError
        When the request cannot be met.
    Cancelled
        When the job was cancelled.
    """
    from app.worker.reading import read_tiles
    from core.benchmark.elsewhere import judge_elsewhere

    job.step(0, 0, f"scoring {Path(source.name).name}")
    try:
        tiles = read_tiles(source, bench.prunable.model.spec).tiles
        dense, pruned = judge_elsewhere(bench, request, tiles, job)
    except InputError as error:
        return TileScore(source, problem=str(error))
    changes = pruned.changes
    return TileScore(
        source,
        dict(pruned.judged),
        truth=pruned.scores is not None,
        dense=changes.n_before,
        lost=changes.count("lost").alone,
        merged=changes.count("merged").alone,
        notes=dense.notes,
    )
