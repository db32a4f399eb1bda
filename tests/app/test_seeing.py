"""Seeing the difference: list, swipe, toggles, heat map, drawing of the network."""

from dataclasses import replace

import cv2
import fakes
import numpy as np
import pytest
from finding import captioned, named, said
from PySide6.QtCore import QEvent, QPoint, QPointF, Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QToolButton

from app.rendering.heat import Heat, table, viridis
from app.rendering.overlay import largest_pyramid
from app.state.events import DisplayToggled
from app.state.values import KINDS, RawMap
from app.views.widgets.heat_menu import HeatMenu
from app.views.widgets.network import Network
from app.views.widgets.network_layout import arrange
from app.views.widgets.nucleus_list import NucleusList
from app.views.widgets.nucleus_rows import COLUMNS, NucleusRows
from app.views.widgets.type_legend import TypeLegend
from core.metrics import Change, ChangeColumns, nucleus_changes
from core.results import Layer, LayerStep

NAMES = ("round", "long")


def events(number, seed=0):
    rng = np.random.default_rng(seed)
    return ChangeColumns(
        rng.integers(1, len(KINDS) + 1, number).astype(np.int8),
        rng.integers(0, 3, number).astype(np.int16),
        rng.integers(0, 3, number).astype(np.int16),
        rng.integers(0, 500, number),
        rng.integers(0, 500, number),
        rng.random(number, np.float32),
        rng.uniform(0, 4000, number),
        rng.uniform(0, 4000, number),
    )


def listen(*signals):
    heard = []
    for signal in signals:
        signal.connect(lambda *values: heard.append(values))
    return heard


# The list


def test_events_say_what_the_two_maps_do():
    _, before = fakes.pixels_of()
    after = before.copy()
    after[before == 3] = 0
    after[before == 5] = 4
    changes = nucleus_changes(before, after)
    found = changes.columns
    assert len(found.kind) == len(changes.events)
    for index, event in enumerate(changes.events):
        assert Change(found.kind[index]) is event.kind is not Change.RETYPED
        assert found.before_area[index] == np.isin(before, event.before).sum()
        assert found.after_area[index] == np.isin(after, event.after).sum()
        assert (found.y[index], found.x[index]) == event.place
    lost = np.flatnonzero(found.kind == Change.LOST)
    assert found.before_area[lost[0]] == (before == 3).sum()


@pytest.mark.parametrize("column", range(len(COLUMNS)))
def test_any_column_sorts_both_ways_and_filters_keep_their_kind(qtbot, column):
    found, rows = events(300), NucleusRows()
    rows.set_events(found, NAMES, 0.25)
    keys = (
        found.kind,
        found.before_type * 1000.0 + found.after_type,
        np.maximum(found.before_area, found.after_area),
        found.iou,
        found.y * 1e6 + found.x,
    )[column].astype(float)
    at = {
        place: event for event, place in enumerate(zip(found.x, found.y, strict=True))
    }
    for order in (Qt.SortOrder.DescendingOrder, Qt.SortOrder.AscendingOrder):
        rows.sort(column, order)
        seen = keys[[at[rows.place(row)] for row in range(rows.rowCount())]]
        steps = np.diff(seen)
        assert (
            steps >= 0 if order == Qt.SortOrder.AscendingOrder else steps <= 0
        ).all()
        assert rows.rowCount() == np.count_nonzero(found.kind != Change.KEPT)
    for number, kind in enumerate(KINDS):
        rows.set_kind(kind)
        assert rows.rowCount() == np.count_nonzero(found.kind == number + 1)
        assert {rows.index(r, 0).data() for r in range(rows.rowCount())} == {
            "other type" if kind == "retyped" else kind
        }


def test_areas_follow_the_pixel_size(qtbot):
    one = replace(
        events(1),
        kind=np.array([Change.RETYPED], np.int8),
        before_type=np.array([1], np.int16),
        after_type=np.array([2], np.int16),
        before_area=np.array([160]),
        after_area=np.array([320]),
    )
    rows = NucleusRows()
    rows.set_events(one, NAMES, 0.25)
    assert rows.index(0, 1).data() == "round \u2192 long"
    assert rows.index(0, 2).data() == "10 \u2192 20 \u00b5m\u00b2"
    rows.set_events(one, NAMES, None)
    assert rows.index(0, 2).data() == "160 \u2192 320 px"


def test_ten_thousand_nuclei_are_asked_for_as_they_are_seen(qtbot, monkeypatch):
    asked = set()
    data = NucleusRows.data

    def listen_to(self, index, role=Qt.ItemDataRole.DisplayRole):
        if role == Qt.ItemDataRole.DisplayRole:
            asked.add(self.place(index.row()))
        return data(self, index, role)

    monkeypatch.setattr(NucleusRows, "data", listen_to)
    view = NucleusList()
    qtbot.addWidget(view)
    view.set_events(events(10_000), NAMES, 0.25)
    assert view.table.model().rowCount() == 0  # nobody looks yet
    view.show()
    view.grab()
    assert view.table.model().rowCount() > 5000
    assert 0 < len(asked) < 40
    view.table.sortByColumn(3, Qt.SortOrder.DescendingOrder)
    view.grab()
    assert len(asked) < 80


def test_keys_walk_through_the_list(qtbot):
    view = NucleusList()
    qtbot.addWidget(view)
    view.set_events(events(50), NAMES, None)
    view.show()
    heard = listen(view.placeChosen)
    view.table.setFocus()
    view.table.selectRow(0)
    qtbot.keyClick(view.table, Qt.Key.Key_Down)
    qtbot.keyClick(view.table, Qt.Key.Key_Down)
    assert heard == [view.table.model().place(row) for row in (0, 1, 2)]
    qtbot.keyClick(view.table, Qt.Key.Key_Return)
    assert heard[3:] == [view.table.model().place(2)]
    view.select(view.table.model().place(7))
    assert view.table.currentIndex().row() == 7
    assert len(heard) == 4  # setters are silent


def edit_outcomes(monkeypatch, edit):
    """Let the fake engine give other outcomes from now on."""
    prune = fakes.FakeSession.prune
    monkeypatch.setattr(
        fakes.FakeSession,
        "prune",
        lambda self, request, task: edit(prune(self, request, task)),
    )


def test_a_chip_filters_the_list_and_the_list_leads_to_the_nucleus(qtbot, ready):
    window = ready.window
    window.show()
    ready.controller.set_request(sparsity=0.9)
    qtbot.waitUntil(lambda: ready.store.state.current)
    count = ready.store.state.outcome.changes.count("lost").events
    qtbot.mouseClick(captioned(window.nuclei, "List"), Qt.MouseButton.LeftButton)
    listed = window.layers.nuclei
    assert listed.isVisible()
    assert not window.layers.network.isVisible()
    assert listed.table.model().rowCount() == count > 1
    qtbot.mouseClick(
        captioned(window.nuclei, f"{count} lost"), Qt.MouseButton.LeftButton
    )
    assert listed.table.model().kind == "lost"
    assert listed.table.currentIndex().row() >= 0
    qtbot.keyClick(listed.table, Qt.Key.Key_Down)
    row = listed.table.currentIndex().row()
    for pane in window.viewer.panes:
        assert (pane.camera.x, pane.camera.y) == listed.table.model().place(row)
        assert pane.target == listed.table.model().place(row)


# Swipe


def colours_left_and_right(view):
    image = view.grab().toImage()
    return image.copy(0, 0, 40, image.height()), image.copy(
        image.width() - 40, 0, 40, image.height()
    )


def test_the_divider_parts_dense_from_pruned(qtbot, ready):
    window = ready.window
    window.show()
    ready.controller.set_request(sparsity=0.95)
    qtbot.waitUntil(lambda: ready.store.state.current)
    viewer = window.viewer
    view, dense = viewer.pruned, viewer.dense
    without = view.grab().toImage()
    ready.controller.dispatch(DisplayToggled("swipe"))
    assert captioned(viewer, "Swipe").isChecked()
    view.set_divider(1.0)
    all_dense = view.grab().toImage()
    view.set_divider(0.0)
    all_pruned = view.grab().toImage()
    middle = view.height() // 4
    far = list(range(40, view.width() - 40))
    row = [without.pixel(x, middle) for x in far]
    assert [all_pruned.pixel(x, middle) for x in far] == row
    own = dense.grab().toImage()
    rows = range(40, view.height() - 60)
    column = view.width() // 3
    assert [all_dense.pixel(column, y) for y in rows] == [
        own.pixel(column, y) for y in rows
    ]
    assert all_dense != all_pruned


def test_the_divider_is_dragged_and_moved_by_keys_in_all_panes(qtbot, ready):
    window = ready.window
    window.show()
    ready.controller.dispatch(DisplayToggled("swipe"))
    view = window.viewer.pruned
    heard = listen(view.dividerMoved, view.cameraMoved)
    start = QPoint(round(view.width() * view.divider), 60)
    qtbot.mousePress(view, Qt.MouseButton.LeftButton, pos=start)
    qtbot.mouseMove(view, QPoint(view.width() // 4, 60))
    qtbot.mouseRelease(view, Qt.MouseButton.LeftButton, pos=QPoint(1, 60))
    assert view.divider == pytest.approx(0.25, abs=0.02)
    qtbot.keyClick(view, Qt.Key.Key_Right, Qt.KeyboardModifier.ShiftModifier)
    assert view.divider == pytest.approx(0.27, abs=0.02)
    assert all(len(values) == 1 and isinstance(values[0], float) for values in heard)
    assert {pane.divider for pane in window.viewer.panes[1:]} == {view.divider}
    qtbot.keyClick(view, Qt.Key.Key_Right)  # without shift it pans
    assert window.viewer.dense.camera == view.camera


# Toggles


def test_types_are_hidden_one_by_one_and_that_is_said(qtbot, ready):
    window = ready.window
    window.show()
    before = window.viewer.dense.grab().toImage()
    legend = window.viewer.findChild(TypeLegend)
    for name in "ac":
        qtbot.mouseClick(captioned(legend, name), Qt.MouseButton.LeftButton)
    assert ready.store.state.display.hidden_types == (1, 3)
    assert said(legend) == ["2 types hidden"]
    colours = window.viewer.dense.masks[0].colours.line[1:]
    classes = ready.store.state.opened.nuclei.classes
    assert (colours[np.isin(classes, (1, 3))] == 0).all()
    assert (colours[classes == 2] != 0).all()
    assert window.viewer.dense.grab().toImage() != before
    qtbot.mouseClick(captioned(legend, "Show all"), Qt.MouseButton.LeftButton)
    assert ready.store.state.display.hidden_types == ()
    assert said(legend) == []
    assert window.viewer.dense.grab().toImage() == before


def test_kinds_are_hidden_in_the_difference_only(qtbot, ready):
    window = ready.window
    window.show()
    bar = window.nuclei
    assert not named(bar, "Show nuclei: kept").isEnabled()
    ready.controller.set_request(sparsity=0.9)
    ready.controller.set_display(overlay="difference")
    qtbot.waitUntil(lambda: ready.store.state.current)
    qtbot.mouseClick(named(bar, "Show nuclei: kept"), Qt.MouseButton.LeftButton)
    assert ready.store.state.display.hidden_kinds == ("kept",)
    assert "1 kind hidden: kept" in said(bar)
    drawn = window.viewer.dense.masks[0].colours.line[1:]
    before = ready.store.state.outcome.changes.before_kind
    assert (drawn[before == Change.KEPT] == 0).all()
    assert (drawn[before == Change.LOST] != 0).all()


def test_another_tile_shows_everything_again(qtbot, ready):
    ready.controller.set_display(hidden_types=(1,), hidden_kinds=("lost",))
    ready.controller.open("demo", "other")
    qtbot.waitUntil(lambda: ready.store.state.opened.source.name == "other")
    assert ready.store.state.display.hidden_types == ()
    assert ready.store.state.display.hidden_kinds == ()


def test_a_legend_forgets_types_of_another_model(qtbot):
    view = TypeLegend()
    qtbot.addWidget(view)
    heard = listen(view.hiddenChosen)
    view.set_types({"a": (1, 2, 3), "b": (4, 5, 6)}, (2,))
    view.set_types({"c": (1, 2, 3)}, (2,))
    assert heard == []
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    buttons = [b for b in view.findChildren(QToolButton) if b.isCheckable()]
    assert [button.text() for button in buttons] == ["c"]
    assert buttons[0].isChecked()


# Heat map


def test_the_colour_map_is_viridis():
    grey = np.arange(256, dtype=np.uint8)[None]
    exact = cv2.applyColorMap(grey, cv2.COLORMAP_VIRIDIS)[0, :, ::-1]
    assert np.abs(viridis().astype(int) - exact).max() <= 5  # of 255


def test_what_did_not_move_is_clear_and_what_did_is_not():
    alpha = table(1.0) >> 24
    assert alpha[0] == 0
    assert alpha[255] == 255
    assert (np.diff(alpha.astype(int)) >= 0).all()
    assert (table(0.5) >> 24).max() == 128


def on_screen(view, x, y):
    """Return where a place of the tile is drawn."""
    camera, middle = view.camera, view.rect().toRectF().center()
    offset = QPointF(x - camera.x, y - camera.y) * camera.scale
    return middle + QPointF(0.5, 0.5) + offset


def test_the_heat_map_is_drawn_where_the_output_moved(qtbot, ready, monkeypatch):
    window = ready.window
    window.show()
    moved = np.zeros((256, 256), np.uint8)
    moved[120:136, 120:136] = 255
    raw = {"foreground": RawMap(largest_pyramid(moved), 1, 1.0)}
    edit_outcomes(monkeypatch, lambda outcome: replace(outcome, raw=raw))
    ready.controller.set_request(sparsity=0.6)
    qtbot.waitUntil(lambda: ready.store.state.current)
    ready.controller.set_display(visible=False)
    view = window.viewer.pruned
    before, dense = view.grab().toImage(), window.viewer.dense.grab().toImage()
    none, foreground, _ = window.viewer.findChild(HeatMenu).menu().actions()
    foreground.trigger()
    assert ready.store.state.display.heat == "foreground"
    after = view.grab().toImage()
    place = on_screen(view, 128, 128).toPoint()
    ratio = after.width() / view.width()
    seen = after.pixelColor(place * ratio)
    assert seen.red() > 180
    assert seen.green() > 170
    assert seen.blue() < 90
    elsewhere = (on_screen(view, 60, 60) * ratio).toPoint()
    assert before.pixel(elsewhere) == after.pixel(elsewhere)
    assert window.viewer.dense.grab().toImage() == dense
    none.trigger()
    assert view.grab().toImage() == before


def test_the_same_heat_map_is_not_drawn_again(qtbot, ready):
    view = ready.window.viewer.pruned
    raw = RawMap(largest_pyramid(np.zeros((256, 256), np.uint8)))
    view.set_heat(Heat(raw, "x", 1.0))
    view.grab()
    strips = view._strips
    view.set_heat(Heat(raw, "x", 1.0))
    assert view._strips is strips is not None


# The network


@pytest.fixture
def network(qtbot):
    view = Network()
    qtbot.addWidget(view)
    view.resize(600, 160)
    view.set_layers(fakes.LAYERS)
    view.show()
    return view


def test_blocks_stay_inside_and_never_cover_each_other(network):
    blocks = network.blocks
    assert len(blocks) == len(fakes.LAYERS)
    inside = network.rect().toRectF()
    for number, block in enumerate(blocks):
        assert inside.contains(block)
        assert not any(block.intersects(other) for other in blocks[number + 1 :])


def test_deeper_layers_lie_lower_and_lanes_apart(qapp):
    layers = [Layer(f"e{n}", 2**n, "encoder", level=n) for n in range(4)]
    layers += [
        Layer(f"d{lane}{n}", 8, "decoder", lane=lane, level=3 - n, reads=(f"e{3 - n}",))
        for lane in (1, 2)
        for n in range(3)
    ]
    box = Network().rect().toRectF().adjusted(0, 0, 500, 100)
    drawing = arrange(layers, box)
    depth = [block.center().y() for block in drawing.blocks]
    assert depth[:4] == sorted(depth[:4])
    assert max(depth[4:7]) < min(depth[7:10])
    assert len(drawing.lanes) == 2
    heights = [block.height() for block in drawing.blocks[:4]]
    assert heights == sorted(heights)


def test_what_layers_cost_is_drawn_and_said(network):
    layer = next(each for each in fakes.LAYERS if each.free)
    plain = network.grab().toImage()
    costs = [LayerStep(each.name, 4.0, 2.0, each.width) for each in fakes.LAYERS]
    index = fakes.LAYERS.index(layer)
    costs[index] = LayerStep(layer.name, 8.0, 6.0, 17, 16, 1.23)
    network.set_costs(tuple(costs))
    drawn = network.grab().toImage()
    assert drawn != plain
    # Before a layer is chosen: what the bars are, and the step that is worth most.
    said = network.accessibleDescription()
    assert "time of each layer" in said
    assert f"{layer.name}: 17 to 16 channels would save 1.2 ms" in said
    QTest.keyClick(network, Qt.Key.Key_Home)
    for _ in range(index):
        QTest.keyClick(network, Qt.Key.Key_Right)
    said = network.accessibleDescription()
    assert "6.00 ms of 8.00 ms dense" in said
    assert "17 to 16 channels would save 1.2 ms" in said
    costs[index] = LayerStep(layer.name, 8.0, 2.0, 8)
    network.set_costs(tuple(costs))
    assert network.grab().toImage() != drawn
    assert "would save" not in network.accessibleDescription()
    network.set_costs(())
    assert " ms" not in network.accessibleDescription()


def test_bars_are_as_long_as_layers_take(network):
    """Full bars are the time that is left, pale ones go on to the dense time."""
    costs = [LayerStep(each.name, 4.0, 4.0, each.width) for each in fakes.LAYERS]
    costs[0] = LayerStep(fakes.LAYERS[0].name, 8.0, 2.0, 8)
    network.set_costs(tuple(costs))
    picture, palette = network.grab().toImage(), network.palette()
    ratio = picture.devicePixelRatio()

    def below(index, colour):
        """Pixels of a colour in a column right below a block."""
        block = network.blocks[index]
        x = round(block.center().x() * ratio)
        start = round(block.bottom() * ratio)
        rows = range(start, min(start + round(18 * ratio), picture.height()))
        return sum(picture.pixelColor(x, y).name() == colour for y in rows)

    full, pale = palette.windowText().color().name(), palette.mid().color().name()
    assert below(0, pale) == pytest.approx(3 * below(0, full), abs=2)
    assert below(1, full) == pytest.approx(2 * below(0, full), abs=2)
    assert below(1, pale) <= 1


def test_clicking_a_layer_asks_once_for_its_lock(qtbot, network):
    heard = listen(network.lockToggled)
    network.set_locked((fakes.LAYERS[2].name,))
    assert heard == []
    place = network.blocks[5].center().toPoint()
    qtbot.mouseClick(network, Qt.MouseButton.LeftButton, pos=place)
    assert heard == [(fakes.LAYERS[5].name,)]


def test_keys_reach_every_layer_and_say_which(qtbot, network):
    heard = listen(network.lockToggled)
    network.setFocus()
    qtbot.keyClick(network, Qt.Key.Key_Home)
    for layer in fakes.LAYERS:
        assert network.current is layer
        assert layer.name in network.accessibleDescription()
        qtbot.keyClick(network, Qt.Key.Key_Space)
        qtbot.keyClick(network, Qt.Key.Key_Right)
    assert heard == [(layer.name,) for layer in fakes.LAYERS]


def test_what_is_protected_cannot_be_locked_and_says_why(qtbot, network):
    head = Layer("head", 1, "head", protected="output of the model", free=0)
    network.set_layers((*fakes.LAYERS, head))
    heard = listen(network.lockToggled)
    qtbot.keyClick(network, Qt.Key.Key_End)
    assert network.current is head
    qtbot.keyClick(network, Qt.Key.Key_Return)
    assert heard == []
    assert "output of the model" in network.accessibleDescription()


def test_coupled_layers_light_up_together(qtbot, network):
    layers = list(fakes.LAYERS)
    go_to(qtbot, network, 1)
    alone = network.grab().toImage()
    layers[1] = replace(layers[1], coupled=(layers[4].name, layers[7].name))
    network.set_layers(tuple(layers))
    go_to(qtbot, network, 1)
    lit = network.grab().toImage()
    around = [block.adjusted(-3, -3, 3, 3).toAlignedRect() for block in network.blocks]
    changed = [alone.copy(area) != lit.copy(area) for area in around]
    assert changed[4]
    assert changed[7]
    assert not any(changed[9:])
    network.clearFocus()
    QApplication.sendEvent(network, QEvent(QEvent.Type.Leave))
    assert network.grab().toImage() != lit


def go_to(qtbot, network, index):
    """Walk to a layer by its keys."""
    qtbot.keyClick(network, Qt.Key.Key_Home)
    for _ in range(index):
        qtbot.keyClick(network, Qt.Key.Key_Right)


def test_a_lock_travels_to_the_engine_and_back(qtbot, ready):
    window = ready.window
    window.show()
    network = window.layers.network
    place = network.blocks[3].center().toPoint()
    qtbot.mouseClick(network, Qt.MouseButton.LeftButton, pos=place)
    name = fakes.LAYERS[3].name
    qtbot.waitUntil(lambda: ready.store.state.current)
    assert ready.store.state.outcome.request.locked == (name,)
    unlock = captioned(network, "Unlock all")
    assert unlock.isVisible()
    qtbot.mouseClick(unlock, Qt.MouseButton.LeftButton)
    assert ready.store.state.request.locked == ()
    assert not unlock.isVisible()


def test_locks_of_another_model_are_dropped(qtbot, ready):
    ready.controller.set_request(locked=("nowhere", fakes.LAYERS[0].name))
    ready.controller.open("demo", "other")
    qtbot.waitUntil(lambda: ready.store.state.opened.source.name == "other")
    assert ready.store.state.request.locked == (fakes.LAYERS[0].name,)


# What the offscreen platform says of a tooltip.
@pytest.mark.qt_log_ignore("propagateSizeHints", "does not support raise")
def test_pointing_is_by_place(qtbot, network):
    QTest.mouseMove(network, network.blocks[6].center().toPoint())
    qtbot.waitUntil(lambda: network.current is fakes.LAYERS[6])
    QTest.mouseMove(network, QPoint(1, 1))
    qtbot.waitUntil(lambda: network.current is None)
