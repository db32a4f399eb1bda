"""The live chart, as a hand and a keyboard use it."""

from dataclasses import replace

import fakes
import pytest
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtGui import QContextMenuEvent, QPalette, QWheelEvent
from PySide6.QtWidgets import QApplication, QLabel, QMenu, QToolButton

from app.plots.data import PlotData
from app.plots.frame import ChartFrame
from app.plots.loading import draw_queue
from app.plots.registry import CHARTS, chart_kind, charts_for
from app.plots.state_data import Caption
from app.plots.trial_data import trial_data
from app.rendering import theme
from app.state.plot_settings import AxisChoice, PlotSettings
from app.views.panels.plots import Plots
from app.views.widgets.demo_plot import DemoPlot
from app.views.widgets.legend import short_names
from core.tables import metrics_for
from core.types import Counts, PruneRequest

# offscreen windows cannot be raised, and Qt says so
quiet = pytest.mark.qt_log_ignore("propagateSizeHints", "does not support")
LEFT = Qt.MouseButton.LeftButton
DENSE = Counts(1000, 10_000, 100)
TITLES = {"l2": "L2 norm", "random": "Random"}
LONG = 30_000  # ms, for a busy machine


def trial(sparsity, score, heuristic="l2", speedup=None):
    asked = PruneRequest(heuristic, sparsity)
    timed = None if speedup is None else fakes.timed(asked, 100.0, speedup)
    scores = dict.fromkeys(("aji", "pq"), score)
    left = Counts(*(round(size * (1 - sparsity)) for size in (1000, 10_000, 100)))
    found = fakes.trial(asked, DENSE, left, timed, scores=scores, kept=0.5)
    return replace(found, intervals={"aji": (score - 0.05, score + 0.02)})


def data(now=0.5, **more):
    rows = [(0.2, 0.95), (0.5, 0.85), (0.8, 0.6)]
    points = [trial(s, score, speedup=1 + s) for s, score in rows]
    points += [trial(s, score - 0.3, "random") for s, score in rows]
    return trial_data(points, TITLES, [PruneRequest("l2", now)], **more)


def listen(*signals):
    heard = []
    for signal in signals:
        signal.connect(lambda *values: heard.append(values))
    return heard


def settle(qtbot, frame):
    qtbot.waitUntil(lambda: frame.view is not None and draw_queue().idle, timeout=LONG)


@pytest.fixture
def frame(qtbot):
    found = ChartFrame(chart_kind("accuracy"))
    qtbot.addWidget(found)
    found.resize(460, 340)
    found.set_data(data(), PlotSettings())
    found.show()
    settle(qtbot, found)
    return found


def place(frame, sparsity, heuristic="l2"):
    key = PruneRequest(heuristic, sparsity)
    point = next(p for p in frame.view.chart.points if p.key == key)
    return frame.view.pixel(point.x, point.y)


def wheel(view, at, steps):
    event = QWheelEvent(
        QPointF(at),
        QPointF(view.viewport().mapToGlobal(at)),
        QPoint(),
        QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view.viewport(), event)


def drag(qtbot, view, start, end):
    qtbot.mousePress(view.viewport(), LEFT, pos=start)
    for step in range(1, 6):
        at = start + (end - start) * step / 5
        moved = type(at)(round(at.x()), round(at.y()))
        from PySide6.QtGui import QMouseEvent

        event = QMouseEvent(
            QEvent.Type.MouseMove,
            QPointF(moved),
            QPointF(view.viewport().mapToGlobal(moved)),
            LEFT,
            LEFT,
            Qt.KeyboardModifier.NoModifier,
        )
        QApplication.sendEvent(view.viewport(), event)
        qtbot.wait(12)  # moves that follow too closely are one
    qtbot.mouseRelease(view.viewport(), LEFT, pos=end)


def test_a_clicked_point_is_chosen_once(qtbot, frame):
    heard = listen(frame.chosen)
    port = frame.view.viewport()
    qtbot.mouseClick(port, LEFT, pos=place(frame, 0.2))
    assert heard == [(PruneRequest("l2", 0.2),)]
    qtbot.mouseClick(
        port, LEFT, pos=frame.view.area().bottomLeft().toPoint() + QPoint(8, -8)
    )
    assert len(heard) == 1


def test_arrow_keys_go_from_point_to_point_of_the_active_curve(qtbot, frame):
    heard = listen(frame.chosen)
    qtbot.keyClick(frame.view, Qt.Key.Key_Right)
    qtbot.keyClick(frame.view, Qt.Key.Key_Left)
    assert heard == [(PruneRequest("l2", 0.8),), (PruneRequest("l2", 0.2),)]


def test_the_wheel_zooms_where_the_pointer_is_and_a_double_click_shows_all(
    qtbot, frame
):
    view = frame.view
    whole, at = view.limits, place(frame, 0.8)
    wheel(view, at, 3)
    assert view.zoomed
    left, right, bottom, top = view.limits
    assert right - left < whole[1] - whole[0]
    assert top - bottom < whole[3] - whole[2]
    moved = place(frame, 0.8) - at
    assert moved.manhattanLength() <= 3, "what is under the pointer stays there"
    frame.set_data(data(0.8), PlotSettings())  # a new ring leaves the part looked at
    settle(qtbot, frame)
    assert view.limits == pytest.approx((left, right, bottom, top))
    qtbot.mouseDClick(view.viewport(), LEFT, pos=QPoint(*map(int, (200, 60))))
    assert view.limits == pytest.approx(whole)
    assert not view.zoomed


def test_keys_zoom_and_go_back(qtbot, frame):
    view, whole = frame.view, frame.view.limits
    qtbot.keyClick(view, Qt.Key.Key_Plus)
    assert view.limits[1] - view.limits[0] < whole[1] - whole[0]
    qtbot.keyClick(view, Qt.Key.Key_Home)
    assert view.limits == pytest.approx(whole)


def test_dragging_pans_and_chooses_nothing(qtbot, frame):
    view = frame.view
    heard, before = listen(frame.chosen), view.limits
    start = place(frame, 0.5)
    drag(qtbot, view, start, start + QPoint(60, 20))
    assert heard == []
    left, right, _, _ = view.limits
    assert left < before[0]
    assert right - left == pytest.approx(before[1] - before[0])
    frame.view_all()
    assert view.limits == pytest.approx(before)


@quiet
def test_the_pointer_previews_a_point_and_the_cross_says_the_values(qtbot, frame):
    view, heard = frame.view, listen(frame.hovered)
    qtbot.mouseMove(view.viewport(), place(frame, 0.8))
    qtbot.waitUntil(lambda: heard == [(PruneRequest("l2", 0.8),)], timeout=5000)
    x, y = view.cross
    assert float(x.removesuffix(" %")) == pytest.approx(80, abs=1.5)
    assert float(y) == pytest.approx(0.6, abs=0.02)
    qtbot.mouseMove(view.viewport(), QPoint(2, 2))
    qtbot.waitUntil(lambda: heard[-1] == (None,), timeout=5000)
    assert view.cross == ("", "")


@quiet
def test_the_menu_chooses_axes_and_copies(qtbot, frame):
    heard = listen(frame.settingsChosen)
    menu = frame.menu()
    entries = {action.text(): action for action in menu.actions()}
    assert {"View all", "Copy picture", "Copy values"} <= set(entries)
    assert {"Export as SVG or PNG…", "Open in a window"} <= set(entries)

    def choose(axis, words):
        sub = next(a.menu() for a in menu.actions() if a.text() == axis)
        next(a for a in sub.actions() if a.text() == words).trigger()
        return heard[-1][0]

    settings = choose("Horizontal axis", "Multiply-accumulates removed")
    assert settings.of("accuracy").axes.x == "macs"
    assert choose("Horizontal axis", "Logarithmic").of("accuracy").axes.log_x
    assert choose("Vertical axis", "PQ").score == "pq"
    settings = choose("Vertical axis", "Speed-up of the network")
    assert settings.of("accuracy").axes.y == "speedup"
    frame.set_data(data(), settings)
    settle(qtbot, frame)
    assert frame.view.chart.y.quantity == "speedup"
    entries["Copy values"].trigger()
    assert QApplication.clipboard().text().startswith("curve\t")
    entries["Copy picture"].trigger()
    assert QApplication.clipboard().image().width() >= 640
    menu.deleteLater()


def test_agreement_or_truth_is_offered_where_both_are_known(qtbot, frame):
    sub = next(a.menu() for a in frame.menu().actions() if a.text() == "Vertical axis")
    assert not [a for a in sub.actions() if "against" in a.text()]
    points = [
        replace(
            trial(s, 0.9, speedup=1.1), dense_scores={"aji": 0.8}, agreement={"aji": s}
        )
        for s in (0.2, 0.5)
    ]
    both = trial_data(points, TITLES, [points[0].request])
    frame.set_data(both, PlotSettings())
    sub = next(a.menu() for a in frame.menu().actions() if a.text() == "Vertical axis")
    words = [a.text() for a in sub.actions() if "against" in a.text()]
    assert words == ["Scores against ground truth", "Scores against the dense model"]
    heard = listen(frame.settingsChosen)
    next(a for a in sub.actions() if a.text() == words[1]).trigger()
    assert heard[-1][0].against == "dense"
    frame.set_data(both, heard[-1][0])
    assert [point.y for point in frame.chart.points] == [0.2, 0.5]


@quiet
def test_a_right_click_opens_the_menu_and_moves_nothing(qtbot, frame):
    view, before = frame.view, frame.view.limits
    at = view.area().center().toPoint()
    event = QContextMenuEvent(
        QContextMenuEvent.Reason.Mouse, at, view.viewport().mapToGlobal(at)
    )
    QApplication.sendEvent(view.viewport(), event)
    menu = QApplication.activePopupWidget()
    assert isinstance(menu, QMenu)
    assert menu.parent() is frame
    menu.close()
    assert view.limits == before


def test_setters_are_silent(qtbot, frame):
    heard = listen(frame.chosen, frame.hovered, frame.settingsChosen)
    frame.set_data(data(0.2), PlotSettings(score="pq"))
    frame.set_data(trial_data((), {}), PlotSettings())
    settle(qtbot, frame)
    assert heard == []
    assert list(frame.view.chart.points) == []


@quiet
def test_a_logarithmic_axis_is_drawn_and_read(qtbot, frame):
    log = PlotSettings().with_axes("accuracy", AxisChoice("latency", log_x=True))
    frame.set_data(data(), log)
    settle(qtbot, frame)
    heard = listen(frame.chosen)
    qtbot.mouseClick(frame.view.viewport(), LEFT, pos=place(frame, 0.8))
    assert heard == [(PruneRequest("l2", 0.8),)]
    qtbot.mouseMove(frame.view.viewport(), place(frame, 0.8))
    qtbot.waitUntil(lambda: frame.view.cross != ("", ""), timeout=5000)
    assert float(frame.view.cross[0]) == pytest.approx(100 / 1.8, rel=0.05)


def pixels(frame):
    view = frame.view
    return view.viewport().grab().toImage()


@pytest.mark.parametrize("name", ["dark", "light"])
def test_it_follows_the_theme(qtbot, frame, name):
    theme.apply(QApplication.instance(), name)
    base = frame.palette().color(QPalette.ColorRole.Base).rgb()
    image = pixels(frame)
    area = frame.view.area().toRect()
    corner = area.bottomRight() - QPoint(3, 3)
    scale = image.devicePixelRatio()
    at = QPoint(round(corner.x() * scale), round(corner.y() * scale))
    assert image.pixel(at) == base


@quiet
def test_another_height_leaves_nothing_of_the_axis_where_it_was(qtbot):
    """Its grid fills the plot, so that Qt keeps more of it than the axis."""

    def drawn(*heights):
        plot = DemoPlot()
        qtbot.addWidget(plot)
        plot.resize(420, heights[0])
        plot.set_data(data(), PlotSettings())
        plot.show()
        for height in heights:
            plot.resize(420, height)
            QApplication.processEvents()
            image = plot.grab().toImage()
        return image

    assert drawn(200, 226, 252) == drawn(252)


def test_a_hidden_chart_is_not_even_made(qtbot):
    made = []

    def draw(chart, found, settings):
        made.append(settings)
        return replace(chart, empty="nothing")

    kind = replace(chart_kind("accuracy"), draw=draw)
    hidden = ChartFrame(kind)
    qtbot.addWidget(hidden)
    for score in ("aji", "pq"):
        hidden.set_data(data(), PlotSettings(score=score))
    qtbot.waitUntil(lambda: draw_queue().idle, timeout=LONG)
    assert made == []
    hidden.show()
    settle(qtbot, hidden)
    assert [settings.score for settings in made] == ["pq"]


def test_charts_are_drawn_one_in_a_turn(qtbot):
    panel = Plots()
    qtbot.addWidget(panel)
    panel.resize(340, 760)
    panel.show()
    panel.set_data(data(), PlotSettings(), Caption())
    frames = [panel.frames[kind.key] for kind in charts_for("trials")]
    for frame in frames:
        settle(qtbot, frame)
    turns = []
    for frame in frames:
        frame.drawn.connect(lambda: turns[-1].append(1))
    panel.set_data(data(0.8), PlotSettings(), Caption())
    while not draw_queue().idle:
        turns.append([])
        QApplication.processEvents()
    drawn = [len(turn) for turn in turns]
    assert sum(drawn) == len(frames)
    assert max(drawn) == 1


# the panel


@pytest.fixture
def panel(qtbot):
    found = Plots()
    qtbot.addWidget(found)
    found.resize(340, 760)
    found.set_data(data(), PlotSettings(), Caption("demo", "demo"))
    found.show()
    return found


def test_every_chart_of_the_registry_is_in_the_panel(panel):
    assert list(panel.frames) == [kind.key for kind in CHARTS]
    shown = [key for key, frame in panel.frames.items() if not frame.isHidden()]
    assert shown == [kind.key for kind in charts_for("trials")]
    panel.set_training(on=True)
    assert not panel.frames["training"].isHidden()


def test_legend_entries_hide_curves(qtbot, panel):
    heard = listen(panel.settingsChosen)
    assert panel.legend.names == ("L2 norm", "Random (baseline)"), "both are refit"
    entry = panel.legend.buttons[1]
    assert entry.isChecked()
    qtbot.mouseClick(entry, LEFT)
    (settings,) = heard[0]
    panel.set_data(data(), settings, Caption())
    for kind in charts_for("trials"):
        names = [series.name for series in panel.frames[kind.key].chart.series]
        assert names == ["L2 norm, refit"]
    assert not panel.legend.buttons[1].isChecked(), "it can be shown again"
    qtbot.mouseClick(panel.legend.buttons[1], LEFT)
    assert heard[-1][0].hidden == frozenset()


def test_many_curves_are_named_when_asked_for(qtbot, panel):
    points = [trial(0.5, 0.9, heuristic) for heuristic in (f"h{i}" for i in range(9))]
    panel.set_data(trial_data(points, {}), PlotSettings(), Caption())
    assert panel.legend.names[-1] == "and 3 more"
    qtbot.mouseClick(panel.legend.buttons[-1], LEFT)
    assert len(panel.legend.names) == 9


def test_a_curve_that_is_added_moves_no_chart(qtbot, panel):
    places = set()
    for count in range(1, 12):
        names = [f"a heuristic with a long name {i}" for i in range(count)]
        points = [trial(0.5, 0.9, name) for name in names]
        panel.set_data(trial_data(points, {}), PlotSettings(), Caption())
        QApplication.processEvents()
        frame = panel.frames["accuracy"]
        places.add((frame.mapTo(panel, frame.rect().topLeft()).y(), frame.height()))
        assert panel.legend.height() >= panel.legend.childrenRect().bottom()
    assert len(places) == 1


def test_names_keep_what_tells_them_apart():
    names = ["L2 norm, refit", "L2 norm, layer, refit", "Random, refit (baseline)"]
    assert short_names(names) == ["L2 norm", "L2 norm, layer", "Random (baseline)"]
    assert short_names(["L2 norm, refit", "L2 norm, none"])[1] == "L2 norm, none"
    assert short_names(["A, refit", "A, refit, refit"]) == ["A", "A, refit"]
    assert short_names(["A, refit"]) == ["A, refit"]
    assert short_names([]) == []


@pytest.mark.parametrize("width", [280, 300, 340, 600])
def test_titles_are_whole_at_every_width(qtbot, panel, width):
    panel.resize(width, 760)
    for kind in charts_for("trials"):
        frame = panel.frames[kind.key]
        settle(qtbot, frame)
        qtbot.waitUntil(lambda f=frame: f.chart == f.view.chart)
        QApplication.processEvents()
        words = [w for w in frame.findChildren(QLabel) if w.text() == kind.title]
        words += [b for b in frame.findChildren(QToolButton) if b.isVisible()]
        for widget in words:
            whole = min(widget.sizeHint().width(), widget.maximumWidth())
            assert widget.width() >= whole, widget.text()
            assert widget.geometry().right() <= frame.width()


def test_before_the_first_model_the_scores_of_the_task_are_offered(panel):
    for task in ("patch", "nuclei"):
        panel.set_data(PlotData(task=task), PlotSettings(), Caption())
        offered = [panel.score.itemData(i) for i in range(panel.score.count())]
        assert offered == [row.key for row in metrics_for(task)]


def test_the_score_is_chosen_for_all_charts(qtbot, panel):
    heard = listen(panel.settingsChosen)
    assert [panel.score.itemText(i) for i in range(panel.score.count())] == [
        "AJI",
        "PQ",
    ]
    panel.score.setCurrentIndex(1)
    assert heard == [], "only what the user does is told"
    panel.score.activated.emit(1)
    assert heard[0][0].score == "pq"


@quiet
def test_a_chart_opens_large_and_stays_up_to_date(qtbot, panel):
    frame = panel.frames["trade"]
    qtbot.mouseClick(frame.findChild(QToolButton, "enlarge"), LEFT)
    window = panel.enlarge("trade")
    assert window is panel.enlarge("trade"), "one window for a chart"
    assert window.isWindow()
    settle(qtbot, window.frame)
    assert window.frame.view.chart == frame.chart
    panel.set_data(data(0.8), PlotSettings(score="pq"), Caption())
    settle(qtbot, window.frame)
    assert window.frame.view.chart.y.quantity == "pq"
    heard = listen(panel.pointChosen, panel.settingsChosen)
    window.frame.chosen.emit("point")
    window.legend.buttons[0].click()
    assert [len(values) for values in heard] == [1, 1]
    window.close()
    assert panel.enlarge("trade") is not window
    panel.enlarge("trade").close()
