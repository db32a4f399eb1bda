"""Frozen values that every part of the program shares.

Nothing here imports torch, so views and metrics stay light. Arrays are treated
as read-only by everyone.
"""

from collections.abc import Collection, Hashable, Mapping
from dataclasses import astuple, dataclass, field, fields
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.tables.choices import RECOVERIES, Count, Recovery, Target

__all__ = [
    "REPAIR",
    "SEEDS",
    "SIZES",
    "SLOW",
    "SPARSITY",
    "UNSTRUCTURED",
    "Count",
    "Counts",
    "FineTune",
    "LabelledTile",
    "ModelSpec",
    "Prediction",
    "PruneRequest",
    "Recovery",
    "RequestKey",
    "Target",
    "Tile",
    "is_unstructured",
]

UNSTRUCTURED = "unstructured:"
"""How a request names heuristics that choose single weights, in text."""
SLOW: tuple[Recovery, ...] = tuple(
    row.key for row in RECOVERIES.values() if row.takes != "moment"
)
"""Repairs that take seconds or minutes, not milliseconds."""

RequestKey = tuple[Hashable, ...]
"""What `PruneRequest.key` returns."""
SPARSITY = frozenset({"sparsity"})
"""Left out of the key, points of one curve are alike."""
SIZES = frozenset({"sparsity", "recovery", "training"})
"""Left out of the key, requests are alike that have the same sizes at any sparsity."""
SEEDS = frozenset({"sparsity", "seed", "training.seed"})
"""Left out of the key, points of one curve are alike, whatever their seeds."""


@dataclass(frozen=True, slots=True)
class Tile:
    """One image to look at.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3), RGB.
    mpp
        Micrometres per pixel, or None when the file does not say.
    source
        Where it came from: a path, or the name of a sample.
    notes
        Sentences about how it was read that a user should know.
    rescale
        Whether it may be resampled to the pixel size of a model, see
        `core.nuclei.scale`.
    """

    pixels: NDArray[np.uint8]
    mpp: float | None = None
    source: str = ""
    notes: tuple[str, ...] = ()
    rescale: bool = True


@dataclass(frozen=True, slots=True)
class LabelledTile:
    """One tile in memory, with the ground truth that there is for it.

    Parameters
    ----------
    name
        File stem.
    tile
        Pixels.
    labels
        int32 (height, width), or None without ground truth.
    target
        Tissue class of the whole tile, or None without one.
    classes
        Types of the true nuclei as the model numbers them, int64 (n,), or None.
    """

    name: str
    tile: Tile
    labels: NDArray[np.int32] | None = None
    target: str | None = None
    classes: NDArray[np.int64] | None = None


@dataclass(frozen=True, slots=True)
class ModelSpec:
    """What must be known about a network to feed it and to read its outputs.

    Parameters
    ----------
    name
        Shown to the user.
    task
        ``"nuclei"`` (instances) or ``"patch"`` (one class for a whole tile).
    architecture
        Key of the catalogue that builds the module.
    config
        Keyword arguments of that builder; JSON-serialisable.
    stride
        Height and width of an input must be multiples of this.
    input_range
        Value of a black and a white pixel at the module's input, before
        ``mean`` and ``std``: ``(0, 1)`` or ``(0, 255)``.
    mean, std
        Per-channel normalisation after scaling to ``input_range``.
    classes
        Names of nucleus types (or tissue classes), background left out; empty
        when the network does not tell types apart.
    mpp
        Micrometres per pixel the network was trained at, or None.
    reader
        How outputs become instances: key of `core.tables.OUTPUT_READERS`, or
        `core.tables.PATCH_READER` of a classifier.
    window
        Side of the square patches it is fed with, and of the centre part of
        each output that is valid: ``(input, output)``.
    threshold
        Reader settings, by name.
    """

    name: str
    task: Literal["nuclei", "patch"]
    architecture: str
    config: Mapping[str, Any] = field(default_factory=dict)
    stride: int = 16
    input_range: tuple[float, float] = (0.0, 1.0)
    mean: tuple[float, float, float] = (0.0, 0.0, 0.0)
    std: tuple[float, float, float] = (1.0, 1.0, 1.0)
    classes: tuple[str, ...] = ()
    mpp: float | None = None
    reader: str = "distance"
    window: tuple[int, int] = (512, 448)
    threshold: Mapping[str, float] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Prediction:
    """Nuclei found in one tile.

    Parameters
    ----------
    labels
        int32 (height, width); 0 is background, nuclei are 1..n without gaps.
    classes
        int64 (n,): type of nucleus ``i + 1``, 1-based into `ModelSpec.classes`
        (0 = unknown), or None when the network does not tell types apart.
    """

    labels: NDArray[np.int32]
    classes: NDArray[np.int64] | None = None

    @property
    def count(self) -> int:
        """Number of nuclei."""
        return int(self.labels.max(initial=0))


@dataclass(frozen=True, slots=True)
class Counts:
    """Size of a network.

    Parameters
    ----------
    params
        Parameters (buffers left out).
    macs
        Multiply-accumulates for one input of the size that
        `core.benchmark.counting_input` gives; shown with it.
    channels
        Output channels of all prunable layers, protected ones included.
    """

    params: int
    macs: int
    channels: int


@dataclass(frozen=True, slots=True)
class FineTune:
    """How a pruned network is trained again.

    Parameters
    ----------
    steps
        Optimiser steps; 0 leaves the end to `minutes`. A number of steps gives the
        same network again, a time does not.
    minutes
        Limit of time; 0 leaves the end to `steps`.
    rate
        Highest learning rate.
    data
        Folder with ``images/`` and ``labels/``; empty when there is no ground truth,
        and the dense network's outputs on unlabelled tiles are all there is.
    distil
        Whether the dense network's outputs are learned beside the ground truth.
    seed
        Of crops, augmentation and the validation split.
    patience
        Checks without a better result before it ends early; 0 never does.
    batch, crop
        Crops a step, and their side in pixels.
    device
        ``"auto"``, ``"cpu"``, ``"cuda"`` or ``"mps"``.
    """

    steps: int = 0
    minutes: float = 2.0
    rate: float = 1e-3
    data: str = ""
    distil: bool = True
    seed: int = 0
    patience: int = 8
    batch: int = 4
    crop: int = 192
    device: str = "auto"


@dataclass(frozen=True, slots=True)
class PruneRequest:
    """Everything that decides one pruned model.

    Parameters
    ----------
    heuristic
        Key of `core.pruning.HEURISTICS`, or one of `WEIGHT_HEURISTICS` after
        `UNSTRUCTURED`: single weights are then set to zero.
    sparsity
        Share of `count` to remove, 0 to 0.99.
    scope
        ``"layer"``, ``"network"``, ``"encoder"``, ``"decoder"`` or the name of
        a branch or layer.
    count
        What `sparsity` is a share of; the latency is predicted from layers timed on
        this machine.
    recovery
        Repair after pruning.
    round_to, min_channels
        Widths are multiples of the first and never below the second.
    seed
        For random heuristics.
    locked
        Names (or prefixes) of layers that keep all channels, and with them the
        channels of layers that they are coupled to.
    training
        Of recovery ``"finetune"``, the defaults of `FineTune` when left out; None
        for all others.
    steps
        How often channels are scored and cut; 1 is one-shot.
    ratios
        Layer names (or prefixes) and the share of their channels that goes, fixed.
    cost_aware
        Whether channels are ranked by what they are worth for what they cost (in
        `count`); without effect on heuristics that do so anyway.
    model
        Another model, by catalogue name or path, that stands beside the open one as
        it is: nothing is pruned then. Empty for the open model.
    """

    heuristic: str
    sparsity: float
    scope: str = "network"
    count: Target = "params"
    recovery: Recovery = "refit"
    round_to: int = 1
    min_channels: int = 1
    seed: int = 0
    locked: tuple[str, ...] = ()
    training: FineTune | None = None
    steps: int = 1
    ratios: tuple[tuple[str, float], ...] = ()
    cost_aware: bool = False
    model: str = ""

    def __post_init__(self) -> None:
        # The same layers in another order, or as JSON's list, are the same request.
        names: Any = self.locked
        names = (names,) if isinstance(names, str) else names
        object.__setattr__(self, "locked", tuple(sorted(set(map(str, names)))))
        pairs = {str(name): float(share) for name, share in self.ratios}
        object.__setattr__(self, "ratios", tuple(sorted(pairs.items())))
        # Settings of a training that does not happen make no difference.
        given: object = self.training or FineTune()
        tuned = FineTune(**given) if isinstance(given, Mapping) else given
        tuned = tuned if self.recovery == "finetune" else None
        object.__setattr__(self, "training", tuned)

    @property
    def unstructured(self) -> bool:
        """Whether single weights are set to zero, instead of removing channels."""
        return self.heuristic.startswith(UNSTRUCTURED)

    @property
    def rule(self) -> str:
        """Key of the heuristic in the registry of its kind, without a prefix."""
        return self.heuristic.removeprefix(UNSTRUCTURED)

    def key(self, *, without: Collection[str] = ()) -> RequestKey:
        """Return what this request has in common with others that differ in less.

        The only way to say which requests belong together: a field that is added
        later tells them apart until it is left out by name.

        Parameters
        ----------
        without
            Names of fields that may differ, and of fields of the training after
            ``training.``, such as `SPARSITY`, `SIZES` or `SEEDS`.

        Returns
        -------
        key
            Equal for requests that are alike in all other fields. Keys made with
            the same ``without`` can be put in order.

        Raises
        ------
        ValueError
            When a name is no field.
        """
        unknown = sorted(set(without) - _FIELDS)
        if unknown:
            raise ValueError(f"a request has no {', '.join(unknown)}")
        values: list[Hashable] = []
        for name in _NAMES:
            if name in without:
                continue
            value: Any = getattr(self, name)
            if name == "training":
                value = () if value is None else _training_key(value, without)
            values.append(value)
        return tuple(values)


def is_unstructured(heuristic: str) -> bool:
    """Tell whether a heuristic, as a request names it, chooses single weights."""
    return heuristic.startswith(UNSTRUCTURED)


def _training_key(training: FineTune, without: Collection[str]) -> RequestKey:
    names = (each.name for each in fields(training))
    return tuple(
        value
        for name, value in zip(names, astuple(training), strict=True)
        if f"training.{name}" not in without
    )


_NAMES = tuple(each.name for each in fields(PruneRequest))
_FIELDS = frozenset(_NAMES) | {f"training.{each.name}" for each in fields(FineTune)}
REPAIR = frozenset(_NAMES) - {"recovery", "training"}
"""Left out of the key, requests are alike whose models are repaired alike."""
