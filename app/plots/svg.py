"""A chart as an SVG drawing: for files, for the clipboard and for the report.

Every shape has presentation attributes, so that any program draws it, and a class,
so that a page can give it the colours of its theme. No Qt.
To read this file, start from `chart_svg`.
"""

import html
from collections.abc import Sequence
from dataclasses import dataclass

from app.plots.captions import caption_on_left
from app.plots.chart import Chart, Point, Rgb, Series
from app.plots.fonts import FAMILY, NAME, font_face, text_width
from app.plots.marks import DASH_PATTERN, Mark, mark_outline
from app.plots.scales import limits, position, tick_labels, tick_positions
from app.plots.scatter import FRONT
from core.printable import to_printable

_TEXT, _SMALL = 14, 13  # font sizes in pixels
_WEAK, _BAND = 0.43, 0.18  # opacities
_THIN = 0.65  # of the width of a line that is on show
_INK, _FAINT, _GRID, _RIM = "#1c232b", "#5c6773", "#e6e9ed", "#c3c9d0"
_PAPER, _MARK = "#ffffff", 3.75  # ground; radius
_ROW = 20.0  # height of a line of the legend


@dataclass(frozen=True, slots=True)
class Size:
    """Width and height of a drawing, in pixels."""

    width: int
    height: int


STANDARD = Size(720, 480)


@dataclass(frozen=True, slots=True)
class _Place:
    """The box of the points, and the positions at its ends."""

    left: float
    top: float
    right: float
    bottom: float
    ends: tuple[float, float, float, float]

    def at(self, x: float, y: float) -> tuple[float, float]:
        """Return the pixel of a position."""
        left, right, bottom, top = self.ends
        across = (x - left) / (right - left)
        up = (y - bottom) / (top - bottom)
        return (
            self.left + across * (self.right - self.left),
            self.bottom - up * (self.bottom - self.top),
        )


def chart_svg(
    chart: Chart,
    size: Size = STANDARD,
    *,
    alone: bool = True,
    embedded: bool = True,
    note: str = "",
) -> str:
    """Return a chart with its legend.

    Parameters
    ----------
    chart
        What is drawn.
    size
        Of the whole drawing. Where the legend leaves too little room for the chart,
        the drawing becomes higher.
    alone
        Whether it is a file of its own, with a white ground and a title, rather than
        part of a page.
    embedded
        Whether a file of its own brings its fonts along.
    note
        A line below the title: model, tile and settings.
    """
    rows = _legend_rows(chart, size.width)
    head = _head_height(note, alone=alone)
    below = 44.0 + _ROW * len(rows) + (6.0 if rows else 0.0)
    height = max(float(size.height), head + 120 + below)
    # the widest number on the vertical axis decides where the box begins
    ends = limits(chart)
    labels = _labels(chart, height - head - below, ends)
    widest = max((text_width(words, _SMALL) for _, words in labels), default=0.0)
    place = _Place(22 + _SMALL + widest, head, size.width - 26.0, height - below, ends)
    # inside a page the name of the format is known, and nothing has an address
    space = ' xmlns="http://www.w3.org/2000/svg"' if alone else ""
    fixed = f' width="{size.width}" height="{height:g}"' if alone else ""
    family = FAMILY if embedded else NAME
    parts = [
        f'<svg{space} viewBox="0 0 {size.width} {height:g}"{fixed} role="img" '
        f'font-family="{family}" font-size="{_SMALL}">',
        f"<title>{_escape(chart.title)}: {_escape(chart.y.title)} over "
        f"{_escape(chart.x.title)}</title>",
    ]
    if alone:
        parts += _front_matter(chart, size.width, height, note)
        if embedded:
            parts.append(f"<style>{font_face(_letters(chart, note))}</style>")
    parts += [*_frame(chart, place, labels), *_content(chart, place)]
    parts += _legend(rows, place.bottom + 44 + 8)
    return "\n".join([*parts, "</svg>\n"])


def _head_height(note: str, *, alone: bool) -> float:
    if not alone:
        return 10.0
    return 58.0 if note else 38.0


def _front_matter(chart: Chart, width: float, height: float, note: str) -> list[str]:
    parts = [
        f'<rect width="{width:g}" height="{height:g}" fill="{_PAPER}"/>',
        f'<text x="14" y="26" font-size="17" font-weight="600" fill="{_INK}">'
        f"{_escape(chart.title)}</text>",
    ]
    if note:
        parts.append(_text(14, 46, note))
    return parts


def _letters(chart: Chart, note: str) -> str:
    """Return every letter that a drawing may need."""
    words = [chart.title, chart.x.title, chart.y.title, note, FRONT, _NUMBERS]
    words += [_capital(chart.x.title), _capital(chart.y.title)]
    words += [chart.level.caption if chart.level else ""]
    return "".join([*words, *(each.name for each in chart.series)])


_NUMBERS = "0123456789.,-+ %\u00d7e"


# The box


def _labels(
    chart: Chart, height: float, ends: tuple[float, float, float, float]
) -> list[tuple[float, str]]:
    """Return the ticks of the vertical axis with their numbers."""
    places = tick_positions(ends[2], ends[3], chart.y, max(int(height / 45), 2) + 1)
    return list(zip(places, tick_labels(places, chart.y), strict=True))


def _frame(
    chart: Chart, place: _Place, labels: Sequence[tuple[float, str]]
) -> list[str]:
    """Return grid, numbers and titles of the axes."""
    parts = []
    left, right, bottom, _ = place.ends
    most = max(int((place.right - place.left) / 80), 2)
    ticks = tick_positions(left, right, chart.x, most + 1)
    for at, words in zip(ticks, tick_labels(ticks, chart.x), strict=True):
        x, _ = place.at(at, bottom)
        parts.append(_line("grid", (x, place.top), (x, place.bottom), _GRID))
        parts.append(_text(x, place.bottom + 17, words, "middle"))
    for at, words in labels:
        _, y = place.at(left, at)
        parts.append(_line("grid", (place.left, y), (place.right, y), _GRID))
        parts.append(_text(place.left - 6, y + 4.5, words, "end"))
    parts.append(
        _line("axis", (place.left, place.bottom), (place.right, place.bottom), _RIM)
    )
    parts.append(
        _line("axis", (place.left, place.top), (place.left, place.bottom), _RIM)
    )
    middle = (place.left + place.right) / 2
    parts.append(_text(middle, place.bottom + 37, _capital(chart.x.title), "middle"))
    up, title = (place.top + place.bottom) / 2, _escape(_capital(chart.y.title))
    parts.append(
        f'<text class="axis-title" transform="translate(17 {up:.1f}) rotate(-90)" '
        f'text-anchor="middle" fill="{_FAINT}">{title}</text>'
    )
    return parts


def _text(x: float, y: float, words: str, anchor: str = "start") -> str:
    return (
        f'<text class="number" x="{x:.1f}" y="{y:.1f}" text-anchor="{anchor}" '
        f'fill="{_FAINT}">{_escape(words)}</text>'
    )


def _line(
    kind: str, start: tuple[float, float], end: tuple[float, float], colour: str
) -> str:
    return (
        f'<line class="{kind}" x1="{start[0]:.1f}" y1="{start[1]:.1f}" '
        f'x2="{end[0]:.1f}" y2="{end[1]:.1f}" stroke="{colour}"/>'
    )


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]


# What is in it


def _content(chart: Chart, place: _Place) -> list[str]:
    """Return level, bands, front, curves and ring, from below to above."""
    parts = ["<g>"]
    if chart.level is not None:
        parts += _level(chart, place)
    for series in chart.series:
        parts += _band(series, chart, place)
    if chart.front:
        ends = [place.at(*_position(x, y, chart)) for x, y in chart.front]
        parts.append(
            f'<polyline class="front" points="{_pairs(ends)}" fill="none" '
            f'stroke="{_FAINT}" stroke-width="1.3" stroke-dasharray="1.5 3"/>'
        )
    for series in chart.series:
        parts += _curve(series, chart, place)
    for x, y in chart.front:
        at = place.at(*_position(x, y, chart))
        parts.append(_mark("diamond", at, 7, f'fill="none" stroke="{_INK}"', "frame"))
    if chart.ring is not None:
        x, y = place.at(*_position(chart.ring.x, chart.ring.y, chart))
        parts.append(
            f'<circle class="ring" cx="{x:.1f}" cy="{y:.1f}" r="8" fill="none" '
            f'stroke="{_INK}" stroke-width="1.8"/>'
        )
    return [*parts, "</g>"]


def _position(x: float, y: float, chart: Chart) -> tuple[float, float]:
    return position(x, chart.x), position(y, chart.y)


def _pairs(places: Sequence[tuple[float, float]]) -> str:
    return " ".join(f"{x:.1f},{y:.1f}" for x, y in places)


def _level(chart: Chart, place: _Place) -> list[str]:
    assert chart.level is not None
    y_at = position(chart.level.value, chart.y)
    _, y = place.at(place.ends[0], y_at)
    if not place.top - 1 <= y <= place.bottom + 1:
        return []
    down = y < place.top + 0.14 * (place.bottom - place.top)
    left = caption_on_left(chart, place.ends, below=down)
    x, anchor = (place.left + 5, "start") if left else (place.right - 5, "end")
    return [
        f'<line class="level" x1="{place.left:.1f}" y1="{y:.1f}" '
        f'x2="{place.right:.1f}" y2="{y:.1f}" stroke="{_INK}" stroke-dasharray="5 4"/>',
        _text(x, y + (15 if down else -5), chart.level.caption, anchor),
    ]


def _band(series: Series, chart: Chart, place: _Place) -> list[str]:
    known = [p for p in series.points if p.y_interval is not None]
    if not (series.strong and series.joined and series.band and len(known) > 1):
        return []
    low = [_end(p, 0, chart, place) for p in known]
    high = [_end(p, 1, chart, place) for p in reversed(known)]
    return [
        f'<polygon class="band" points="{_pairs([*low, *high])}" '
        f'fill="{_colour(series.colour)}" fill-opacity="{_BAND}"/>'
    ]


def _end(point: Point, which: int, chart: Chart, place: _Place) -> tuple[float, float]:
    """Return an end of a vertical interval, inside the box."""
    assert point.y_interval is not None
    value = point.y_interval[which]
    x, y = place.at(*_position(point.x, value, chart))
    return x, min(max(y, place.top), place.bottom)


def _curve(series: Series, chart: Chart, place: _Place) -> list[str]:
    colour, points = _colour(series.colour), series.points
    places = [place.at(*_position(point.x, point.y, chart)) for point in points]
    opacity = "" if series.strong else f' opacity="{_WEAK}"'
    parts = [f'<g class="curve"{opacity}>', f"<title>{_escape(series.name)}</title>"]
    if series.joined and len(places) > 1:
        dash = " ".join(f"{length:g}" for length in DASH_PATTERN[series.dash])
        dashed = f' stroke-dasharray="{dash}"' if dash else ""
        wide = series.width * (1 if series.strong else _THIN)
        parts.append(
            f'<polyline points="{_pairs(places)}" fill="none" stroke="{colour}" '
            f'stroke-width="{wide:g}" stroke-linejoin="round"'
            f"{dashed}/>"
        )
    if series.strong:
        for point in points:
            parts += _bars(point, series, chart, place)
    for point, at in zip(points, places, strict=True):
        if series.marked:
            fill = colour if point.measured else _PAPER
            kind = "mark" if point.measured else "mark hollow"
            looks = f'fill="{fill}" stroke="{colour}" stroke-width="1.5"'
            parts.append(_mark(series.mark, at, _MARK, looks, kind))
    return [*parts, "</g>"]


def _bars(point: Point, series: Series, chart: Chart, place: _Place) -> list[str]:
    parts, colour = [], _colour(series.colour)
    if point.x_interval is not None:
        ends = [place.at(*_position(x, point.y, chart)) for x in point.x_interval]
        parts.append(_line("bar", ends[0], ends[1], colour))
    if point.y_interval is not None and not series.band:
        ends = [_end(point, which, chart, place) for which in (0, 1)]
        parts.append(_line("bar", ends[0], ends[1], colour))
    return parts


def _mark(
    mark: Mark, at: tuple[float, float], radius: float, looks: str, kind: str
) -> str:
    x, y = at
    outline = mark_outline(mark)
    if not outline:
        return (
            f'<circle class="{kind}" cx="{x:.1f}" cy="{y:.1f}" r="{radius}" {looks}/>'
        )
    corners = _pairs([(x + radius * dx, y + radius * dy) for dx, dy in outline])
    return f'<polygon class="{kind}" points="{corners}" {looks}/>'


def _colour(rgb: Rgb) -> str:
    return "#{:02x}{:02x}{:02x}".format(*rgb)


# Its legend


@dataclass(frozen=True, slots=True)
class _Entry:
    """One entry: a curve, or the frame of the front."""

    name: str
    series: Series | None
    x: float = 0.0


def _legend_rows(chart: Chart, width: float) -> list[list[_Entry]]:
    """Return the entries, in as many rows as they need."""
    entries = [
        _Entry(each.name, each) for each in reversed(chart.series) if each.points
    ]
    if chart.front:
        entries.append(_Entry(FRONT, None))
    rows: list[list[_Entry]] = []
    x = width
    for entry in entries:
        wide = 34 + text_width(entry.name, _SMALL) + 18
        if x + wide > width - 10 or not rows:
            rows.append([])
            x = 14.0
        rows[-1].append(_Entry(entry.name, entry.series, x))
        x += wide
    return rows


def _legend(rows: Sequence[Sequence[_Entry]], top: float) -> list[str]:
    parts = ['<g class="legend">']
    for number, row in enumerate(rows):
        y = top + number * _ROW
        for entry in row:
            parts += _swatch(entry, y)
            parts.append(
                f'<text class="name" x="{entry.x + 34:.1f}" y="{y + 4.5:.1f}" '
                f'fill="{_INK}">{_escape(entry.name)}</text>'
            )
    return [*parts, "</g>"]


def _swatch(entry: _Entry, y: float) -> list[str]:
    """Return the line and the mark of a curve, or the frame of the front."""
    middle = entry.x + 14, y
    series = entry.series
    if series is None:
        looks = f'fill="none" stroke="{_INK}"'
        return [_mark("diamond", middle, 5.5, looks, "frame")]
    colour = _colour(series.colour)
    parts = []
    if series.joined:
        dash = " ".join(f"{length:g}" for length in DASH_PATTERN[series.dash])
        parts.append(
            f'<line x1="{entry.x:.1f}" y1="{y:.1f}" x2="{entry.x + 28:.1f}" '
            f'y2="{y:.1f}" stroke="{colour}" stroke-width="{series.width:g}"'
            + (f' stroke-dasharray="{dash}"/>' if dash else "/>")
        )
    if series.marked:
        looks = f'fill="{colour}" stroke="{colour}"'
        parts.append(_mark(series.mark, middle, _MARK, looks, "mark"))
    return parts


def _escape(words: str) -> str:
    """Return words as they may stand in a drawing."""
    return html.escape(to_printable(words))
