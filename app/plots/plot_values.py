"""What a plot shows: points, curves and axes."""

from collections.abc import Callable, Hashable
from dataclasses import dataclass

from PySide6.QtCore import QPointF, QRectF, Qt

from app.plots.marks import Shape
from app.rendering.palette import Rgb

Interval = tuple[float, float]
BEST = "\u25c7 no other is faster and better"  # what the frame of the front means


@dataclass(frozen=True, slots=True)
class Dot:
    """One point.

    Parameters
    ----------
    x, y
        In units of the axes.
    key
        Handed back when it is chosen.
    tip
        Shown under the mouse.
    sure
        Measured (filled) or only predicted (hollow).
    across, up
        Intervals of ``x`` and of ``y``; None where there is none.
    best
        Whether no other point beats it in both.
    """

    x: float
    y: float
    key: Hashable
    tip: Callable[[], str] = str
    sure: bool = True
    across: Interval | None = None
    up: Interval | None = None
    best: bool = False


@dataclass(frozen=True, slots=True)
class Line:
    """Points of one curve, in the order in which they are joined.

    Parameters
    ----------
    dots
        From left to right.
    colour, shape, dash
        Looks, see `app.plots.styles`.
    strong
        Drawn at full strength, with its band.
    joined
        Whether a line goes through the points.
    bars
        Whether each point has its own vertical interval drawn too, as where
        only a few are known.
    marked
        Whether points are marked: not where there are hundreds of them.
    """

    dots: tuple[Dot, ...]
    colour: Rgb
    strong: bool = True
    joined: bool = True
    shape: Shape = "circle"
    dash: Qt.PenStyle = Qt.PenStyle.SolidLine
    bars: bool = False
    marked: bool = True


@dataclass(frozen=True, slots=True)
class Axis:
    """One axis: its caption, its limits (None = from the points), its numbers."""

    caption: str
    low: float | None = None
    high: float | None = None
    show: Callable[[float], str] = "{:g}".format


def limits_of(values: list[float], axis: Axis) -> tuple[float, float]:
    """Return the limits of an axis: fixed ones, or the values with some room."""
    low = min(values, default=0.0)
    high = max(values, default=1.0)
    # from the end of the axis: a point alone must not sit on its rim
    room = max((high - (low if axis.low is None else axis.low)) * 0.1, 1e-6)
    first = axis.low if axis.low is not None else low - room
    last = axis.high if axis.high is not None else high + room
    return (first, last) if last > first else (first, first + 1.0)


def place_of(x: float, y: float, box: QRectF, limits: QRectF) -> QPointF:
    """Return the screen position of a value."""
    across = (x - limits.left()) / limits.width()
    up = (y - limits.top()) / limits.height()
    return QPointF(box.left() + across * box.width(), box.bottom() - up * box.height())
