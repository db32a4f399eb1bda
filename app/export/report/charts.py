"""Curves as SVG text; the same points, colours and bands as in the window."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from html import escape

from app.rendering.palette import Rgb
from app.text.format import ticks

WIDTH, HEIGHT = 460, 300
_LEFT, _RIGHT, _TOP, _BOTTOM = 56, 14, 14, 46


@dataclass(frozen=True, slots=True)
class Curve:
    """One line of a chart.

    Parameters
    ----------
    name
        In the legend.
    colour
        Red, green and blue.
    points
        x and y, in order.
    spread
        Lowest and highest y of each point, or empty.
    measured
        Whether each point was measured (filled) or predicted (open).
    """

    name: str
    colour: Rgb
    points: Sequence[tuple[float, float]]
    spread: Sequence[tuple[float, float] | None] = ()
    measured: Sequence[bool] = ()


@dataclass(frozen=True, slots=True)
class Axes:
    """Titles and shortest ranges of both axes, and the dense model's level."""

    x: str
    y: str
    x_range: tuple[float, float] = (0.0, 1.0)
    y_range: tuple[float, float] = (0.0, 1.0)
    level: float | None = None


def chart(curves: Sequence[Curve], axes: Axes, now: tuple[float, float] | None) -> str:
    """Return one chart.

    Parameters
    ----------
    curves
        Lines with their points.
    axes
        Titles and ranges; ranges grow to hold every point.
    now
        The point that the report is about, ringed.
    """
    xs = [x for curve in curves for x, _ in curve.points]
    ys = [y for curve in curves for _, y in curve.points]
    ys += [end for c in curves for pair in c.spread if pair for end in pair]
    x_low, x_high = min([axes.x_range[0], *xs]), max([axes.x_range[1], *xs])
    y_low, y_high = min([axes.y_range[0], *ys]), max([axes.y_range[1], *ys])

    def at(x: float, y: float) -> tuple[float, float]:
        across = (x - x_low) / (x_high - x_low or 1)
        up = (y - y_low) / (y_high - y_low or 1)
        return (
            round(_LEFT + across * (WIDTH - _LEFT - _RIGHT), 1),
            round(HEIGHT - _BOTTOM - up * (HEIGHT - _TOP - _BOTTOM), 1),
        )

    parts = [
        f'<svg viewBox="0 0 {WIDTH} {HEIGHT}" role="img" '
        f'aria-label="{escape(axes.y)} against {escape(axes.x)}">'
    ]
    for value in ticks(x_low, x_high):
        x, y = at(value, y_low)
        parts.append(f'<line class="grid" x1="{x}" y1="{_TOP}" x2="{x}" y2="{y}"/>')
        parts.append(f'<text x="{x}" y="{y + 16}" class="mid">{value:g}</text>')
    for value in ticks(y_low, y_high):
        x, y = at(x_low, value)
        parts.append(
            f'<line class="grid" x1="{x}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}"/>'
        )
        parts.append(f'<text x="{x - 6}" y="{y + 4}" class="end">{value:g}</text>')
    middle = (_LEFT + WIDTH - _RIGHT) / 2
    parts.append(
        f'<text x="{middle}" y="{HEIGHT - 8}" class="mid title">{escape(axes.x)}</text>'
    )
    height = (_TOP + HEIGHT - _BOTTOM) / 2
    parts.append(
        f'<text transform="translate(13 {height}) rotate(-90)" class="mid title">'
        f"{escape(axes.y)}</text>"
    )
    if axes.level is not None:
        x, y = at(x_low, axes.level)
        parts.append(
            f'<line class="level" x1="{x}" y1="{y}" x2="{WIDTH - _RIGHT}" y2="{y}"/>'
            f'<text x="{WIDTH - _RIGHT}" y="{y - 5}" class="end">dense</text>'
        )
    for curve in curves:
        parts += _curve(curve, at)
    if now is not None:
        x, y = at(*now)
        parts.append(f'<circle class="now" cx="{x}" cy="{y}" r="8"/>')
    parts.append("</svg>")
    return "\n".join(parts)


def _curve(
    curve: Curve, at: Callable[[float, float], tuple[float, float]]
) -> list[str]:
    """Return the line, the spreads and the points of one curve."""
    colour = "rgb({},{},{})".format(*curve.colour)
    places = [at(x, y) for x, y in curve.points]
    line = " ".join(f"{x},{y}" for x, y in places)
    parts = [f'<polyline points="{line}" stroke="{colour}"/>']
    for (x, _), pair in zip(curve.points, curve.spread, strict=False):
        if pair is not None:
            (left, low), (_, high) = at(x, pair[0]), at(x, pair[1])
            parts.append(
                f'<line x1="{left}" y1="{low}" x2="{left}" y2="{high}" '
                f'stroke="{colour}" stroke-width="5" stroke-opacity="0.3"/>'
            )
    sure = curve.measured or [True] * len(places)
    for (x, y), known in zip(places, sure, strict=True):
        fill = colour if known else "none"
        parts.append(
            f'<circle cx="{x}" cy="{y}" r="3.5" fill="{fill}" stroke="{colour}"/>'
        )
    return parts
