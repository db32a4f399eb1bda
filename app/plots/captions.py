"""At which end of its line the caption of a level is read best."""

from itertools import pairwise

from app.plots.chart import Chart
from app.plots.scales import position

_WIDE, _HIGH, _GAP = 0.24, 0.16, 0.02  # of a caption, as shares of the chart


def caption_on_left(
    chart: Chart, limits: tuple[float, float, float, float], *, below: bool
) -> bool:
    """Return whether the left end of the line has more room than the right one.

    Parameters
    ----------
    chart
        Has a level.
    limits
        Ends of what is visible, as positions.
    below
        Whether the caption stands below the line.
    """
    # where the horizontal axis is a cost, the dense model is on the right
    usual = chart.x.unit != "share"
    if chart.level is None:
        return usual
    left, right, bottom, top = limits
    width, height = right - left or 1.0, top - bottom or 1.0
    y = position(chart.level.value, chart.y)
    taken = {True: 0, False: 0}
    for series in chart.series:
        places = [
            (position(p.x, chart.x), position(p.y, chart.y)) for p in series.points
        ]
        if series.joined:
            places += [
                (x1 + part * (x2 - x1), y1 + part * (y2 - y1))
                for (x1, y1), (x2, y2) in pairwise(places)
                for part in (0.25, 0.5, 0.75)
            ]
        for at_x, at_y in places:
            apart = (y - at_y if below else at_y - y) / height
            if _GAP < apart < _HIGH:
                taken[True] += (at_x - left) / width < _WIDE
                taken[False] += (right - at_x) / width < _WIDE
    return usual if taken[usual] <= taken[not usual] else not usual
