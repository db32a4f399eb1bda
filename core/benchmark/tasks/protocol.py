"""What a kind of task does with a network: predict, compare, aggregate, describe.

To read this file, start from `Task`.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Protocol, TypeVar

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from core.job import Job
    from core.metrics import NucleusChanges
    from core.results import PatchChange, ScoreMap
    from core.store import Overall, TileResult
    from core.tables import TaskRow
    from core.tables.metrics import TaskName
    from core.types import LabelledTile, Prediction, Tile


@dataclass(frozen=True, slots=True)
class Judgement:
    """What a pruned network does on all tiles, as a window shows it.

    Parameters
    ----------
    scores, agreement
        Against the ground truth (None without one), and the dense network.
    intervals
        Low and high end of scores by name.
    changes
        What became of each nucleus, or patch.
    moved
        How far raw outputs moved by map; empty where there are no maps.
    patches
        Class and probabilities of each patch; empty for nuclei.
    """

    scores: ScoreMap | None
    agreement: ScoreMap
    changes: NucleusChanges
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    moved: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    patches: tuple[PatchChange, ...] = ()


A = TypeVar("A")


class Task(Protocol[A]):
    """One kind of model on its tiles.

    ``A`` is the answer of a network for one tile.
    """

    @property
    def name(self) -> TaskName:
        """Value of `ModelSpec.task`."""

    @property
    def tiles(self) -> tuple[LabelledTile, ...]:
        """What it is judged by."""

    @property
    def picture(self) -> Tile:
        """The tile that a window shows; of several patches, a sheet of all."""

    def predict(
        self,
        module: nn.Module,
        index: int,
        job: Job | None = None,
        seconds: dict[str, float] | None = None,
    ) -> A:
        """Return what a network says of one tile; safe in several threads.

        Parameters
        ----------
        module
            The dense network, or one pruned from it.
        index
            Of the tile.
        job
            Progress and cancel.
        seconds
            Durations of the stages are added to it.
        """

    def compare(self, index: int, dense: A, pruned: A) -> TileResult:
        """Return the scores of one tile."""

    def aggregate(self, dense: Sequence[A], pruned: Sequence[A]) -> Overall:
        """Return scores that exist only for all tiles together; may be empty."""

    def doubts(self, answers: Sequence[A]) -> tuple[str, ...]:
        """Return why the first tile may be unlike what the dense model knows."""

    def drawn(self, answers: Sequence[A]) -> Prediction:
        """Return what is drawn over the picture."""

    def against_truth(self, answers: Sequence[A]) -> ScoreMap | None:
        """Return the scores of a network, None without ground truth."""

    def judge(self, dense: Sequence[A], pruned: Sequence[A]) -> Judgement:
        """Return all that a window shows of a pruned network."""

    def describe(self) -> TaskRow:
        """Return the words that go with it."""
