"""The window fits every screen, and nothing moves under the pointer."""

import pytest
from conftest import is_idle
from PySide6.QtCore import QPoint, QRect
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QComboBox,
    QLabel,
    QPushButton,
    QScrollBar,
    QWidget,
)

from app.plots.captions import caption_on_left
from app.plots.chart import Axis, Chart, Level, Point, Series
from app.plots.view import ChartView
from app.rendering import theme
from app.rendering.screen import find_text_scale, fit_size
from app.state import events
from app.state.app_state import Message
from app.views.widgets.bars import Bars
from app.views.widgets.segments import Segments

SCREENS = {  # what is left of a screen for the window, in the desktop's own pixels
    "1024x700": (1024, 700),
    "1280x800": (1280, 752),
    "1366x768": (1366, 720),
    "1080p at 150 %": (1280, 672),
    "4K at 200 %": (1920, 1032),
    "4K": (3840, 2112),
}


@pytest.fixture
def shown(qtbot, ready):
    theme.apply(QApplication.instance(), "light", 1.0)
    ready.window.show()
    qtbot.waitExposed(ready.window)
    yield ready
    theme.apply(QApplication.instance(), "light", 1.0)


def place_in(window, widget):
    return QRect(widget.mapTo(window, QPoint(0, 0)), widget.size())


def controls_in(window):
    """Return every control on show that the pointer can reach."""
    found = []
    for kind in (QAbstractButton, QAbstractSlider, QComboBox):
        for widget in window.findChildren(kind):
            hidden = not widget.isVisible() or isinstance(widget, QScrollBar)
            if hidden or widget.objectName().startswith("qt_"):
                continue
            found.append(widget)
    return found


@pytest.mark.parametrize("colours", ["light", "dark"])
def test_the_window_fits_every_screen(shown, colours):
    window = shown.window
    for name, (wide, high) in SCREENS.items():
        theme.apply(QApplication.instance(), colours, 1.5 if name == "4K" else 1.0)
        window.status.set_work("Finding nuclei in a_tile_with_a_long_name.tif", 1, 9)
        for demo in (False, True):
            shown.controller.dispatch(events.DemoSwitched(demo))
            window.resize(wide, high)
            QApplication.processEvents()
            assert (window.width(), window.height()) == (wide, high), (name, demo)
            for widget in controls_in(window):
                area = place_in(window, widget)
                if not window.controls.isAncestorOf(widget):  # that one scrolls
                    assert window.rect().contains(area), (name, widget)
        shown.controller.dispatch(events.DemoSwitched(False))
        QApplication.processEvents()
        cancel = window.status.findChild(QPushButton)
        assert cancel.text() == "Cancel"
        assert not cancel.visibleRegion().isEmpty()
        assert window.rect().contains(place_in(window, cancel)), name


def test_columns_take_turns_in_a_narrow_window(shown):
    window = shown.window
    window.resize(1440, 900)
    QApplication.processEvents()
    assert window.controls.isVisible()
    assert window.plots.isVisible()
    window.resize(1024, 700)
    QApplication.processEvents()
    plots, controls = window.command("view.plots"), window.command("view.controls")
    assert window.controls.isVisible()
    assert not window.plots.isVisible()
    assert (controls.isChecked(), plots.isChecked()) == (True, False)
    plots.trigger()
    assert window.plots.isVisible()
    assert not window.controls.isVisible()
    assert (controls.isChecked(), plots.isChecked()) == (False, True)
    plots.trigger()  # hidden: the other one has the room
    assert window.controls.isVisible()
    plots.trigger()
    controls.trigger()
    assert window.controls.isVisible()
    window.resize(1440, 900)
    QApplication.processEvents()
    assert window.plots.isVisible()
    assert window.controls.isVisible()
    controls.trigger()
    plots.trigger()
    assert not window.plots.isVisible()
    assert not window.controls.isVisible()


@pytest.mark.parametrize(
    ("height", "ratio", "scale"),
    [
        (700, 1.0, 1.0),
        (1080, 1.0, 1.0),
        (1440, 1.0, 1.0),
        (2160, 1.0, 1.5),
        (2880, 1.0, 2.0),
        (1080, 2.0, 1.0),
        (2160, 1.5, 1.0),
    ],
)
def test_text_is_larger_on_a_screen_that_is_not_scaled(height, ratio, scale):
    assert find_text_scale(height, ratio) == scale


def test_a_first_window_fits_with_its_frame():
    assert fit_size((1024, 700)) == (1016, 652)
    assert fit_size((1920, 1040)) == (1440, 900)
    assert fit_size((3840, 2160), 1.5) == (2160, 1350)


def test_lengths_of_a_style_grow_and_thin_lines_stay():
    assert theme.enlarge("padding: 4px 8px; border: 1px", 1.5) == (
        "padding: 6px 12px; border: 1px"
    )


def test_nothing_moves_under_the_pointer(qtbot, shown):
    window, controller = shown.window, shown.controller
    window.resize(1440, 900)
    window.hintsAsked.emit(False)
    controller.set_request(sparsity=0.2)
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    QApplication.processEvents()

    def find_places():
        # widgets are kept as keys: another one would get the id of one that is gone
        return {widget: place_in(window, widget) for widget in controls_in(window)}

    seen = []

    def drawn():  # each chart is made when its turn comes
        seen.append(find_places())
        return seen[-10:] == [seen[-1]] * 10

    qtbot.waitUntil(drawn, timeout=10_000)
    places = find_places()

    def unmoved(what):
        QApplication.processEvents()
        now = controls_in(window)
        moved = [
            (
                what,
                w.text() if hasattr(w, "text") else w,
                places[w],
                place_in(window, w),
            )
            for w in now
            if w in places and place_in(window, w) != places[w]
        ]
        assert not moved

    window.hintsAsked.emit(True)
    unmoved("a hint")
    shown.controller.tell(Message("This is a sentence. " * 9, "details"))
    unmoved("a message of many lines")
    shown.controller.tell(None)
    controller.set_request(sparsity=0.9)
    unmoved("work that began")
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    unmoved("results")
    controller.set_display(overlay="difference")
    unmoved("another legend")
    controller.set_display(hidden_kinds=("kept", "lost"))
    unmoved("hidden kinds")
    controller.set_display(overlay="fill", hidden_types=(1, 2))
    unmoved("hidden types")
    window.viewer.set_truth(True, True)
    unmoved("ground truth")
    window.status.set_work("Finding nuclei", 1, 4)
    unmoved("progress")
    controller.dispatch(events.ExploreSwitched())
    qtbot.waitUntil(lambda: is_idle(shown), timeout=10_000)
    unmoved("points of the plots")


def test_a_message_is_read_whole(shown):
    window = shown.window
    window.resize(1024, 700)
    shown.controller.tell(Message("One long sentence after another. " * 12, "x"))
    QApplication.processEvents()
    (label,) = [w for w in window.messages.findChildren(QLabel) if w.isVisible()]
    assert label.height() >= label.heightForWidth(label.width())
    assert window.rect().contains(place_in(window, window.messages))


def test_a_low_window_leaves_the_drawing_of_layers_out(qtbot, shown):
    window = shown.window
    window.resize(1440, 900)
    QApplication.processEvents()
    assert window.layers.network.isVisible()
    high = window.viewer.dense.height()
    window.resize(1440, 700)
    QApplication.processEvents()
    assert window.layers.network.isHidden()
    qtbot.waitUntil(lambda: window.viewer.dense.height() > high - 100, timeout=5000)
    layers = window.command("view.layers")
    assert not layers.isChecked()
    layers.trigger()
    assert window.layers.network.isVisible()
    assert layers.isChecked()
    window.nuclei.listAsked.emit(True)
    assert window.layers.nuclei.isVisible()
    window.nuclei.listAsked.emit(False)
    assert window.layers.network.isVisible()


def test_a_chart_leaves_nothing_of_its_old_size(qtbot):
    fresh, grown = ChartView(), ChartView()
    for view in (fresh, grown):
        qtbot.addWidget(view)
        view.set_chart(Chart("a", "A", Axis("x"), Axis("y")))
        view.resize(300, 200)
    grown.resize(200, 120)
    for view in (grown, fresh):
        view.show()
        view.grab()
    grown.resize(300, 200)
    QApplication.processEvents()
    assert grown.grab().toImage() == fresh.grab().toImage()


@pytest.mark.parametrize(("falls", "left"), [(True, True), (False, False)])
def test_the_caption_of_the_dense_model_keeps_off_the_curve(falls, left):
    xs = (0.0, 0.3, 0.6, 0.9) if falls else (0.0, 0.05, 0.1, 0.9)
    ys = (1.0, 1.0, 0.99, 0.9) if falls else (0.9, 0.92, 0.95, 1.0)
    points = tuple(Point(x, y, i) for i, (x, y) in enumerate(zip(xs, ys, strict=True)))
    curve = Series("a", "A", points, (0, 0, 0))
    x = Axis("parameters removed", unit="share")
    chart = Chart("a", "A", x, Axis("AJI"), (curve,), Level(1.0, "dense"))
    assert caption_on_left(chart, (0.0, 1.0, 0.0, 1.05), below=True) is left


def test_the_form_of_a_training_moves_no_control(qtbot, ready):
    window, controls = ready.window, ready.window.controls
    window.resize(1280, 800)
    window.show()
    qtbot.waitExposed(window)

    def places():
        QApplication.processEvents()
        widgets = [controls, window.viewer, *controls.findChildren(Segments)]
        widgets += controls.findChildren(Bars)
        return [w.mapTo(window, w.rect().topLeft()) for w in widgets]

    before = places()
    ready.controller.set_request(recovery="finetune")
    assert controls.training.isVisible()
    assert places() == before
    ready.controller.set_request(recovery="refit")
    assert not controls.training.isVisible()
    assert places() == before


def test_a_first_message_lies_in_its_bar(qtbot, ready):
    window = ready.window
    window.resize(1280, 800)
    window.show()
    qtbot.waitExposed(window)
    for words in ("A short sentence.", "A long sentence. " * 20, "Short again."):
        message = Message(words, kind="warning")
        ready.store.dispatch(events.MessageShown(message))
        QApplication.processEvents()
        bar = window.messages
        shown = [w for w in bar.children() if isinstance(w, QWidget) and w.isVisible()]
        assert len(shown) >= 2  # the words and a button
        assert all(bar.rect().contains(w.geometry()) for w in shown)
