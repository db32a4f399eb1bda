"""A folder of tiles and their scores, as values.

To read this file, start from `ScoredFolder`.
"""

import math
from collections.abc import Mapping
from dataclasses import dataclass, field

from core.results import ScoreMap
from core.sources import Source
from core.tables import METRICS
from core.types import PruneRequest


@dataclass(frozen=True, slots=True)
class FolderTile:
    """One tile of a folder: its name, and what it is opened from."""

    name: str
    source: Source


@dataclass(frozen=True, slots=True)
class TileScore:
    """How a pruned model does on one tile of a folder.

    Parameters
    ----------
    source
        Of the tile.
    scores
        Against the ground truth, or else against the dense model.
    truth
        Whether there is ground truth.
    dense, lost, merged
        Nuclei that the dense model finds, and what the pruned one makes of them.
    notes
        Sentences about the tile that its scores depend on.
    problem
        Why it has no scores; empty where it has.
    """

    source: Source
    scores: ScoreMap = field(default_factory=dict)
    truth: bool = False
    dense: int = 0
    lost: int = 0
    merged: int = 0
    notes: tuple[str, ...] = ()
    problem: str = ""

    def value(self, metric: str) -> float:
        """Return one score; nan where it has none."""
        return self.scores.get(metric, math.nan)


@dataclass(frozen=True, slots=True)
class ScoredModel:
    """The pruned model that tiles are scored with.

    Parameters
    ----------
    source
        Of the model that is open.
    request
        How it is pruned.
    calibration
        What it is calibrated on, as `app.state.values.Opened.calibrated_on`; never
        empty.
    """

    source: str
    request: PruneRequest
    calibration: str


@dataclass(frozen=True, slots=True)
class ScoredFolder:
    """A folder that is looked through.

    Parameters
    ----------
    path
        Of the folder.
    tiles
        In the order of their names.
    model
        The scores are of it; None before any are asked for.
    scores
        By source of the tile, as far as they are known.
    running
        Whether the others are wanted.
    notes
        Sentences about what is not listed.
    """

    path: str
    tiles: tuple[FolderTile, ...]
    model: ScoredModel | None = None
    scores: Mapping[Source, TileScore] = field(default_factory=dict)
    running: bool = False
    notes: tuple[str, ...] = ()

    def find_next(self) -> FolderTile | None:
        """Return the next tile without a score; None when all have one."""
        return next((t for t in self.tiles if t.source not in self.scores), None)

    def sort(self, metric: str) -> tuple[FolderTile, ...]:
        """Return the tiles, the worst first; then those without a score, by name."""
        higher = METRICS[metric].better == "higher"

        def rank(tile: FolderTile) -> tuple[bool, float]:
            found = self.scores.get(tile.source)
            value = found.value(metric) if found is not None else math.nan
            if not math.isfinite(value):
                return True, 0.0
            return False, value if higher else -value

        return tuple(sorted(self.tiles, key=rank))
