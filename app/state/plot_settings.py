"""What plots show on their axes: the choices of their menus, as frozen values."""

from collections.abc import Hashable
from dataclasses import dataclass, field, replace
from typing import Literal

Reference = Literal["truth", "dense"]
TRUTH: Reference = "truth"
DENSE: Reference = "dense"
SCORE = "score"
"""On an axis: the score that all charts show."""


@dataclass(frozen=True, slots=True)
class AxisChoice:
    """What one chart has on its axes.

    Parameters
    ----------
    x, y
        Keys of `app.plots.quantities`, or `SCORE`; empty for the chart's own.
    log_x, log_y
        Whether an axis is logarithmic.
    """

    x: str = ""
    y: str = ""
    log_x: bool = False
    log_y: bool = False


@dataclass(frozen=True, slots=True)
class ChartSettings:
    """The settings of one chart.

    Parameters
    ----------
    score
        Key of the score on axes of scores.
    against
        What scores are against, where both are known.
    axes
        What was chosen for this chart.
    hidden
        Keys of curves that are left out.
    """

    score: str = "aji"
    against: Reference = "truth"
    axes: AxisChoice = field(default_factory=AxisChoice)
    hidden: frozenset[Hashable] = frozenset()


@dataclass(frozen=True, slots=True)
class PlotSettings:
    """The settings of all charts together.

    Parameters
    ----------
    score, against, hidden
        See `ChartSettings`; common to all charts.
    choices
        Chart keys, each with its own axes.
    """

    score: str = "aji"
    against: Reference = "truth"
    hidden: frozenset[Hashable] = frozenset()
    choices: tuple[tuple[str, AxisChoice], ...] = ()

    def of(self, key: str) -> ChartSettings:
        """Return the settings of one chart."""
        axes = dict(self.choices).get(key, AxisChoice())
        return ChartSettings(self.score, self.against, axes, self.hidden)

    def with_axes(self, key: str, axes: AxisChoice) -> "PlotSettings":
        """Return settings in which one chart has other axes."""
        others = {**dict(self.choices), key: axes}
        return replace(self, choices=tuple(sorted(others.items())))

    def toggled(self, curve: Hashable) -> "PlotSettings":
        """Return settings in which a curve is hidden, or shown again."""
        return replace(self, hidden=self.hidden ^ {curve})
