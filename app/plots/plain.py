"""A chart for an audience: how much of the full model's result is kept."""

from dataclasses import replace

from app.plots.chart import Chart, Level, Point
from app.plots.data import PlotData
from app.plots.registry import ChartKind, draw_accuracy
from app.state.plot_settings import ChartSettings


def draw_plain(chart: Chart, data: PlotData, settings: ChartSettings) -> Chart:
    """Agreement with the full model against the share of it that is removed."""
    full = draw_accuracy(chart, data, settings)
    level = Level(full.level.value, "full model") if full.level else None
    return replace(
        full,
        title=chart.title,
        x=replace(full.x, title="share of the model removed", short="removed"),
        y=replace(full.y, title="", short=""),
        level=level,
        series=tuple(
            replace(series, points=tuple(map(_quiet, series.points)))
            for series in full.series
            if series.strong
        ),
        empty="Models that are shown appear here.",
    )


def _quiet(point: Point) -> Point:
    """Return a point whose tip says only how much is removed."""
    return replace(point, tip=lambda: f"{point.x * 100:.0f} % of the model removed")


PLAIN = ChartKind("plain", "Agreement with the full model", draw_plain)
