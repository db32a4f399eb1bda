"""What the worker hands to the window: frozen, numpy only, ready to show.

Nothing here imports torch, so that a window can be built before it is loaded.
To read this file, start from `Opened` and `Outcome`.
"""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Literal, Protocol

import numpy as np
from numpy.typing import NDArray

from core.types import Counts, PruneRequest

Labels = NDArray[np.int32]
Argb = NDArray[np.uint32]
Kind = Literal["kept", "lost", "new", "merged", "split", "changed"]
KINDS: tuple[Kind, ...] = ("kept", "lost", "new", "merged", "split", "changed")
Verdict = Literal["faster", "slower", "no difference"]


@dataclass(frozen=True, slots=True)
class Picture:
    """A tile as the panes draw it.

    Parameters
    ----------
    levels
        uint32 0xffRRGGBB at full, half, quarter... size.
    name
        Shown to the user.
    mpp
        Micrometres per pixel, or None when unknown.
    """

    levels: tuple[Argb, ...]
    name: str
    mpp: float | None = None

    @property
    def size(self) -> tuple[int, int]:
        """Width and height in pixels."""
        height, width = self.levels[0].shape
        return width, height


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
        float (n, 2), x and y in pixels.
    """

    levels: tuple[Labels, ...]
    classes: NDArray[np.int64] | None
    centres: NDArray[np.float64]

    @property
    def count(self) -> int:
        """Number of nuclei."""
        return len(self.centres)


@dataclass(frozen=True, slots=True)
class Events:
    """What became of nuclei, one entry an event, from the top of the tile down.

    Parameters
    ----------
    kind
        int8 (n,): indices into `KINDS`.
    before_type, after_type
        int16 (n,): types of the dense and the pruned model, 0 for none.
    before_area, after_area
        int64 (n,): pixels of the nuclei that took part, 0 for none.
    iou
        float32 (n,): best overlap, 0 to 1.
    x, y
        float64 (n,): where, in pixels.
    """

    kind: NDArray[np.int8]
    before_type: NDArray[np.int16]
    after_type: NDArray[np.int16]
    before_area: NDArray[np.int64]
    after_area: NDArray[np.int64]
    iou: NDArray[np.float32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]

    @staticmethod
    def none() -> "Events":
        """Return no events."""
        kind, area = np.zeros(0, np.int8), np.zeros(0, np.int64)
        of_type, place = np.zeros(0, np.int16), np.zeros(0, np.float64)
        iou = np.zeros(0, np.float32)
        return Events(kind, of_type, of_type, area, area, iou, place, place)


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
    """

    levels: tuple[NDArray[np.uint8], ...]
    step: int = 1
    top: float = 1.0


@dataclass(frozen=True, slots=True)
class Changes:
    """What became of each nucleus between the dense and the pruned model.

    Parameters
    ----------
    before, after
        int8 (n_dense,) and (n_pruned,): indices into `KINDS`.
    places
        float (n, 2) by kind: x and y of each event, in pixels. A merge of
        three nuclei is one event.
    events
        The same, with all that a list of them says.
    """

    before: NDArray[np.int8]
    after: NDArray[np.int8]
    places: Mapping[Kind, NDArray[np.float64]]
    events: Events = field(default_factory=Events.none)

    def count(self, kind: Kind) -> int:
        """Return how many events of one kind there are."""
        return len(self.places.get(kind, ()))


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
    """

    source: str
    name: str
    about: str = ""
    classes: tuple[str, ...] = ()
    device: str = "CPU"
    threads: int = 1


@dataclass(frozen=True, slots=True)
class Layer:
    """One layer of the drawing of the network.

    Parameters
    ----------
    name, width
        Module path, and channels of the dense model.
    part
        ``encoder``, ``bottleneck``, ``decoder`` or ``head``.
    coupled
        Layers whose channels go together with its own.
    protected
        Why (some of) its channels may not go, or an empty string.
    free
        How many of its channels may go.
    lane
        0 for the trunk, 1 and up for branches that serve one output.
    level
        How often its resolution was halved.
    reads
        Layers that it reads, the latest last.
    """

    name: str
    width: int
    part: str = ""
    coupled: tuple[str, ...] = ()
    protected: str = ""
    free: int = 1
    lane: int = 0
    level: int = 0
    reads: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class Heuristic:
    """One entry of the list of heuristics; ``missing`` says why it is greyed out."""

    name: str
    title: str
    sentence: str
    paper: str = ""
    missing: str = ""


@dataclass(frozen=True, slots=True)
class Outcome:
    """One pruned model on the open tile.

    Parameters
    ----------
    request
        What was asked for.
    counts
        What is left.
    nuclei, changes
        What it finds, and what became of the dense model's nuclei.
    scores, agreement
        Against the ground truth (None without one) and the dense model; 0 to 1
        by name.
    widths
        Channels left by layer name.
    warnings
        Sentences.
    seconds
        Duration of the stages.
    raw
        How far raw outputs moved, by ``foreground`` and ``shape``.
    intervals
        Of ``scores``, or else of ``agreement``: low and high end by name.
    """

    request: PruneRequest
    counts: Counts
    nuclei: Nuclei
    changes: Changes
    scores: Mapping[str, float] | None
    agreement: Mapping[str, float]
    widths: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    plan: str = ""
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    raw: Mapping[str, RawMap] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Measured:
    """Latency of one pruned model beside the dense one, in milliseconds.

    ``interval`` is that of the speed-up; ``reason`` explains a verdict that
    disappoints, when something can be said. ``pixels`` of tissue were read in that
    time; 0 when that is not known. ``clock`` is ``processor`` where other programs'
    turns were left out, see `core.latency.clocks`.
    """

    request: PruneRequest
    dense_ms: float
    pruned_ms: float
    speedup: float
    interval: tuple[float, float]
    verdict: Verdict
    reason: str = ""
    pixels: int = 0
    clock: Literal["wall", "processor"] = "wall"


@dataclass(frozen=True, slots=True)
class Curve:
    """Counts at any sparsity, for one heuristic and scope: cheap to ask."""

    request: PruneRequest
    at: Callable[[float], Counts]


@dataclass(frozen=True, slots=True)
class Saved:
    """Something was written; ``sentence`` says what and where."""

    sentence: str


class Session(Protocol):
    """A model and a tile in the worker; the window only passes it back."""

    def prune(self, request: PruneRequest, task: "Task") -> Outcome:
        """Prune, predict and compare; publishes a `Curve` when it has a new one."""

    def measure(self, request: PruneRequest, task: "Task") -> Measured:
        """Time dense and pruned side by side."""

    def export(self, request: PruneRequest, path: str, task: "Task") -> "Saved":
        """Write the pruned model."""


class Task(Protocol):
    """What work sees of the outside."""

    def step(self, done: int, total: int, what: str) -> None:
        """Report progress, or stop here."""

    def publish(self, value: object) -> None:
        """Show a value before the work is done."""


@dataclass(frozen=True, slots=True)
class Opened:
    """A model and a tile, with what the dense model finds.

    Parameters
    ----------
    session
        Only touched by the worker.
    model, picture
        What is open.
    nuclei, counts, scores
        Of the dense model; ``scores`` is None without ground truth.
    layers, heuristics
        For the drawing and the list.
    truth
        Ground-truth instances, or None.
    source
        What the tile was opened from.
    seconds
        Duration of the stages.
    """

    session: Session
    model: ModelCard
    picture: Picture
    nuclei: Nuclei
    counts: Counts
    scores: Mapping[str, float] | None
    layers: tuple[Layer, ...]
    heuristics: tuple[Heuristic, ...]
    truth: Nuclei | None = None
    source: str = ""
    seconds: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Sample:
    """A tile that comes with the program."""

    name: str
    title: str


class Engine(Protocol):
    """Everything the window asks of `core`; called on the worker thread only."""

    def open(
        self, model: str, tile: str, task: Task, *, before: Session | None
    ) -> Opened:
        """Open a model and a tile; publishes the `Picture` as soon as it is read.

        ``before`` is the open session, whose model is used again when the same
        one is asked for.
        """

    def close(self) -> None:
        """End what is still running; called once, after the worker has ended."""
