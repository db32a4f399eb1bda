"""A chart as a value: what is drawn, without how; free of Qt and of any renderer.

The window draws it with pyqtgraph (`app.plots.view`), files and the report draw it
as SVG (`app.plots.svg`).
"""

import math
from collections.abc import Callable, Hashable, Iterator
from dataclasses import dataclass, field
from typing import Literal

from app.rendering.series_looks import Dash, Mark, Rgb

__all__ = [
    "Axis",
    "Chart",
    "Interval",
    "Level",
    "Point",
    "Rgb",
    "Series",
    "Unit",
    "shown",
]

Interval = tuple[float, float]
Unit = Literal["share", "score", "ms", "ratio", "number"]


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis.

    Parameters
    ----------
    title
        Below or beside it.
    unit
        How values are written: ``share`` in percent, ``ratio`` with a multiplication
        sign.
    low, high
        Its ends; None takes them from the points.
    log
        Whether it is logarithmic; values that are not positive are then left out.
    quantity
        Key in `app.plots.quantities`; empty where there is nothing to choose from.
    short
        Its title where there is little room; empty where there is no shorter one.
    """

    title: str
    unit: Unit = "number"
    low: float | None = None
    high: float | None = None
    log: bool = False
    quantity: str = ""
    short: str = ""


@dataclass(frozen=True, slots=True)
class Point:
    """One mark.

    Parameters
    ----------
    x, y
        In units of the axes; finite.
    key
        Handed back when it is clicked.
    measured
        Drawn filled; hollow where the value is a prediction.
    x_interval, y_interval
        Low and high end; None where there is none.
    tip
        Returns the text beside it; called only when it is needed.
    """

    x: float
    y: float
    key: Hashable
    measured: bool = True
    x_interval: Interval | None = None
    y_interval: Interval | None = None
    tip: Callable[[], str] = field(default=str, compare=False)


@dataclass(frozen=True, slots=True)
class Series:
    """The points of one curve and its looks.

    Parameters
    ----------
    key
        Which curve it is.
    name
        In the legend.
    points
        In the order in which they are joined.
    colour, mark, dash, width
        See `app.plots.styles`.
    strong
        Drawn at full strength and with its intervals.
    joined
        Whether a line goes through the points.
    marked
        Whether points have marks: not where there are hundreds.
    band
        Whether vertical intervals are joined to a band; otherwise each is a bar.
    """

    key: Hashable
    name: str
    points: tuple[Point, ...]
    colour: Rgb
    mark: Mark = "circle"
    dash: Dash = "solid"
    width: float = 2.0
    strong: bool = True
    joined: bool = True
    marked: bool = True
    band: bool = True


@dataclass(frozen=True, slots=True)
class Level:
    """A dashed horizontal line with a caption, such as that of the dense model."""

    value: float
    caption: str


@dataclass(frozen=True, slots=True)
class Chart:
    """Everything that one chart shows.

    Parameters
    ----------
    key, title
        Of its kind, see `app.plots.registry`.
    x, y
        Axes.
    series
        The foremost last.
    level
        Line of the dense model, or None.
    ring
        The point that the window is on, or None.
    front
        Points of the Pareto front from left to right; framed and joined.
    empty
        What is written while there is no point.
    """

    key: str
    title: str
    x: Axis
    y: Axis
    series: tuple[Series, ...] = ()
    level: Level | None = None
    ring: Point | None = None
    front: tuple[Interval, ...] = ()
    empty: str = ""

    @property
    def points(self) -> Iterator[Point]:
        """Every point, those of the foremost series last."""
        for series in self.series:
            yield from series.points


def shown(value: float, axis: Axis) -> bool:
    """Return whether an axis has a place for a value."""
    return math.isfinite(value) and (value > 0 or not axis.log)
