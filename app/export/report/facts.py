"""What a report says, gathered from the window or from the command line."""

import shlex
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from app.plots.state_data import plot_settings
from app.state.plot_settings import PlotSettings
from app.state.values import DrawnOutcome, Nuclei, Opened, Picture
from core.results import Comparison, Trial
from core.sources import Source
from core.types import FineTune, PruneRequest

if TYPE_CHECKING:
    from app.state.app_state import AppState


@dataclass(frozen=True, slots=True)
class Facts:
    """Everything that a report says.

    Parameters
    ----------
    opened, outcome
        Dense and pruned model on one tile.
    measured
        Latency of the pruned model, or None when it was not measured.
    trials
        All points that were tried on the tile.
    machine
        Words by name: processor, system, versions.
    when
        UTC, ISO 8601.
    plots
        What the charts have on their axes, and which curves they leave out.
    """

    opened: Opened
    outcome: DrawnOutcome
    measured: Comparison | None = None
    trials: Sequence[Trial] = ()
    machine: Mapping[str, str] = field(default_factory=dict)
    when: str = ""
    plots: PlotSettings = field(default_factory=PlotSettings)

    @property
    def picture(self) -> Picture:
        """The tile."""
        return self.opened.picture

    @property
    def dense(self) -> Nuclei:
        """What the dense model finds."""
        return self.opened.nuclei

    @property
    def pruned(self) -> Nuclei:
        """What the pruned model finds."""
        return self.outcome.nuclei

    @property
    def command(self) -> str:
        """The command line that does the same again."""
        return repeat_line(
            self.opened.model.source,
            self.opened.source.pair,
            self.outcome.request,
            self.opened.calibrated_on,
        )


def facts_of(state: "AppState") -> Facts | None:
    """Return what can be reported of the window, or None while there is nothing.

    Parameters
    ----------
    state
        Whose newest result is reported; the machine is asked by the worker.
    """
    if state.opened is None or state.outcome is None:
        return None
    measured = next(
        (t.measured for t in state.trials if t.request == state.outcome.request), None
    )
    settings = plot_settings(state)
    return Facts(state.opened, state.outcome, measured, state.trials, plots=settings)


def repeat_line(
    model: str, source: str, request: PruneRequest, calibration: str = ""
) -> str:
    """Return the command line that prunes the same way again.

    Parameters
    ----------
    model
        Catalogue name or path.
    source
        Tile, and labels beside it, as `app.worker.engine.read` takes them.
    request
        What is pruned.
    calibration
        What the model was calibrated on, where that was chosen.
    """
    if request.model:  # stands beside as it is: nothing is removed from it
        model = request.model
        request = PruneRequest(request.heuristic, 0.0, recovery="none")
    tile = Source.of_tile(source)
    words = ["prunescope", "prune", "--model", model]
    words += ["--tile", tile.text]
    if tile.labels:
        words += ["--labels", tile.labels]
    if calibration:
        words += ["--calibration", calibration]
    words += ["--heuristic", request.heuristic, "--sparsity", f"{request.sparsity:g}"]
    words += ["--scope", request.scope, "--count", request.count]
    words += ["--recovery", request.recovery]
    defaults = PruneRequest(request.heuristic, request.sparsity)
    for option, name in (
        ("--round-to", "round_to"),
        ("--min-channels", "min_channels"),
        ("--seed", "seed"),
        ("--prune-steps", "steps"),
    ):
        value = getattr(request, name)
        if value != getattr(defaults, name):
            words += [option, str(value)]
    if request.locked:
        words += ["--lock", ",".join(request.locked)]
    for name, share in request.ratios:
        words += ["--ratio", f"{name}={share:g}"]
    if request.training is not None:
        words += _training(request.training)
    return shlex.join([*words, "--out", "prunescope-out"])


def _training(training: FineTune) -> list[str]:
    """Return the options of fine-tuning that differ from the defaults."""
    words = []
    defaults = FineTune()
    if training.data:
        words += ["--data", training.data]
    if training.steps:
        words += ["--steps", str(training.steps)]
    elif training.minutes != defaults.minutes:
        words += ["--minutes", f"{training.minutes:g}"]
    if training.rate != defaults.rate:
        words += ["--rate", f"{training.rate:g}"]
    if not training.distil:
        words.append("--no-distil")
    if training.device != defaults.device:
        words += ["--device", training.device]
    return words
