"""The overview of a slide: what is drawn stays where it is, also when enlarged."""

import numpy as np
import pytest
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QMouseEvent, QWheelEvent

from app.rendering.overlay import picture_pyramid
from app.state.values import Picture
from app.views.widgets.slide_view import SlideView

SIZE = 80_000, 40_000
REGION = 20_000, 10_000, 2_000, 2_000


@pytest.fixture
def view(qtbot):
    view = SlideView()
    qtbot.addWidget(view)
    view.resize(800, 600)
    pixels = np.full((400, 800, 3), 220, np.uint8)
    view.set_slide(Picture(picture_pyramid(pixels), "slide", 0.25), SIZE)
    view.set_region(REGION)
    return view


def turn(view, steps, at):
    none, keys = QPoint(0, 0), Qt.KeyboardModifier.NoModifier
    view.wheelEvent(QWheelEvent(
        QPointF(*at), QPointF(*at), none, QPoint(0, 120 * steps),
        Qt.MouseButton.NoButton, keys, Qt.ScrollPhase.NoScrollPhase, False,
    ))  # fmt: skip


def move(view, kind, at, button):
    held = (
        Qt.MouseButton.NoButton
        if kind == QMouseEvent.Type.MouseButtonRelease
        else button
    )
    event = QMouseEvent(
        kind, QPointF(*at), QPointF(*at), button, held, Qt.KeyboardModifier.NoModifier
    )
    handlers = {
        QMouseEvent.Type.MouseButtonPress: view.mousePressEvent,
        QMouseEvent.Type.MouseMove: view.mouseMoveEvent,
        QMouseEvent.Type.MouseButtonRelease: view.mouseReleaseEvent,
    }
    handlers[kind](event)


def test_the_wheel_enlarges_about_the_pointer(view):
    before = view.to_screen(REGION)
    at = before.center().x(), before.center().y()
    turn(view, 6, at)
    after = view.to_screen(REGION)
    assert after.width() == pytest.approx(before.width() * 1.2**6)
    assert (after.center().x(), after.center().y()) == pytest.approx(at)
    turn(view, -60, at)
    assert view.to_screen(REGION) == before


def test_what_is_drawn_while_enlarged_lies_on_the_same_pixels(view, qtbot):
    box = view.to_screen(REGION)
    turn(view, 8, (box.center().x(), box.center().y()))
    box = view.to_screen(REGION)
    outside = box.topLeft() - QPointF(150, 150)
    drawn = []
    view.drawn.connect(drawn.append)
    left, press = Qt.MouseButton.LeftButton, QMouseEvent.Type
    move(view, press.MouseButtonPress, (outside.x(), outside.y()), left)
    move(view, press.MouseMove, (box.x(), box.y()), left)
    scale = REGION[2] / box.width()
    x, y, width, height = drawn[-1]
    assert (x + width, y + height) == pytest.approx(REGION[:2], abs=2)
    assert width == pytest.approx(150 * scale, abs=2)


def test_an_enlarged_slide_is_moved_and_never_leaves_the_view(view):
    turn(view, 8, (400, 300))
    before = view.to_screen((0, 0, *SIZE))
    middle, kind = Qt.MouseButton.MiddleButton, QMouseEvent.Type
    move(view, kind.MouseButtonPress, (400, 300), middle)
    move(view, kind.MouseMove, (450, 320), middle)
    after = view.to_screen((0, 0, *SIZE))
    assert (after.x() - before.x(), after.y() - before.y()) == pytest.approx((50, 20))
    move(view, kind.MouseMove, (9000, 9000), middle)
    move(view, kind.MouseButtonRelease, (9000, 9000), middle)
    end = view.to_screen((0, 0, *SIZE))
    assert (end.x(), end.y()) == pytest.approx((0, 0))
    other = 40_000, 40_000
    view.set_slide(None, other, "none")
    assert view.to_screen((0, 0, *other)).height() == pytest.approx(600)
