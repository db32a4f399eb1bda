"""What charts are made from: models that were tried, sorted into curves."""

from collections.abc import Callable, Hashable, Mapping
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.plots.chart import Interval, Rgb
from app.plots.marks import Dash, Mark
from app.state.plot_settings import Reference
from app.state.trials import remember_last
from core.tables import METRICS, metrics_for
from core.tables.metrics import TaskName

if TYPE_CHECKING:
    from app.state.training import Training


@dataclass(frozen=True, slots=True)
class Reading:
    """A value of one model.

    Parameters
    ----------
    value
        In the unit of its quantity.
    interval
        Low and high end, or None.
    measured
        False for a prediction.
    """

    value: float
    interval: Interval | None = None
    measured: bool = True


@dataclass(frozen=True, slots=True)
class PlotSample:
    """One model that was tried, with everything that an axis can show.

    Parameters
    ----------
    key
        Handed back when it is clicked.
    removed
        Shares of ``params``, ``macs`` and ``channels`` that are gone, 0 to 1.
    scores
        By reference and name: against the ground truth, and against the dense model.
    latency, speedup
        Of the network: milliseconds (or a share of the dense model's, see
        `PlotData.timed`), and dense over pruned.
    tip
        Returns the text beside it.
    """

    key: Hashable
    removed: Mapping[str, float]
    scores: Mapping[Reference, Mapping[str, Reading]]
    latency: Reading | None = None
    speedup: Reading | None = None
    tip: Callable[[], str] = field(default=str, compare=False)


@dataclass(frozen=True, slots=True)
class Curve:
    """Models that differ in the sparsity only.

    Parameters
    ----------
    key, name
        What they have in common, as a value and in words.
    samples
        From the largest model to the smallest.
    colour, mark, dash, width
        See `app.plots.styles`.
    strong
        Whether a pane is on it.
    """

    key: Hashable
    name: str
    samples: tuple[PlotSample, ...]
    colour: Rgb
    mark: Mark = "circle"
    dash: Dash = "solid"
    width: float = 2.0
    strong: bool = True


@dataclass(frozen=True, slots=True)
class PlotData:
    """Everything that charts can be made from.

    Parameters
    ----------
    curves
        The foremost last.
    dense_scores
        Of the dense model against the ground truth; empty without one.
    dense_ms
        Latency of the dense model in milliseconds; None where it is not known, or
        where several machines have several.
    timed
        Whether the latency of samples is in milliseconds. Until something is
        measured, it is a share of the dense model's.
    now
        Key of the sample that the window is on, or None.
    training
        The fine-tuning that runs or ran last, or None.
    task
        Kind of the model: which scores it can have.
    """

    curves: tuple[Curve, ...] = ()
    dense_scores: Mapping[str, float] = field(default_factory=dict)
    dense_ms: float | None = None
    timed: bool = False
    now: Hashable | None = None
    training: "Training | None" = None
    task: TaskName = "nuclei"

    def references(self) -> tuple[Reference, ...]:
        """Return what scores are known against, ground truth first."""
        found = {reference for reference, keys in _known(self.curves).items() if keys}
        if self.dense_scores:
            found.add("truth")
        order: tuple[Reference, ...] = ("truth", "dense")
        return tuple(reference for reference in order if reference in found)

    def score_keys(self) -> frozenset[str]:
        """Return the names of scores that some sample has."""
        return frozenset[str]().union(*_known(self.curves).values())

    def score_choices(self) -> list[str]:
        """Return the scores that can be chosen, in the order of the table.

        Those that some sample has; before the first sample, those of the task.
        """
        known = self.score_keys()
        if not known:
            return [row.key for row in metrics_for(self.task)]
        return [key for key in METRICS if key in known]


@remember_last
def _known(curves: tuple[Curve, ...]) -> Mapping[Reference, frozenset[str]]:
    """Return the names of scores that some sample has, by reference."""
    found: dict[Reference, set[str]] = {}
    for curve in curves:
        for sample in curve.samples:
            for reference, scores in sample.scores.items():
                found.setdefault(reference, set()).update(scores)
    return {reference: frozenset(keys) for reference, keys in found.items()}
