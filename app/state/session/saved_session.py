"""What a session file holds: one frozen value; `session_file` reads and writes it."""

from collections.abc import Hashable
from dataclasses import dataclass, field
from typing import Any, Literal

from app.state.display import Display
from app.state.history import Arrangement, History, Lock
from app.state.plot_settings import AxisChoice, PlotSettings, Reference
from app.state.session.saved_trials import SavedTrial
from core.results import Trial
from core.types import FineTune, PruneRequest

FORMAT: Literal[1] = 1
_DEEP = 8  # of a curve's key


@dataclass(frozen=True, slots=True)
class SavedPlots:
    """Axes and hidden curves of the plots, see `PlotSettings`."""

    score: str = "aji"
    against: Reference = "truth"
    choices: tuple[tuple[str, AxisChoice], ...] = ()
    hidden: tuple[Any, ...] = ()


@dataclass(frozen=True, slots=True)
class SavedSession:
    """One session.

    Parameters
    ----------
    session
        Version of the format.
    saved
        UTC, ISO 8601.
    model, tile
        What they were opened from.
    contents
        Hash of the model's weights, and of the tile's pixels and ground truth.
    calibration
        What was chosen to calibrate on; empty for the default.
    panes, active, lock
        Requests of the panes, and how they stand together.
    display, plots, tuning
        How masks and plots are drawn, and how a fine-tuning was asked for last.
    past, future
        Settings that can be undone and redone.
    trials
        Points of the plots.
    closed
        Whether the window was closed; an autosave of one that was killed is not.
    tries
        How often it was tried to open an autosave: one that ends the program is not
        tried for ever.
    """

    session: Literal[1]
    saved: str
    model: str
    tile: str
    panes: tuple[PruneRequest, ...]
    contents: tuple[str, str] = ("", "")
    calibration: str = ""
    active: int = 0
    lock: Lock = "free"
    display: Display = field(default_factory=Display)
    plots: SavedPlots = field(default_factory=SavedPlots)
    tuning: FineTune = field(default_factory=FineTune)
    past: tuple[Arrangement, ...] = ()
    future: tuple[Arrangement, ...] = ()
    trials: tuple[SavedTrial, ...] = ()
    closed: bool = False
    tries: int = 0

    @property
    def arrangement(self) -> Arrangement:
        """How the panes are set."""
        return Arrangement(self.panes, self.active, self.lock)

    @property
    def history(self) -> History:
        """What can be undone and redone."""
        return History(self.past, self.future)

    @property
    def plot_settings(self) -> PlotSettings:
        """Axes and hidden curves of the plots."""
        kept = self.plots
        hidden = frozenset(_frozen(key) for key in kept.hidden)
        return PlotSettings(kept.score, kept.against, hidden, kept.choices)

    def to_trials(self) -> tuple[Trial, ...]:
        """Return the points.

        Raises
        ------
        ValueError
            When one is none.
        """
        return tuple(each.to_trial() for each in self.trials)


def _frozen(key: Any, depth: int = 0) -> Hashable:
    """Return a curve's key, whose tuples JSON has made lists."""
    if depth > _DEEP or isinstance(key, dict):
        raise ValueError("a hidden curve has no such name")
    if isinstance(key, list):
        return tuple(_frozen(each, depth + 1) for each in key)
    assert isinstance(key, Hashable)
    return key
