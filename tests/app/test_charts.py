"""Charts as values: what is drawn, whoever draws it."""

import math
import os
import subprocess
import sys
import xml.etree.ElementTree as ET
from dataclasses import replace
from pathlib import Path

import fakes
import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.plots.chart import Axis, Chart, Level, Point, Series
from app.plots.data import PlotData
from app.plots.marks import MARKS, mark_outline
from app.plots.quantities import QUANTITIES, X_CHOICES
from app.plots.registry import CHARTS, chart_kind, charts_for
from app.plots.scales import (
    limits,
    position,
    spoken,
    tick_labels,
    tick_positions,
    value_at,
)
from app.plots.scatter import FRONT, pareto
from app.plots.styles import style_of
from app.plots.svg import Size, chart_svg
from app.plots.trial_data import trial_data
from app.plots.values_text import chart_values
from app.state.plot_settings import AxisChoice, ChartSettings, PlotSettings
from app.text.format import TIMES
from core.tables import METRICS, RECOVERIES, SCOPES, metrics_for
from core.types import SPARSITY, Counts, PruneRequest

DENSE = Counts(1000, 10_000, 100)
TITLES = {"l2": "L2 norm", "random": "Random"}


def trial(sparsity, score=0.9, heuristic="l2", speedup=None, **request):
    asked = PruneRequest(heuristic, sparsity, **request)
    timed = None if speedup is None else fakes.timed(asked, 100.0, speedup)
    scores = dict.fromkeys(("aji", "pq", "dice", "f1"), score)
    left = Counts(
        round(1000 * (1 - sparsity)),
        round(10_000 * (1 - 0.8 * sparsity)),
        round(100 * (1 - 0.6 * sparsity)),
    )
    found = fakes.trial(asked, DENSE, left, timed, scores=scores, kept=0.5)
    return replace(found, intervals={"aji": (score - 0.05, score + 0.02)})


def draw(key, trials, now=(), score="aji", axes=None, **settings):
    data = trial_data(trials, TITLES, now)
    chosen = ChartSettings(score, axes=axes or AxisChoice(), **settings)
    return chart_kind(key).build(data, chosen)


# curves


def test_curves_are_split_and_the_active_one_is_last():
    points = (trial(0.9), trial(0.1), trial(0.5, heuristic="random"))
    now = PruneRequest("l2", 0.1)
    accuracy = draw("accuracy", points, [now], "pq")
    assert [len(series.points) for series in accuracy.series] == [1, 2]
    assert [p.x for p in accuracy.series[-1].points] == pytest.approx([0.1, 0.9])
    assert accuracy.series[-1].strong
    assert not accuracy.series[0].strong
    assert accuracy.series[0].name == "Random, refit (baseline)"
    assert accuracy.series[0].colour == (128, 128, 128)  # random is grey
    assert accuracy.ring.key == now
    trade = draw("trade", points, [now])
    assert not any(series.joined for series in trade.series)


@pytest.mark.parametrize(
    "other",
    [
        {"locked": ("encoder0.conv1",)},
        {"min_channels": 8},
        {"round_to": 16},
        {"steps": 4},
        {"ratios": (("encoder0", 0.5),)},
    ],
    ids=str,
)
def test_points_with_other_limits_are_on_a_curve_of_their_own(other):
    plain = [trial(0.2), trial(0.5)]
    limited = [trial(sparsity, **other) for sparsity in (0.3, 0.6)]
    chart = draw("accuracy", [*plain, *limited], [limited[0].request])
    assert [len(series.points) for series in chart.series] == [2, 2]
    last = chart.series[-1]
    assert {point.key for point in last.points} == {one.request for one in limited}
    assert last.strong
    assert not chart.series[0].strong
    assert len({series.name for series in chart.series}) == 2


@pytest.mark.parametrize("heuristic", ["l2", "random", "mine"])
def test_curves_of_one_heuristic_differ_by_scope_and_recovery(heuristic):
    requests = [
        PruneRequest(heuristic, 0.5, scope=scope, recovery=recovery)
        for scope in SCOPES
        for recovery in RECOVERIES
    ]
    looks = {(look.dash, look.width) for look in map(style_of, requests)}
    assert len(looks) == len(requests)
    assert len({(style_of(r).colour, style_of(r).mark) for r in requests}) == 1
    widths = [style_of(PruneRequest(heuristic, 0.5, recovery=r)) for r in RECOVERIES]
    drawn = [trial(s, recovery=r) for s in (0.2, 0.5) for r in ("none", "refit")]
    chart = draw("accuracy", [replace(each) for each in drawn])
    assert {s.width for s in chart.series} <= {look.width for look in widths}
    assert len({s.width for s in chart.series}) == 2
    picture = chart_svg(chart, Size(400, 300))
    assert all(f'stroke-width="{s.width:g}"' in picture for s in chart.series)


def test_curves_that_did_not_change_stay_the_same_objects():
    points = [trial(s, heuristic=h) for s in (0.2, 0.5) for h in ("l2", "random")]
    first = draw("accuracy", points, [points[0].request])
    moved = draw("accuracy", [*points, trial(0.7)], [points[0].request])
    old, new = ({s.key: s for s in chart.series} for chart in (first, moved))
    same = [key for key in new if new[key] is old[key]]
    assert [key for key in new if key not in same] == [
        points[0].request.key(without=SPARSITY)
    ]
    worse = draw("accuracy", [replace(p, scores={"aji": 0.1}) for p in points])
    assert {point.y for point in worse.points} == {0.1}, "an old value is not kept"


def test_undefined_scores_have_a_latency_but_no_accuracy():
    points = (trial(0.5, math.nan, speedup=2.0),)
    assert list(draw("accuracy", points).points) == []
    assert list(draw("trade", points).points) == []
    assert len(list(draw("latency", points).points)) == 1


def test_latency_is_a_share_until_it_is_measured():
    guessed = draw("latency", (trial(0.5),))
    (point,) = guessed.points
    assert not point.measured
    assert point.y == pytest.approx(1 - 0.8 * 0.5)
    assert (guessed.y.unit, guessed.level.value) == ("share", 1.0)
    known = draw("latency", (trial(0.5, speedup=2.0), trial(0.9, speedup=4.0)))
    assert [point.y for point in known.points] == [50.0, 25.0]
    assert all(point.measured for point in known.points)
    assert (known.y.unit, known.level.value) == ("ms", 100.0)
    assert all(p.y_interval[0] < p.y < p.y_interval[1] for p in known.points)


def test_zeroed_weights_save_no_time():
    zeros = trial(0.5, heuristic="unstructured:magnitude")
    chart = draw("latency", (zeros, trial(0.5), trial(0.2, speedup=1.2)))
    found = {point.key.heuristic: point.y for point in chart.points}
    assert found["unstructured:magnitude"] == pytest.approx(100.0)
    assert found["l2"] < 100.0


def test_hidden_curves_are_left_out_of_the_front_too():
    points = (
        trial(0.5, 0.9, speedup=2.0),
        trial(0.6, 0.8, speedup=1.9),
        trial(0.5, 0.95, heuristic="random", speedup=3.0),
    )
    both = draw("trade", points)
    assert len(both.front) == 1
    hidden = frozenset({s.key for s in both.series if "Random" in s.name})
    alone = draw("trade", points, hidden=hidden)
    assert [series.name for series in alone.series] == ["L2 norm, refit"]
    assert alone.front == ((50.0, 0.9),)


@given(
    st.lists(
        st.tuples(st.integers(1, 50).map(float), st.integers(0, 20).map(float)),
        max_size=20,
    ),
    st.sampled_from(["latency", "speedup"]),
    st.sampled_from(["aji", "ece"]),
)
def test_the_front_is_what_nothing_beats(places, x, y):
    points = [Point(a, b, index) for index, (a, b) in enumerate(places)]
    across, up = QUANTITIES[x], QUANTITIES[y]
    on_front = {point.key for point in pareto(points, across, up)}
    if len(points) < 2:
        assert not on_front
        return
    assert on_front
    sign = 1 if across.better == "lower" else -1, 1 if up.better == "lower" else -1
    cost = {p.key: (sign[0] * p.x, sign[1] * p.y) for p in points}
    for key in on_front:
        a, b = cost[key]
        assert not any(c <= a and d <= b and (c < a or d < b) for c, d in cost.values())


def test_points_on_the_front_say_so():
    points = (trial(0.5, 0.9, speedup=2.0), trial(0.6, 0.8, speedup=1.9))
    said = {p.key.sparsity: FRONT in p.tip() for p in draw("trade", points).points}
    assert said == {0.5: True, 0.6: False}


# axes


@pytest.mark.parametrize("x", X_CHOICES)
@pytest.mark.parametrize("y", ["pq", "latency", "speedup"])
def test_every_quantity_can_be_on_an_axis(x, y):
    points = [trial(s, 1 - s, speedup=1 + s) for s in (0.25, 0.5)]
    chart = draw("accuracy", points, axes=AxisChoice(x, y))
    assert (chart.x.quantity, chart.y.quantity) == (x, y)
    expected = {
        "params": [0.25, 0.5],
        "macs": [0.2, 0.4],
        "channels": [0.15, 0.3],
        "speedup": [1.25, 1.5],
        "latency": [80.0, 100 / 1.5],
        "pq": [0.75, 0.5],
    }
    found = sorted(chart.points, key=lambda point: point.key.sparsity)
    assert [point.x for point in found] == pytest.approx(expected[x])
    assert [point.y for point in found] == pytest.approx(expected[y])


def test_every_score_of_the_table_is_a_quantity():
    assert set(METRICS) <= set(QUANTITIES)
    assert all(QUANTITIES[key].title == row.title for key, row in METRICS.items())
    assert metrics_for("patch")[0].key in QUANTITIES


def test_a_score_that_no_model_has_gives_way_to_one_that_it_has():
    patches = [replace(trial(s), scores={"accuracy": 1 - s}) for s in (0.2, 0.5)]
    chart = draw("accuracy", patches, score="aji")
    assert chart.y.title == "Accuracy against dense"
    assert [point.y for point in chart.points] == [0.8, 0.5]


def test_a_logarithmic_axis_leaves_out_what_it_cannot_show():
    points = [trial(0.0, 0.9), trial(0.1, 0.8), trial(0.9, 0.0)]
    chart = draw("accuracy", points, axes=AxisChoice(log_x=True, log_y=True))
    assert [(p.x, p.y) for p in chart.points] == [(pytest.approx(0.1), 0.8)]
    assert all(map(math.isfinite, limits(chart)))


def plain(*points, x=None, y=None, level=None):
    series = Series("s", "s", tuple(Point(a, b, (a, b)) for a, b in points), (0, 0, 0))
    x, y = x or Axis("x", low=0.0, high=1.0), y or Axis("y")
    return Chart("c", "C", x, y, (series,), level and Level(level, "dense"))


@pytest.mark.parametrize("low", [None, 0.0])
@pytest.mark.parametrize("values", [[1720.0], [3.0, 5.0], [2.0, 4.0]])
def test_a_free_end_of_an_axis_leaves_room_around_the_points(low, values):
    chart = plain(*((0.5, value) for value in values), y=Axis("ms", low=low))
    _, _, bottom, top = limits(chart)
    assert top > max(values)
    assert bottom < min(values)
    if low is not None:
        assert bottom <= 0


def test_an_axis_stays_as_long_as_the_points_fill_it():
    first = limits(plain((0.5, 100.0), y=Axis("ms", low=0.0)))
    smaller = plain((0.5, 70.0), y=Axis("ms", low=0.0))
    assert limits(smaller, first) == first != limits(smaller)
    tiny = plain((0.5, 10.0), y=Axis("ms", low=0.0))
    assert limits(tiny, first) == limits(tiny)
    larger = plain((0.5, 200.0), y=Axis("ms", low=0.0))
    assert limits(larger, first)[3] > 200.0


@given(st.floats(-3, 6), st.floats(0.01, 6), st.integers(2, 12), st.booleans())
def test_ticks_lie_inside_and_are_told_apart(low, span, most, log):
    axis = Axis("v", "number", log=log)
    places = tick_positions(low, low + span, axis, most)
    assert all(low - 1e-6 <= place <= low + span + 1e-6 for place in places)
    assert len(places) <= most + 1
    labels = tick_labels(places, axis)
    assert len(set(labels)) == len(labels)
    for place in places:
        back = position(value_at(place, axis), axis)
        assert back == pytest.approx(place, abs=1e-9)


@pytest.mark.parametrize(
    ("axis", "low", "high", "expected"),
    [
        (Axis("", "share"), 0.0, 1.0, ["0 %", "20 %", "40 %", "60 %", "80 %", "100 %"]),
        (
            Axis("", "share"),
            0.42,
            0.44,
            ["42.0 %", "42.5 %", "43.0 %", "43.5 %", "44.0 %"],
        ),
        (Axis("", "ms"), 0.0, 1750.0, ["0", "500", "1,000", "1,500"]),
        (
            Axis("", "ratio"),
            1.0,
            3.0,
            [f"{v}{TIMES}" for v in (1.0, 1.5, 2.0, 2.5, 3.0)],
        ),
        (Axis("", "ms", log=True), 0.0, 3.0, ["1", "10", "100", "1,000"]),
    ],
)
def test_numbers_of_an_axis(axis, low, high, expected):
    assert tick_labels(tick_positions(low, high, axis, 6), axis) == expected


def test_the_crosshair_says_about_a_pixel():
    assert spoken(0.42345, Axis("", "share"), 0.003) == "42.3 %"
    assert spoken(1234.5, Axis("", "ms"), 3.2) == "1,234"
    assert spoken(0.9137, Axis("", "score"), 0.004) == "0.914"


def test_settings_of_one_chart_leave_the_others():
    settings = PlotSettings().with_axes("accuracy", AxisChoice(x="macs"))
    assert settings.of("accuracy").axes.x == "macs"
    assert settings.of("latency").axes == AxisChoice()
    assert settings.toggled("a").toggled("b").toggled("a").hidden == {"b"}


# drawings


def test_marks_are_about_equally_large_and_all_different():
    outlines = {mark: mark_outline(mark) for mark in MARKS}
    assert len(set(outlines.values())) == len(MARKS) >= 10
    for mark, corners in outlines.items():
        if mark == "circle":
            continue
        area = abs(
            sum(
                x * b - a * y
                for (x, y), (a, b) in zip(
                    corners, [*corners[1:], corners[0]], strict=True
                )
            )
            / 2
        )
        assert 0.6 * math.pi < area < 1.4 * math.pi, mark


def rich():
    rows = [(0.2, 0.95, "l2", 1.2), (0.6, 0.8, "l2", 1.9), (0.5, 0.6, "random", None)]
    points = [trial(s, score, h, speed) for s, score, h, speed in rows]
    return points, [points[1].request]


@pytest.mark.parametrize("kind", charts_for("trials"), ids=lambda kind: kind.key)
def test_a_drawing_has_everything_that_the_chart_has(kind):
    points, now = rich()
    chart = draw(kind.key, points, now)
    tree = ET.fromstring(chart_svg(chart, Size(800, 500), note="demo · tile · 60 %"))
    space = "{http://www.w3.org/2000/svg}"
    assert tree.get("width") == "800"
    words = "".join(tree.itertext())
    for said in (kind.title, "L2 norm, refit", "Random, refit (baseline)", "dense"):
        assert said in words
    assert chart.x.title[1:] in words
    assert chart.y.title[1:] in words
    assert "demo · tile · 60 %" in words
    kinds = [each.get("class") or "" for each in tree.iter()]
    marks = [each for each in kinds if each.startswith("mark")]
    # a mark in the legend for each curve beside those of the points
    assert len(marks) == len(list(chart.points)) + len(chart.series)
    assert kinds.count("ring") == 1
    assert kinds.count("level") == 1
    assert kinds.count("band") == (1 if kind.key == "accuracy" else 0)
    bars = sum(
        (p.x_interval is not None) + (p.y_interval is not None and not s.band)
        for s in chart.series
        if s.strong
        for p in s.points
    )
    assert kinds.count("bar") == bars
    if chart.front:
        assert kinds.count("frame") == len(chart.front) + 1  # and in the legend
        assert FRONT in words
    _, _, width, height = map(float, tree.get("viewBox").split())
    for text in tree.iter(f"{space}text"):
        if text.get("x"):
            assert 0 <= float(text.get("x")) <= width
            assert 0 <= float(text.get("y")) <= height


def test_a_drawing_brings_its_fonts_and_loads_nothing():
    points, now = rich()
    alone = chart_svg(draw("accuracy", points, now))
    assert alone.count("@font-face") == 2
    assert "url(data:font/woff;base64," in alone
    assert len(alone) < 60_000, "some letters of the font, not all of it"
    inside = chart_svg(draw("accuracy", points, now), alone=False)
    assert "http" not in inside
    assert "url(" not in inside


def test_a_long_legend_makes_a_drawing_higher_rather_than_cut_off():
    points = [trial(0.5, steps=steps) for steps in range(1, 60)]
    tree = ET.fromstring(chart_svg(draw("accuracy", points), Size(400, 300)))
    names = [e for e in tree.iter() if e.get("class") == "name"]
    assert len(names) == 59
    height = float(tree.get("height"))
    assert height > 300
    assert all(float(name.get("y")) < height for name in names)


def test_names_are_text_in_a_drawing():
    chart = replace(draw("accuracy", (trial(0.5),)), title="<b>&")
    assert "<b>" not in chart_svg(chart)
    ET.fromstring(chart_svg(chart))


def test_values_can_be_pasted_whatever_the_language():
    points, now = rich()
    chart = draw("latency", points, now)
    header, *rows = chart_values(chart).strip().split("\n")
    assert header.split("\t")[:3] == ["curve", chart.x.title, chart.y.title]
    assert len(rows) == len(list(chart.points))
    cells = [row.split("\t") for row in rows]
    assert {row[-1] for row in cells} == {"measured", "predicted"}
    assert all(float(row[1]) >= 0 for row in cells)


# the registry


def test_keys_and_titles_are_unique_and_every_chart_says_what_it_shows():
    assert len({kind.key for kind in CHARTS}) == len(CHARTS)
    assert len({kind.title for kind in CHARTS}) == len(CHARTS)
    for kind in CHARTS:
        assert kind.about.endswith(".")
        assert kind.build(PlotData(), ChartSettings()).empty


NEW_CHART = """
import sys
from PySide6.QtWidgets import QApplication
from app.plots import registry
from app.plots.scatter import scatter

def draw_size(chart, data, settings):
    \'\'\'Multiply-accumulates over parameters, both removed.\'\'\'
    return scatter(chart, data, settings, x="params", y="macs")

registry.CHARTS += (registry.ChartKind("size", "Sizes", draw_size),)

# everything below is the program as it is
from app.export.report.charts import CHARTS as in_report
from app.export.folder import CHARTS as in_folder
from app.views.main_window.commands.files import FILE_COMMANDS
from app.views.main_window.window import Window
from app.views.panels.sweep import SweepWindow
app = QApplication([])
window = Window()
assert "size" in window.plots.frames
assert "size" in SweepWindow(window).charts.frames
assert "Plot: sizes…" in {command.title for command in FILE_COMMANDS}
assert in_report[-1].key == in_folder[-1].key == "size"
print("everywhere")
"""


def test_a_new_chart_is_one_function_and_one_line():
    """It is then in both windows, in the export menu, in a report and in a folder."""
    done = subprocess.run(
        [sys.executable, "-c", NEW_CHART],
        cwd=Path(__file__).parents[2],
        env={**os.environ, "QT_QPA_PLATFORM": "offscreen"},
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == "everywhere", done.stderr
