"""What a dense and a pruned model find in one tile."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from core.metrics.changes import NucleusChanges
from core.results.part import Part
from core.results.patches import PatchChange
from core.tables import MAX_SPARSITY
from core.types import Counts, Prediction, PruneRequest, Target

ScoreMap = Mapping[str, float]
"""Scores by name, see `core.metrics.Scores.by_name`; nan where undefined."""


@dataclass(frozen=True, slots=True, kw_only=True)
class DenseOutcome:
    """The model as it was loaded, on the open tile.

    Parameters
    ----------
    prediction
        What it finds.
    counts
        Its size.
    scores
        Against the ground truth, or None without one.
    seconds
        Duration of the stages.
    input_size
        Height and width of the input that multiply-accumulates are counted for.
    notes
        Sentences about the tile and its ground truth that the numbers depend on.
    part
        The part of the tile that it is of so far; None for the whole. Labels are of
        its box.
    """

    prediction: Prediction
    counts: Counts
    scores: ScoreMap | None
    seconds: Mapping[str, float] = field(default_factory=dict)
    input_size: tuple[int, int] = (256, 256)
    notes: tuple[str, ...] = ()
    part: Part | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Outcome:
    """One pruned model on the open tile.

    Parameters
    ----------
    request
        What was asked for.
    plan_hash
        Names what was kept.
    counts
        What is left.
    prediction
        What the pruned model finds.
    scores
        Against the ground truth, or None without one.
    agreement
        Against the dense model's prediction.
    changes
        What became of each of the dense model's nuclei.
    widths
        Layer name to channels left.
    warnings
        Sentences about layers close to collapse.
    seconds
        Duration of the stages.
    intervals
        Low and high end of scores by name, see `core.metrics.score_intervals`:
        against the ground truth, or the dense model without one.
    training
        How fine-tuning went, see `core.benchmark.recovery.summary_of`; None for
        other recoveries and while it goes on.
    moved
        How far raw outputs moved by map, see `core.nuclei.quantised.moved`.
    patches
        Class and probabilities of each patch; empty for models that find nuclei.
    part
        The part of the tile that it is of so far; None for the whole. Labels are of
        its box, places are of the tile.
    before
        What the dense model finds in that part; None for the whole tile.
    """

    request: PruneRequest
    plan_hash: str = ""
    counts: Counts
    prediction: Prediction
    scores: ScoreMap | None
    agreement: ScoreMap
    changes: NucleusChanges
    widths: Mapping[str, int]
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    intervals: Mapping[str, tuple[float, float]] = field(default_factory=dict)
    training: Mapping[str, Any] | None = None
    moved: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    patches: tuple[PatchChange, ...] = ()
    part: Part | None = None
    before: Prediction | None = None

    @property
    def judged(self) -> ScoreMap:
        """Scores against the ground truth, or else against the dense model."""
        return self.agreement if self.scores is None else self.scores


@dataclass(frozen=True, slots=True, eq=False)
class SizeCurve:
    """All three sizes along one ranking, cheap to ask.

    Parameters
    ----------
    request
        Whose ranking it is; its sparsity and its recovery make no difference.
    count
        What a sparsity is a share of.
    table
        int64 (points, 3): parameters, multiply-accumulates, channels, falling.
    sparsities
        float64 (points,): share of ``count`` that is gone, rising; from the table
        when left out, which does not hold latency.
    widths
        int64 (points,) by layer name: channels left, falling; empty where no channel
        goes.
    """

    request: PruneRequest
    count: Target
    table: NDArray[np.int64]
    sparsities: NDArray[np.float64] | None = None
    widths: Mapping[str, NDArray[np.int64]] = field(default_factory=dict)

    @property
    def reach(self) -> float:
        """Largest sparsity that can be asked for, 0 to `MAX_SPARSITY`."""
        return min(float(self._gone()[-1]), MAX_SPARSITY)

    def at(self, sparsity: float) -> Counts:
        """Return the sizes at a sparsity, to within a step of the table."""
        gone = self._gone()
        values = [np.interp(sparsity, gone, self.table[:, k]) for k in range(3)]
        return Counts(*(round(float(value)) for value in values))

    def widths_at(self, sparsity: float) -> dict[str, int]:
        """Return channels left by layer at a sparsity, to within a step of the table.

        Empty where no channel goes.
        """
        gone = self._gone()
        place = min(int(np.searchsorted(gone, sparsity)), gone.size - 1)
        return {name: int(column[place]) for name, column in self.widths.items()}

    def _gone(self) -> NDArray[np.float64]:
        if self.sparsities is not None:
            return self.sparsities
        column = self.table[:, ("params", "macs", "channels").index(self.count)]
        return 1.0 - column / max(int(column[0]), 1)
