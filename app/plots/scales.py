"""Ends, ticks and numbers of axes: pure functions, the same for every renderer.

Positions are those of the drawing: logarithms (base 10) on a logarithmic axis.
"""

import math
from collections.abc import Iterable
from itertools import pairwise

from app.plots.chart import Axis, Chart
from app.text.format import TIMES
from app.text.format import ticks as round_values

_ROOM = 0.08  # of the data, beyond its ends
_RIM = 0.02  # of an axis with fixed ends
_KEEP = 0.55  # share of an axis that data must fill for the axis to stay
_TINY = 1e-9


def position(value: float, axis: Axis) -> float:
    """Return where on an axis a value lies."""
    if not axis.log:
        return value
    return math.log10(value) if value > 0 else -math.inf


def value_at(place: float, axis: Axis) -> float:
    """Return the value at a position: the other way round."""
    return 10.0**place if axis.log else place


def limits(
    chart: Chart, before: tuple[float, float, float, float] | None = None
) -> tuple[float, float, float, float]:
    """Return the positions of the ends of both axes.

    Parameters
    ----------
    chart
        What is drawn.
    before
        Ends that were used last; kept while everything fits and fills enough of
        them, so that axes do not jump during a drag.

    Returns
    -------
    left, right, bottom, top
    """
    points = [*chart.points, *([chart.ring] if chart.ring else [])]
    xs = [point.x for point in points]
    ys = [point.y for point in points]
    for point in points:
        xs += point.x_interval or ()
        ys += point.y_interval or ()
    if chart.level is not None:
        ys.append(chart.level.value)
    old = before or (math.nan,) * 4
    return (
        *_ends(xs, chart.x, (old[0], old[1])),
        *_ends(ys, chart.y, (old[2], old[3])),
    )


def _ends(
    values: Iterable[float], axis: Axis, before: tuple[float, float]
) -> tuple[float, float]:
    known = [v for v in values if math.isfinite(v) and (v > 0 or not axis.log)]
    if axis.log:
        return _log_ends(known, axis, before)
    low = min(known, default=0.0) if axis.low is None else axis.low
    high = max(known, default=1.0) if axis.high is None else axis.high
    low, high = min([low, *known]), max([high, *known])
    if axis.low is not None and axis.high is not None:
        high = high if high > low else low + 1.0
        rim = _RIM * (high - low)  # a mark at the end is not cut in two
        return low - rim, high + rim
    room = max((high - low) * _ROOM, _TINY)
    first = low - _RIM * (high - low) if axis.low is not None else low - room
    wanted = first, high + room
    if wanted[1] - wanted[0] < 1e-6:
        wanted = wanted[0] - 0.5, wanted[1] + 0.5
    return _steady(wanted, (low, high), before)


def _log_ends(
    known: list[float], axis: Axis, before: tuple[float, float]
) -> tuple[float, float]:
    high = max([*known, *([axis.high] if axis.high else [])], default=1.0)
    low = min(known, default=high / 10)
    ends = math.log10(low), math.log10(high)
    room = max((ends[1] - ends[0]) * _ROOM, 0.02)
    wanted = ends[0] - room, ends[1] + (0.0 if axis.high else room)
    return _steady(wanted, ends, before)


def _steady(
    wanted: tuple[float, float],
    data: tuple[float, float],
    before: tuple[float, float],
) -> tuple[float, float]:
    """Return the ends of before while they still suit the data."""
    fits = before[0] <= data[0] and data[1] <= before[1]
    full = (wanted[1] - wanted[0]) >= _KEEP * (before[1] - before[0])
    return before if fits and full else wanted


def tick_positions(low: float, high: float, axis: Axis, most: int) -> list[float]:
    """Return where ticks are, at most about ``most`` of them.

    Parameters
    ----------
    low, high
        Positions of the ends.
    axis
        Whose ticks they are.
    most
        As many as there is room for.
    """
    if not axis.log:
        return list(round_values(low, high, max(most, 2)))
    for steps in ((1, 2, 5), (1, 3), (1,)):
        found = _log_ticks(low, high, steps)
        if 2 <= len(found) <= most:
            return found
    found = _log_ticks(low, high, (1,))
    if len(found) > most:
        return found[:: math.ceil(len(found) / max(most, 1))]
    # less than a decade: round values, at their logarithms
    values = round_values(10.0**low, 10.0**high, max(most, 2))
    return [math.log10(value) for value in values if value > 0]


def _log_ticks(low: float, high: float, steps: tuple[int, ...]) -> list[float]:
    decades = range(math.floor(low), math.ceil(high) + 1)
    places = (decade + math.log10(step) for decade in decades for step in steps)
    return [place for place in places if low - _TINY <= place <= high + _TINY]


def tick_labels(places: Iterable[float], axis: Axis) -> list[str]:
    """Return the numbers at ticks, with as many decimals as they differ in."""
    values = [value_at(place, axis) for place in places]
    if axis.log and values and max(values) >= 5 * min(values):
        return [number(v, axis, 10.0 ** math.floor(math.log10(v))) for v in values]
    gaps = [abs(b - a) for a, b in pairwise(values)]
    step = min(
        (gap for gap in gaps if gap > 0), default=abs(values[0]) if values else 1
    )
    return [number(value, axis, step) for value in values]


def number(value: float, axis: Axis, step: float) -> str:
    """Return a value of an axis in words.

    Parameters
    ----------
    value
        In the unit of the axis.
    axis
        Says the unit.
    step
        Difference that must be told.
    """
    if axis.unit == "share":
        return f"{value * 100:.{_decimals(step * 100)}f} %"
    ending = TIMES if axis.unit == "ratio" else ""
    return f"{value:,.{_decimals(step)}f}{ending}"


def _decimals(step: float) -> int:
    """Return how many decimals tell values apart that differ by ``step``."""
    if not math.isfinite(step) or step <= 0:
        return 2
    for digits in range(7):
        if abs(step * 10**digits - round(step * 10**digits)) < 1e-6 * 10**digits * step:
            return digits
    return 7


def spoken(value: float, axis: Axis, width: float) -> str:
    """Return a value under a crosshair, to about a pixel.

    Parameters
    ----------
    value
        In the unit of the axis.
    axis
        Says the unit.
    width
        How much one pixel is.
    """
    digits = max(0, -math.floor(math.log10(max(abs(width), 1e-7))))
    return number(value, axis, 10.0 ** -min(digits, 6))
