"""A folder of tiles: scored with one model after everything else, the worst first."""

from dataclasses import replace
from pathlib import Path

import fakes
import numpy as np
import pytest
from PIL import Image
from PySide6.QtCore import QEvent, QPoint, Qt
from PySide6.QtWidgets import QApplication, QLabel, QPushButton

from app.controllers.tile_folders import describe_tile
from app.state import events
from app.state.app_state import AppState, Pane
from app.state.folder_scoring import can_go_on
from app.state.reduce import reduce
from app.state.session.session_file import to_session
from app.state.tile_folder import FolderTile, ScoredFolder, TileScore
from app.state.values import CalibrationTile
from app.text.format import DASH, TIMES
from app.views.widgets.calibration_box import CalibrationBox
from app.views.widgets.tile_grid import TileCard, TileGrid
from app.worker.folder_tiles import list_folder, read_thumbnail
from core.errors import InputError
from core.images.synthetic import synthetic_tile
from core.sources import WITH_SAMPLES, Source
from core.types import PruneRequest

HERE = PruneRequest("l2", 0.5)
NAMES = ("t7.png", "t2.png", "unreadable.png", "t9.png")
SOURCES = {name: Source("file", name) for name in NAMES}
FOLDER = ScoredFolder("/tiles", tuple(map(FolderTile, NAMES, SOURCES.values())))


class Quiet:
    def step(self, *_):
        pass

    def publish(self, _):
        pass


def opened(tile="", calibration=""):
    engine = fakes.FakeEngine()
    return engine.open(
        "demo", Source.of_tile(tile), Quiet(), before=None, calibration=calibration
    )


OPENED = opened()


def answer(state):
    work = state.work
    session = state.opened.session
    if work.tile:
        return session.score_tile(work.request, work.tile, Quiet())
    if work.measures:
        return session.measure(work.request, Quiet())
    return session.prune(work.request, Quiet())


def step(state):
    return reduce(state, events.Finished(state.work.number, answer(state)))


def begun(**more):
    state = AppState(opened=OPENED, panes=(Pane(HERE),), **more)
    return reduce(state, events.FolderOpened(FOLDER))


def drained(state):
    done = []
    while state.work is not None:
        done.append((state.work.purpose, state.work.tile))
        state = step(state)
    return state, done


def test_tiles_come_after_the_pane_and_its_measurement_one_by_one():
    state, done = drained(begun())
    assert [purpose for purpose, _ in done] == ["frame", "measure", *["tiles"] * 4]
    assert [tile for _, tile in done[2:]] == list(SOURCES.values())
    assert not state.folder.running
    assert set(state.folder.scores) == set(SOURCES.values())


def test_the_worst_come_first_and_those_without_a_score_last():
    state, _ = drained(begun())
    order = [tile.name for tile in state.folder.sort("aji")]
    assert order == ["t2.png", "t7.png", "t9.png", "unreadable.png"]
    assert next(t.name for t in state.folder.sort("pq")) == "t9.png"
    t9 = SOURCES["t9.png"]
    half = replace(state.folder, scores={t9: state.folder.scores[t9]})
    assert [t.name for t in half.sort("aji")] == ["t9.png", *NAMES[:3]]


def test_a_slider_interrupts_a_tile_which_is_scored_afterwards_as_before():
    state = step(step(begun()))
    assert state.work.tile == SOURCES["t7.png"]
    moved = reduce(state, events.RequestChanged(replace(HERE, sparsity=0.8)))
    assert moved.work.purpose == "frame"
    rested = reduce(step(moved), events.HandRested())
    found, done = drained(rested)
    assert done[-4:] == [("tiles", source) for source in SOURCES.values()]
    assert found.folder.model.request == HERE  # of what was asked for
    assert can_go_on(found)


def test_cancel_and_stop_end_it_and_it_goes_on_with_what_is_left():
    for event in (events.WorkCancelled(), events.FolderStopped()):
        state = step(step(step(begun())))
        assert set(state.folder.scores) == {SOURCES["t7.png"]}
        stopped = reduce(state, event)
        assert stopped.work is None or not stopped.work.tile
        again = reduce(stopped, events.FolderScored())
        _, done = drained(again)
        assert [tile.name for _, tile in done if tile] == list(NAMES[1:])


def test_another_model_ends_it_and_scores_anew():
    state = step(step(step(begun())))
    other = replace(OPENED, model=replace(OPENED.model, source="other"))
    new = replace(state, opened=other)
    assert not can_go_on(new)
    new = reduce(new, events.HandRested())
    assert new.work is None or not new.work.tile
    again = reduce(new, events.FolderScored())
    assert not again.folder.scores
    assert again.folder.model.source == "other"


def test_the_default_calibration_is_written_out_so_that_the_model_stays():
    state, _ = drained(begun())
    kept = state.folder.model.calibration
    assert kept == "default:"
    same = replace(state, opened=opened("t2.png", kept))
    assert can_go_on(same)
    assert not can_go_on(replace(state, opened=opened("t2.png")))


def test_a_failure_stops_it_and_is_told_once():
    state = step(step(begun()))
    failed = reduce(state, events.WorkFailed(state.work.number, "It broke."))
    assert not failed.folder.running
    assert failed.message.text == "It broke."
    assert failed.work is None or not failed.work.tile


def test_an_untrained_model_is_not_scored_and_says_so():
    tuned = replace(HERE, recovery="finetune")
    state = AppState(opened=OPENED, panes=(Pane(tuned),))
    told = reduce(state, events.FolderOpened(FOLDER))
    assert not told.folder.running
    assert "fine-tuning" in told.message.text


def test_a_session_keeps_a_written_out_calibration_wherever_it_is_opened(tmp_path):
    told = opened("t2.png", "default:t1.png")
    state = AppState(opened=told, panes=(Pane(HERE),))
    kept = to_session(state, closed=True).calibration
    assert kept == f"default:{Path('t1.png').absolute()}"


@pytest.fixture
def tiles(tmp_path):
    for place in ("images", "labels"):
        (tmp_path / place).mkdir()
    for number in range(3):
        tile, labels, _ = synthetic_tile(96, number)
        Image.fromarray(tile.pixels).save(tmp_path / "images" / f"t{number}.png")
        if number:
            found = Image.fromarray(labels.astype(np.uint16))
            found.save(tmp_path / "labels" / f"t{number}.png")
    return tmp_path


def test_a_folder_is_listed_with_its_labels_and_nothing_is_read(tiles):
    (tiles / "images" / "t3.png").write_bytes(b"no picture")
    found = list_folder(str(tiles))
    assert [tile.name for tile in found.tiles] == ["t0", "t1", "t2", "t3"]
    assert ["labels" in tile.source.labels for tile in found.tiles] == [
        False,
        True,
        True,
        False,
    ]
    assert read_thumbnail(found.tiles[0].source).pixels.shape == (96, 96, 3)
    assert read_thumbnail(found.tiles[3].source).pixels is None
    (tiles / "empty").mkdir()
    with pytest.raises(InputError, match="holds no images"):
        list_folder(str(tiles / "empty"))


def test_order_waits_while_the_pointer_is_over_the_tiles(qtbot, monkeypatch):
    grid = TileGrid()
    qtbot.addWidget(grid)
    grid.show()
    first = [TileCard(name, name) for name in "abc"]
    grid.set_tiles(first)
    said = []
    grid.orderWaits.connect(said.append)
    monkeypatch.setattr(grid, "underMouse", lambda: True)
    grid.set_tiles([TileCard("c", "c", "0.1"), *first[:2]])
    assert grid.order == ("a", "b", "c")
    assert said == [True]
    QApplication.sendEvent(grid, QEvent(QEvent.Type.Leave))
    assert grid.order == ("c", "a", "b")
    assert said == [True, False]


@pytest.mark.qt_log_ignore("propagateSizeHints", "does not support raise")
def test_the_window_fills_stops_and_opens_the_tile_that_is_clicked(qtbot, ready, tiles):
    ready.window.resize(1200, 800)
    ready.window.show()
    ready.window.folderChosen.emit(str(tiles))
    (panel,) = [
        each
        for each in QApplication.topLevelWidgets()
        if type(each).__name__ == "TileFolderWindow"
    ]
    state = lambda: ready.store.state  # noqa: E731
    qtbot.waitUntil(lambda: bool(state().folder and not state().folder.running))
    sources = [tile.source for tile in state().folder.tiles]
    assert panel.grid.order == tuple(sources)  # 0.0, 0.1, 0.2
    words = {
        label.accessibleName(): label.text() for label in panel.findChildren(QLabel)
    }
    assert words["What the scores are of"].startswith("AJI of")
    assert "3 of 3" in words["Size of the scoring"]
    index = panel.grid.model().index(1, 0)
    place = panel.grid.visualRect(index).center()
    qtbot.mouseClick(
        panel.grid.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(place)
    )
    qtbot.waitUntil(lambda: state().opened.source == sources[1] and not state().busy)
    assert state().opened.calibrated_on == "default:"
    assert can_go_on(state())
    ready.controller.set_sparsity(0.9)
    qtbot.waitUntil(lambda: not state().busy)
    words = {
        label.accessibleName(): label.text() for label in panel.findChildren(QLabel)
    }
    assert "The active pane shows another model" in words["What the scores are of"]
    (button,) = [
        b for b in panel.findChildren(QPushButton) if b.text() == "Score tiles"
    ]
    button.click()
    qtbot.waitUntil(lambda: not state().folder.running and not state().busy)
    assert state().folder.model.request.sparsity == 0.9
    panel.close()
    assert state().folder is None


def test_scores_are_a_dash_where_there_are_none():
    source = Source("file", "t.png")
    tile = FolderTile("t", source)
    assert describe_tile(tile, TileScore(source, {"pq": 0.5}), "aji").score == DASH
    broken = describe_tile(tile, TileScore(source, problem="It is broken."), "aji")
    assert "It is broken." in broken.tip
    assert broken.doubt


def test_the_calibration_tiles_are_shown_with_their_source(qtbot):
    low, square = (
        np.zeros((high, wide, 3), np.uint8) for high, wide in ((200, 300), (512, 512))
    )
    tiles = (
        CalibrationTile("a.png", "/data/a.png", low),
        CalibrationTile("synthetic", "comes with the program", square),
    )
    box = CalibrationBox(tiles, "0123456789abcdef", "/data")
    qtbot.addWidget(box)
    (grid,) = box.findChildren(TileGrid)
    rows = [grid.model().index(row, 0).data() for row in range(2)]
    assert rows == [
        f"/data/a.png a.png 300{TIMES}200",
        f"comes with the program synthetic 512{TIMES}512",
    ]
    words = " ".join(label.text() for label in box.findChildren(QLabel))
    assert "2 tiles. Chosen: /data" in words
    kept = CalibrationBox(tiles, "0123456789abcdef", f"{WITH_SAMPLES}/data/b.png")
    qtbot.addWidget(kept)
    told = " ".join(label.text() for label in kept.findChildren(QLabel))
    assert "2 tiles. The default of /data/b.png: it, and the samples" in told
    assert "0123456789abcdef" in words
    buttons = {button.text(): button for button in box.findChildren(QPushButton)}
    with qtbot.waitSignal(box.defaultAsked):
        buttons["Use the default"].click()
    default = CalibrationBox(tiles, "0", "")
    qtbot.addWidget(default)
    buttons = {button.text(): button for button in default.findChildren(QPushButton)}
    assert not buttons["Use the default"].isEnabled()
