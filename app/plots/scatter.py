"""One quantity over another for every model that was tried: most charts are this."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial

from app.plots.chart import Chart, Level, Point, Series, shown
from app.plots.data import Curve, PlotData
from app.plots.memory import KeptDrawing
from app.plots.quantities import QUANTITIES, Quantity, reference_shown, score_shown
from app.state.plot_settings import SCORE, ChartSettings, Reference
from app.state.trials import front

FRONT = "Pareto front: no model tried is both faster and more accurate"


@dataclass(frozen=True, slots=True)
class _Axes:
    """Both quantities, and what scores are against."""

    x: Quantity
    y: Quantity
    against: Reference


def scatter(
    chart: Chart, data: PlotData, settings: ChartSettings, *, x: str, y: str = SCORE
) -> Chart:
    """Return a chart with a point for each model that has both values.

    Parameters
    ----------
    chart
        Key, title and the sentence while there is no point.
    data
        What was tried.
    settings
        Axes chosen there take the place of ``x`` and ``y``.
    x, y
        Keys of quantities; `SCORE` is the score of the settings.
    """
    still = replace(data, now=None, training=None)  # a drag changes the ring only
    build = partial(_without_ring, chart, still, settings, x, y)
    found = _CHARTS.get(chart.key, (chart, still, settings, x, y), build)
    points = (point for each in found.series for point in each.points)
    return replace(found, ring=next((p for p in points if p.key == data.now), None))


_CHARTS = KeptDrawing[Chart]()


def _without_ring(
    chart: Chart, data: PlotData, settings: ChartSettings, x: str, y: str
) -> Chart:
    chosen = settings.axes
    axes = _Axes(
        QUANTITIES.get(chosen.x, QUANTITIES[x]),
        _up(chosen.y or y, data, settings),
        reference_shown(data, settings),
    )
    empty = replace(
        chart,
        x=axes.x.axis(data, axes.against, log=chosen.log_x),
        y=axes.y.axis(data, axes.against, log=chosen.log_y),
    )
    series = tuple(
        _SERIES.get(
            (chart.key, curve.key),
            (curve, axes, empty.x, empty.y),
            partial(_series, curve, axes, empty),
        )
        for curve in data.curves
        if curve.key not in settings.hidden
    )
    points = [point for each in series for point in each.points]
    best = () if axes.x.is_share else pareto(points, axes.x, axes.y)
    level = axes.y.dense(data, axes.against) if data.curves else None
    return replace(
        empty,
        series=tuple(_explained(each, best) for each in series),
        level=None if level is None else Level(level, "dense"),
        front=tuple((point.x, point.y) for point in best),
    )


def _up(key: str, data: PlotData, settings: ChartSettings) -> Quantity:
    """Return what is on the vertical axis."""
    if key == SCORE or key not in QUANTITIES:
        key = score_shown(data, settings.score)
    return QUANTITIES[key]


_SERIES = KeptDrawing[Series]()


def _series(curve: Curve, axes: _Axes, chart: Chart) -> Series:
    points = (point for point in _points(curve, axes))
    return Series(
        curve.key,
        curve.name,
        tuple(p for p in points if shown(p.x, chart.x) and shown(p.y, chart.y)),
        curve.colour,
        curve.mark,
        curve.dash,
        curve.width,
        curve.strong,
        joined=axes.x.is_share,
        band=axes.x.is_share and axes.y.is_score,
    )


def _points(curve: Curve, axes: _Axes) -> list[Point]:
    found = []
    for sample in curve.samples:
        x = axes.x.read(sample, axes.against)
        y = axes.y.read(sample, axes.against)
        if x is not None and y is not None:
            sure = x.measured and y.measured
            ends = x.interval, y.interval
            found.append(Point(x.value, y.value, sample.key, sure, *ends, sample.tip))
    return sorted(found, key=lambda point: point.x) if axes.x.is_share else found


def pareto(points: Sequence[Point], x: Quantity, y: Quantity) -> tuple[Point, ...]:
    """Return the points that no other beats on both axes, from left to right.

    Parameters
    ----------
    points
        Of all curves. A point alone has nothing to beat.
    x, y
        Say which way is better.
    """
    if len(points) < 2:
        return ()
    across, up = 1 if x.better == "lower" else -1, 1 if y.better == "higher" else -1
    chosen = front([(across * point.x, up * point.y) for point in points])
    return tuple(sorted((points[i] for i in chosen), key=lambda point: point.x))


def _explained(series: Series, best: Sequence[Point]) -> Series:
    """Return a series whose points on the front say so when they are pointed at."""
    on_front = {id(point) for point in best}
    if not any(id(point) in on_front for point in series.points):
        return series
    return replace(
        series,
        points=tuple(
            replace(point, tip=partial(_front_tip, point))
            if id(point) in on_front
            else point
            for point in series.points
        ),
    )


def _front_tip(point: Point) -> str:
    return f"{point.tip()}\n{FRONT}"
