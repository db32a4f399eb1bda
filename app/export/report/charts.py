"""The charts of the window, as a report has them: every one of the registry."""

from dataclasses import dataclass

from app.export.report.facts import Facts
from app.plots.registry import CHARTS
from app.plots.svg import Size, chart_svg
from app.plots.trial_data import trial_data

_SIZE = Size(560, 400)


@dataclass(frozen=True, slots=True)
class ReportChart:
    """One chart: its title, what it shows in a few sentences, and its SVG drawing."""

    title: str
    about: str
    svg: str


def report_charts(facts: Facts) -> tuple[ReportChart, ...]:
    """Return every chart that has a point, drawn as in the window.

    Parameters
    ----------
    facts
        Its charts have the colours, bands, axes and curves of the window; the ring
        is the model of the report.
    """
    titles = {each.name: each.title for each in facts.opened.heuristics}
    shown = (facts.outcome.request,)
    data = trial_data(facts.trials, titles, shown, facts.opened.scores or {})
    found = []
    for kind in CHARTS:
        chart = kind.build(data, facts.plots.of(kind.key))
        if any(series.points for series in chart.series):
            svg = chart_svg(chart, _SIZE, alone=False)
            found.append(ReportChart(kind.title, kind.about, svg))
    return tuple(found)
