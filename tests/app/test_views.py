"""Each view alone: setters are silent, what the user does is emitted once."""

import fakes
import numpy as np
import pytest
from finding import captioned, named, segments
from PySide6.QtCore import QPoint, QPointF, Qt
from PySide6.QtGui import QWheelEvent
from PySide6.QtWidgets import (
    QAbstractSpinBox,
    QApplication,
    QComboBox,
    QSlider,
    QToolButton,
)

from app.rendering.overlay import Camera, label_pyramid, picture_pyramid
from app.rendering.palette import KIND_COLOUR, by_kind, by_type
from app.rendering.series_looks import series_look
from app.state.values import KINDS, Picture
from app.views.panels.controls import Controls
from app.views.panels.demo import DemoPanel
from app.views.panels.messages import MessageBar
from app.views.panels.nuclei import NucleiBar
from app.views.panels.status import Status
from app.views.panels.viewer import Viewer
from app.views.widgets.bars import Bars
from app.views.widgets.network import Network
from app.views.widgets.segments import Segments
from app.views.widgets.tile_parts import Mask
from app.views.widgets.tile_view import TileView
from core.metrics import Change, nucleus_changes
from core.types import PruneRequest


def listen(*signals):
    heard = []
    for signal in signals:
        signal.connect(lambda *values: heard.append(values))
    return heard


@pytest.fixture
def controls(qtbot):
    view = Controls()
    qtbot.addWidget(view)
    view.set_heuristics(fakes.HEURISTICS)
    view.set_ready(True)
    view.resize(300, 700)
    view.show()
    return view


def asked(view):
    return listen(
        view.heuristicChosen,
        view.scopeChosen,
        view.countChosen,
        view.recoveryChosen,
        view.sparsityChosen,
    )


def test_controls_setters_are_silent(controls):
    heard = asked(controls)
    controls.set_request(
        PruneRequest("random", 0.777, scope="layer", count="macs", recovery="bn")
    )
    controls.set_heuristics(fakes.HEURISTICS)
    controls.set_counts(fakes.DENSE, fakes.counts_at(0.5))
    assert heard == []
    assert named(controls, "Sparsity").value() == 777
    assert named(controls, "Sparsity in per cent").value() == pytest.approx(77.7)
    assert named(controls, "Recovery").choice == "bn"


def test_slider_and_number_ask_once(qtbot, controls):
    controls.set_request(PruneRequest("l2", 0.5))
    heard = listen(controls.sparsityChosen)
    qtbot.keyClick(named(controls, "Sparsity"), Qt.Key.Key_Right)
    assert heard == [(0.505,)]
    named(controls, "Sparsity in per cent").setValue(61.5)
    assert heard[1:] == [(0.615,)]


def test_segments_ask_once_and_only_when_clicked(qtbot, controls):
    heard = listen(controls.scopeChosen)
    button = list(segments(controls, "Scope").values())[1]
    qtbot.mouseClick(button, Qt.MouseButton.LeftButton)
    assert heard == [("layer",)]


def test_heuristics_that_do_not_apply_are_grey_and_say_why(controls):
    box = named(controls, "Heuristic")
    items, index = box.model(), box.findData("bn_scale")
    assert not items.item(index).isEnabled()
    tip = box.itemData(index, Qt.ItemDataRole.ToolTipRole)
    assert "no batch norm" in tip
    assert items.item(box.findData("l2")).isEnabled()


def test_choosing_a_heuristic_asks_for_its_name(qtbot, controls):
    controls.set_request(PruneRequest("reconstruction", 0.5))
    heard = listen(controls.heuristicChosen)
    qtbot.keyClick(named(controls, "Heuristic"), Qt.Key.Key_Down)
    assert heard == [("l2",)]


def test_bars_say_all_three_counts(controls):
    controls.set_counts(fakes.DENSE, fakes.counts_at(0.8))
    said = controls.findChild(Bars).accessibleDescription()
    assert "1.56 M of 7.80 M" in said
    assert "MACs per 256\u00d7256: 5.81 G of 13.2 G" in said
    assert "Channels" in said


def test_every_control_has_a_name_for_screen_readers(controls):
    kinds = (QComboBox, QSlider, QAbstractSpinBox, Segments, Bars)
    for widget in (each for kind in kinds for each in controls.findChildren(kind)):
        assert widget.accessibleName(), widget


@pytest.fixture
def viewer(qtbot):
    view = Viewer()
    qtbot.addWidget(view)
    view.resize(800, 500)
    pixels, labels = fakes.pixels_of()
    view.set_picture(Picture(picture_pyramid(pixels), "tile", 0.25))
    colours = by_type(int(labels.max()), None, fill=False, opacity=1.0)
    mask = Mask(label_pyramid(labels), colours)
    view.set_masks((mask,), (mask,))
    view.show()
    return view


def test_viewer_setters_are_silent(viewer):
    heard = listen(
        viewer.overlayChosen,
        viewer.visibleChosen,
        viewer.opacityChosen,
        viewer.truthChosen,
        viewer.dense.cameraMoved,
        viewer.pruned.cameraMoved,
    )
    viewer.set_display("fill", False, 0.3)
    viewer.set_truth(True, True)
    viewer.go_to((20.0, 30.0))
    viewer.show_whole()
    assert heard == []


def wheel(view, position, turns):
    place = QPointF(*position)
    event = QWheelEvent(
        place,
        view.mapToGlobal(place),
        QPoint(),
        QPoint(0, 120 * turns),
        Qt.MouseButton.NoButton,
        Qt.KeyboardModifier.NoModifier,
        Qt.ScrollPhase.NoScrollPhase,
        False,
    )
    QApplication.sendEvent(view, event)


def test_panes_zoom_and_pan_together(qtbot, viewer):
    wheel(viewer.dense, (100, 60), 2)
    assert viewer.pruned.camera == viewer.dense.camera
    before = viewer.pruned.camera
    left = Qt.MouseButton.LeftButton
    qtbot.mousePress(viewer.pruned, left, pos=QPoint(100, 100))
    qtbot.mouseMove(viewer.pruned, QPoint(140, 110))
    qtbot.mouseRelease(viewer.pruned, left, pos=QPoint(140, 110))
    after = viewer.dense.camera
    assert after.x < before.x
    assert after.y < before.y
    assert after == viewer.pruned.camera


def test_wheel_keeps_what_is_under_the_pointer(viewer):
    pane = viewer.dense
    size, place = (pane.width(), pane.height()), (120.0, 80.0)
    before = pane.camera.at(size, place)
    wheel(pane, place, 3)
    after = pane.camera.at(size, place)
    assert (after.x, after.y) == pytest.approx((before.x, before.y))
    assert pane.camera.scale > before.scale


def test_a_click_points_and_does_not_move(qtbot, viewer):
    heard = listen(viewer.pointed)
    middle = viewer.dense.rect().center()
    before = viewer.dense.camera
    qtbot.mouseClick(viewer.dense, Qt.MouseButton.LeftButton, pos=middle)
    ((x, y),) = heard
    assert (x, y) == pytest.approx((128, 128), abs=2)
    assert viewer.dense.camera == before


def test_masks_are_painted_and_hidden(viewer):
    drawn = viewer.pruned.grab().toImage()
    viewer.set_masks((), ())
    bare = viewer.pruned.grab().toImage()
    assert drawn != bare


def test_blink_shows_the_dense_masks_only_while_held(viewer):
    dense = viewer.dense.masks
    viewer.set_masks(dense, ())
    viewer.blink(True)
    assert viewer.pruned.masks == dense
    viewer.set_masks(dense, ())  # a result that arrives meanwhile
    assert viewer.pruned.masks == dense
    viewer.blink(False)
    assert viewer.pruned.masks == ()


def test_panes_work_from_the_keyboard(qtbot, viewer):
    pane = viewer.dense
    before = pane.camera
    qtbot.keyClick(pane, Qt.Key.Key_Plus)
    assert pane.camera.scale > before.scale
    qtbot.keyClick(pane, Qt.Key.Key_Left)
    assert pane.camera.x < before.x


def test_a_pane_without_a_tile_shows_its_note(qtbot):
    pane = TileView("pane")
    qtbot.addWidget(pane)
    blank = pane.grab().toImage()
    pane.set_note("Opening…")
    assert pane.grab().toImage() != blank


def test_lost_nuclei_are_hatched_whatever_the_stain():
    codes = np.array([Change.KEPT, Change.LOST], np.uint8)
    colours = by_kind(codes, opacity=1.0)
    assert colours.inside[1] == colours.stripe[1] == 0  # kept: outline only
    assert colours.inside[2] != colours.stripe[2]
    only = by_kind(codes, opacity=1.0, only=frozenset({"lost"}))
    assert only.line[1] == 0
    assert only.line[2] != 0


def test_colours_with_a_meaning_are_all_different():
    assert len(set(KIND_COLOUR.values())) == len(KINDS)
    order = ("l1", "l2", "random", "taylor")
    colours = [series_look(name).colour for name in order]
    assert len(set(colours)) == 4


def test_the_network_draws_every_layer(qtbot):
    view = Network()
    qtbot.addWidget(view)
    view.resize(320, 150)
    empty = view.grab().toImage()
    view.set_layers(fakes.LAYERS)
    dense = view.grab().toImage()
    view.set_kept({layer.name: 1 for layer in fakes.LAYERS})
    assert empty != dense != view.grab().toImage()
    qtbot.keyClick(view, Qt.Key.Key_Home)
    for _ in range(8):
        qtbot.keyClick(view, Qt.Key.Key_Right)
    assert "1 of 512" in view.accessibleDescription()


def test_nuclei_buttons_lead_to_their_kind(qtbot):
    view = NucleiBar()
    qtbot.addWidget(view)
    heard = listen(view.kindChosen)
    before = np.arange(1, 50).repeat(4)[None]
    after = np.where(before > 47, 0, before)
    view.set_changes(nucleus_changes(before, after), types=False)
    view.show()
    assert not captioned(view, "0 new").isEnabled()
    shown = [b.text() for b in view.findChildren(QToolButton) if b.isVisible()]
    assert "2 lost" in shown
    assert not any("type" in words for words in shown)
    qtbot.mouseClick(captioned(view, "2 lost"), Qt.MouseButton.LeftButton)
    assert heard == [("lost",)]


def test_messages_can_be_copied_and_dismissed(qtbot):
    view = MessageBar()
    qtbot.addWidget(view)
    heard = listen(view.dismissed)
    view.set_message("It failed: try again.", "the traceback")
    qtbot.mouseClick(captioned(view, "Copy details"), Qt.MouseButton.LeftButton)
    assert QApplication.clipboard().text() == "It failed: try again.\n\nthe traceback"
    assert heard == []
    view.set_message("")
    assert view.isHidden()


def test_status_offers_cancel_only_while_working(qtbot):
    view = Status()
    qtbot.addWidget(view)
    heard = listen(view.cancelAsked)
    view.set_work("Pruning", 1, 4)
    assert not captioned(view, "Cancel").isHidden()
    qtbot.mouseClick(captioned(view, "Cancel"), Qt.MouseButton.LeftButton)
    assert len(heard) == 1
    view.set_work(None)
    assert captioned(view, "Cancel").isHidden()


def test_demo_steps_ask_for_a_sparsity(qtbot):
    view = DemoPanel()
    qtbot.addWidget(view)
    heard = listen(view.stepChosen)
    view.set_story("47 of 49 nuclei still found", "A tenth is left.")
    view.set_step(0.9)
    assert heard == []
    half, tenth = (
        captioned(view, "2   Half of it"),
        captioned(view, "3   A tenth of it"),
    )
    assert tenth.isChecked()
    assert not half.isChecked()
    qtbot.mouseClick(half, Qt.MouseButton.LeftButton)
    assert heard == [(0.5,)]


def test_camera_of_another_tile_size_is_forgotten(viewer):
    viewer.dense.set_camera(Camera(10, 10, 5))
    small = np.zeros((32, 48, 3), np.uint8)
    viewer.set_picture(Picture(picture_pyramid(small), "small"))
    assert (viewer.dense.camera.x, viewer.dense.camera.y) == (24, 16)
