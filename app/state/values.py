"""What the worker hands to the window: results, and what panes draw of them.

Nothing here imports torch, so that a window can be built before it is loaded.
To read this file, start from `Opened` and `DrawnOutcome`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from app.state.picture import Argb, Picture
from app.state.slide_map import SlideMap
from app.state.tile_folder import TileScore
from core.metrics.changes import KINDS, Kind
from core.results import (
    Comparison,
    DenseOutcome,
    HeuristicInfo,
    Layer,
    Outcome,
    Part,
)
from core.sources import DEFAULT_TILE, Source
from core.tables.metrics import TaskName
from core.types import PruneRequest

__all__ = [
    "KINDS",
    "Argb",
    "CalibrationTile",
    "DrawnOutcome",
    "Engine",
    "Kind",
    "Labels",
    "ModelCard",
    "Nuclei",
    "Opened",
    "Picture",
    "RawMap",
    "SampleTitle",
    "Saved",
    "Session",
    "TileScale",
    "WorkContext",
]

Labels = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class Nuclei:
    """Instances as the panes draw them.

    Parameters
    ----------
    levels
        int32 labels at full, half, quarter... size; 1..n without gaps.
    classes
        int (n,), 1-based type of each nucleus (0 = unknown), or None.
    centres
        float (n, 2), x and y in pixels of the tile.
    part
        The part of the tile that labels are of; None for all of it.
    """

    levels: tuple[Labels, ...]
    classes: NDArray[np.int64] | None
    centres: NDArray[np.float64]
    part: Part | None = None

    @property
    def count(self) -> int:
        """Number of nuclei."""
        return len(self.centres)


@dataclass(frozen=True, slots=True, eq=False)
class RawMap:
    """How far a raw output of the network moved, pixel by pixel.

    Parameters
    ----------
    levels
        uint8 at full, half, quarter... size, the largest of each block kept.
    step
        Tile pixels per pixel of the first level.
    top
        What 255 stands for.
    origin
        Place in the tile of the first pixel: x and y.
    """

    levels: tuple[NDArray[np.uint8], ...]
    step: int = 1
    top: float = 1.0
    origin: tuple[int, int] = (0, 0)


@dataclass(frozen=True, slots=True)
class ModelCard:
    """The open model in words.

    Parameters
    ----------
    source
        Catalogue name or path: what `open` was asked for.
    name, about
        Title, and one line below it.
    classes
        Names of nucleus types; empty when it does not tell them apart.
    device, threads
        Where it runs.
    task
        Key in `core.tables.TASKS`: what it is for.
    pruned
        Whether the file holds a model that was pruned before.
    types_note
        What must be known of how types were learned; such types are left out of the
        demo view.
    reader, threshold
        How its outputs become nuclei: key in `core.tables.OUTPUT_READERS`, and
        settings by name that differ from the reader's own.
    """

    source: str
    name: str
    about: str = ""
    classes: tuple[str, ...] = ()
    device: str = "CPU"
    threads: int = 1
    task: TaskName = "nuclei"
    pruned: bool = False
    types_note: str = ""
    reader: str = ""
    threshold: tuple[tuple[str, float], ...] = ()


@dataclass(frozen=True, slots=True)
class TileScale:
    """How a tile's pixels relate to the model's.

    Parameters
    ----------
    tile, model
        Micrometres per pixel, or None when unknown.
    resampled
        Whether the model sees other pixels than the tile's own.
    sentence
        The same in words.
    """

    tile: float | None = None
    model: float | None = None
    resampled: bool = False
    sentence: str = ""


@dataclass(frozen=True, slots=True, eq=False)
class CalibrationTile:
    """A tile that the model is calibrated on.

    Parameters
    ----------
    name, source
        Of its file or sample, and where that lies.
    pixels
        uint8 (height, width, 3).
    """

    name: str
    source: str
    pixels: NDArray[np.uint8]


@dataclass(frozen=True, slots=True, kw_only=True)
class DrawnOutcome(Outcome):
    """An outcome with what panes draw of it.

    Parameters
    ----------
    nuclei
        What the pruned model finds.
    raw
        How far raw outputs moved, by ``foreground`` and ``shape``.
    dense
        What the dense model finds in the same part; None for the whole tile.
    """

    nuclei: Nuclei
    raw: Mapping[str, RawMap] = field(default_factory=dict)
    dense: Nuclei | None = None


@dataclass(frozen=True, slots=True)
class Saved:
    """Something was written; ``sentence`` says what and where, ``folder`` is shown."""

    sentence: str
    folder: str = ""


class Session(Protocol):
    """A model and a tile in the worker; the window only passes it back."""

    def prune(self, request: PruneRequest, task: "WorkContext") -> DrawnOutcome:
        """Prune, predict and compare; publishes a `SizeCurve` when it has one."""

    def measure(self, request: PruneRequest, task: "WorkContext") -> Comparison:
        """Time dense and pruned side by side."""

    def score_tile(
        self, request: PruneRequest, tile: Source, task: "WorkContext"
    ) -> TileScore:
        """Let both models see another tile; a tile that has none says why."""

    def finish_dense(self, task: "WorkContext") -> "Opened":
        """Let the dense model see the rest of a tile of which it saw a part."""

    def export(self, request: PruneRequest, path: str, task: "WorkContext") -> "Saved":
        """Write the pruned model."""


class WorkContext(Protocol):
    """What work sees of the outside."""

    def step(self, done: int, total: int, what: str) -> None:
        """Report progress, or stop here."""

    def publish(self, value: object) -> None:
        """Show a value before the work is done."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Opened(DenseOutcome):
    """A model and a tile, with what the dense model finds.

    Parameters
    ----------
    session
        Only touched by the worker.
    model, picture
        What is open.
    nuclei
        Of the dense model, as they are drawn.
    layers, heuristics
        For the drawing and the list.
    truth
        Ground-truth instances, or None.
    source
        What the tile was opened from.
    slide
        Of which the tile is a part, or None.
    scale
        Pixel sizes of tile and model, and whether the tile is resampled.
    calibration, calibrated_on
        What the model is calibrated on, in words; and the folder, tile or sample that
        was chosen for that, empty for the default.
    calibration_tiles, calibration_digest
        The tiles themselves, and the hash of their pixels that stands in results.
    contents
        Hash of the model's weights, and of the tile's pixels and ground truth; empty
        where nobody computed them.
    patches
        In how many patches a network takes the tile.
    """

    session: Session
    model: ModelCard
    picture: Picture
    nuclei: Nuclei
    layers: tuple[Layer, ...]
    heuristics: tuple[HeuristicInfo, ...]
    truth: Nuclei | None = None
    source: Source = DEFAULT_TILE
    slide: SlideMap | None = None
    scale: TileScale = field(default_factory=TileScale)
    calibration: str = ""
    calibrated_on: str = ""
    calibration_tiles: tuple[CalibrationTile, ...] = ()
    calibration_digest: str = ""
    contents: tuple[str, str] = ("", "")
    patches: int = 1


@dataclass(frozen=True, slots=True)
class SampleTitle:
    """A tile that comes with the program."""

    name: str
    title: str


class Engine(Protocol):
    """Everything the window asks of `core`; called on the worker thread only."""

    def open(
        self,
        model: str,
        tile: Source,
        task: WorkContext,
        *,
        before: Session | None,
        calibration: str = "",
    ) -> Opened | SlideMap:
        """Open a model and a tile; publishes the `Picture` as soon as it is read.

        Of a whole slide only the overview is read: a part is to be chosen first.

        ``calibration`` is a folder, tile or sample to calibrate on; empty for the
        default. ``before`` is the open session, whose model is used again when the same
        one is asked for.
        """

    def close(self) -> None:
        """End the processes that still run; from any thread, and more than once."""
