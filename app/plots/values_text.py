"""The values of a chart as text: for a spreadsheet, or to be pasted."""

import csv
import io

from app.plots.chart import Chart, Interval
from core.printable import to_cell

_HEADER = ("x_low", "x_high", "y_low", "y_high", "measured")


def chart_values(chart: Chart) -> str:
    """Return the points of a chart as tab-separated text with a header row.

    Parameters
    ----------
    chart
        Whose points are written, in the units of its axes and with a point as the
        decimal sign, whatever the language of the desktop.
    """
    out = io.StringIO()
    writer = csv.writer(out, delimiter="\t", lineterminator="\n")
    writer.writerow(["curve", chart.x.title, chart.y.title, *_HEADER])
    for series in chart.series:
        for point in series.points:
            ends = (*_ends(point.x_interval), *_ends(point.y_interval))
            kind = "measured" if point.measured else "predicted"
            row = [
                to_cell(series.name),
                f"{point.x:.6g}",
                f"{point.y:.6g}",
                *ends,
                kind,
            ]
            writer.writerow(row)
    return out.getvalue()


def _ends(interval: Interval | None) -> tuple[str, str]:
    return (
        ("", "") if interval is None else (f"{interval[0]:.6g}", f"{interval[1]:.6g}")
    )
