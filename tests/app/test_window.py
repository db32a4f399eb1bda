"""The whole window over the fake engine: keys, menus, dropped files, settings."""

import threading
from dataclasses import replace
from pathlib import Path

import fakes
import pytest
from conftest import is_idle
from PySide6.QtCore import QByteArray, QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent, QKeySequence
from PySide6.QtWidgets import (
    QApplication,
    QFileDialog,
    QLabel,
    QMenu,
    QPushButton,
    QSlider,
    QToolButton,
)

from app import bootstrap
from app.cli.arguments import Arguments
from app.cli.screenshot import picture, without_display
from app.controllers.presenter.heads import find_widths, pruned_heads
from app.controllers.presenter.view import resolve
from app.rendering import theme
from app.state import events
from app.state.values import Saved
from app.text.format import DASH
from app.views.main_window import dialogs
from app.views.main_window.commands.table import COMMANDS
from app.views.widgets.actions import caption_of
from core.sources import DEFAULT_TILE, Source
from core.types import PruneRequest


@pytest.fixture
def shown(qtbot, ready):
    theme.apply(QApplication.instance(), "light")
    ready.window.resize(1280, 800)
    ready.window.show()
    qtbot.waitExposed(ready.window)
    return ready


def press(qtbot, bench, key):
    qtbot.keyClick(bench.window, key)


def test_qupath_keys(qtbot, shown):
    display = lambda: shown.store.state.display  # noqa: E731
    press(qtbot, shown, Qt.Key.Key_H)
    assert not display().visible
    press(qtbot, shown, Qt.Key.Key_H)
    press(qtbot, shown, Qt.Key.Key_F)
    assert display().overlay == "fill"
    press(qtbot, shown, Qt.Key.Key_D)
    assert display().overlay == "difference"
    press(qtbot, shown, Qt.Key.Key_D)
    assert display().overlay == "outline"


def drawn(view):
    """Return what a pane looks like."""
    return view.grab().toImage()


@pytest.mark.parametrize("where", ["window", "list", "table", "slider"])
def test_b_shows_the_dense_masks_while_held_whatever_has_the_focus(qtbot, shown, where):
    window = shown.window
    shown.controller.set_request(sparsity=0.9)
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    if where == "list":
        window.layers.show_list(True)
    if where == "table":
        window.show_table(True)
    places = {"window": window.viewer.dense, "list": window.layers.nuclei.table}
    places |= {"table": window.table.view, "slider": window.findChild(QSlider)}
    widget = places[where]
    widget.setFocus()
    qtbot.waitUntil(widget.hasFocus, timeout=5000)
    before = drawn(window.viewer.pruned)
    qtbot.keyPress(widget, Qt.Key.Key_B)
    assert drawn(window.viewer.pruned) != before
    qtbot.keyRelease(widget, Qt.Key.Key_B)
    assert drawn(window.viewer.pruned) == before


def test_a_row_of_the_table_is_in_menu_palette_and_sheet(qtbot, shown):
    for command in COMMANDS:
        action = shown.window.command(command.name)
        menus = [m for m in action.associatedObjects() if isinstance(m, QMenu)]
        assert menus, command.name
        assert command.tip.removesuffix(".") in action.toolTip()
        wanted = [QKeySequence(key) for key in command.keys.split()]
        assert action.shortcuts() == wanted
    assert len({command.name for command in COMMANDS}) == len(COMMANDS)


def test_menus_stand_in_their_usual_order(shown):
    titles = [action.text() for action in shown.window.menuBar().actions()]
    assert titles == ["File", "Edit", "View", "Model", "Run", "Help"]


def test_commands_are_allowed_and_ticked_by_the_state(qtbot, shown):
    window = shown.window
    assert not window.command("run.again").isEnabled()
    assert not window.command("pane.close").isEnabled()
    shown.controller.dispatch(events.PaneAdded())
    assert window.command("pane.close").isEnabled()
    shown.controller.dispatch(events.WorkCancelled())
    assert window.command("run.again").isEnabled()
    window.command("run.again").trigger()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert not window.command("run.again").isEnabled()
    assert not window.command("view.difference").isChecked()
    window.command("view.difference").trigger()
    assert window.command("view.difference").isChecked()


def test_ctrl_y_redoes_and_f11_fills_the_screen(qtbot, shown):
    control = Qt.KeyboardModifier.ControlModifier
    shown.controller.set_request(sparsity=0.8)
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    qtbot.keyClick(shown.window, Qt.Key.Key_Z, control)
    assert shown.store.state.request.sparsity == 0.5
    qtbot.keyClick(shown.window, Qt.Key.Key_Y, control)
    assert shown.store.state.request.sparsity == 0.8
    press(qtbot, shown, Qt.Key.Key_F11)
    assert shown.window.isFullScreen()
    press(qtbot, shown, Qt.Key.Key_F11)
    assert not shown.window.isFullScreen()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)


def test_a_letter_that_is_a_name_is_not_taken_for_a_key(shown):
    titles = [action.text() for action in shown.window.findChildren(QAction)]
    assert any("H&&E" in title for title in titles)
    captions = [caption_of(action) for action in shown.window.findChildren(QAction)]
    assert any("H&E" in caption for caption in captions)


def test_boxes_open_where_the_last_one_of_their_kind_was(qtbot, shown, monkeypatch):
    asked = []

    def ask(_, title, folder, kinds):
        asked.append(folder)
        return "/tiles/a/one.png", kinds

    monkeypatch.setattr(QFileDialog, "getOpenFileName", ask)
    for _ in range(2):
        shown.window.command("open.tile").trigger()
        qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    shown.window.command("open.model").trigger()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert asked == ["", str(Path("/tiles/a")), ""]


def test_a_signal_closes_without_a_question(qtbot, shown, monkeypatch):
    gate = threading.Event()
    monkeypatch.setattr(dialogs, "ask_leave", lambda _: pytest.fail("asked"))
    shown.controller.dispatch(events.SaveAsked(lambda task: Saved(str(gate.wait(30)))))
    gate.set()
    shown.window.close_unasked()
    assert not shown.window.isVisible()


@pytest.mark.parametrize("leave", [False, True])
def test_closing_while_a_file_is_written_asks(qtbot, shown, monkeypatch, leave):
    gate = threading.Event()
    monkeypatch.setattr(dialogs, "ask_leave", lambda _: leave)

    def slow(task):
        gate.wait(30)
        return Saved("Saved.")

    shown.controller.dispatch(events.SaveAsked(slow))
    if leave:
        gate.set()
        shown.window.close()
        assert not shown.window.isVisible()
        return
    shown.window.close()
    assert shown.window.isVisible()
    gate.set()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert shown.window.messages.text == "Saved."


def test_results_of_other_settings_are_marked_while_the_worker_is_busy(qtbot, shown):
    gate = threading.Event()
    shown.runner.start(-1, lambda _: gate.wait(30))  # the worker is busy
    shown.controller.set_request(heuristic="l2")
    assert not shown.window.viewer.pruned.dimmed
    qtbot.waitUntil(lambda: shown.window.viewer.pruned.dimmed, timeout=5000)
    (head,) = pruned_heads(shown.store.state)
    assert any("showing Reconstruction, 50.0 %" in note for note in head.notes)
    bar = [label.text() for label in shown.window.nuclei.findChildren(QLabel)]
    assert any(words.startswith("showing Reconstruction, 50.0 %") for words in bar)
    gate.set()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert not shown.window.viewer.pruned.dimmed
    bar = [label.text() for label in shown.window.nuclei.findChildren(QLabel)]
    assert not any("showing" in words for words in bar)
    (head,) = pruned_heads(shown.store.state)
    assert not any("showing" in note for note in head.notes)


def test_sizes_speed_and_widths_follow_the_slider_at_once(qtbot, shown):
    """Nothing of them waits for the worker, which may be busy for long."""
    gate = threading.Event()
    shown.runner.start(-1, lambda _: gate.wait(30))
    before = resolve(shown.store.state)
    kept = find_widths(shown.store.state)
    shown.controller.set_sparsity(0.8)
    after = resolve(shown.store.state)
    assert after.counts[1].params < 0.5 * before.counts[1].params
    assert after.latency != before.latency
    widths = find_widths(shown.store.state)
    assert all(widths[name] < kept[name] for name in kept)
    shown.controller.set_sparsity(0.5)  # seen before: there at once
    assert shown.store.state.current
    gate.set()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)


def test_what_is_opened_leaves_nothing_of_the_old_tile_on_show(qtbot, shown):
    gate = threading.Event()
    shown.runner.start(-1, lambda _: gate.wait(30))
    shown.controller.open("", "/tiles/he_4000.tif")
    view = resolve(shown.store.state)
    assert view.title.startswith("Opening he_4000.tif")
    assert view.note.startswith("Opening he_4000.tif")
    assert view.counts[:2] == (None, None)
    assert view.outcome is None
    assert view.trials == ()
    assert view.latency == DASH
    qtbot.waitUntil(lambda: shown.controller.shown, timeout=5000)
    assert shown.window.windowTitle() == view.title
    assert not shown.window.nuclei.findChildren(QToolButton)[1].isEnabled()
    gate.set()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert shown.window.windowTitle().startswith("/tiles/he_4000.tif")


def test_demo_view_has_large_words_and_no_plots(qtbot, shown):
    press(qtbot, shown, Qt.Key.Key_F5)
    assert shown.window.demo.isVisible()
    assert not shown.window.plots.isVisible()
    press(qtbot, shown, Qt.Key.Key_3)
    # Qt shows the button pressed for a moment before it counts as clicked.
    qtbot.waitUntil(lambda: shown.store.state.request.sparsity == 0.9, timeout=5000)
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    words = shown.window.demo._headline.text()
    assert "nuclei still found" in words
    assert "times faster" in words
    press(qtbot, shown, Qt.Key.Key_Escape)
    assert not shown.window.demo.isVisible()
    assert shown.window.plots.isVisible()


def test_dropped_files_open(qtbot, shown, tmp_path):
    asked = []
    shown.window.openAsked.connect(lambda *values: asked.append(values))
    files = QMimeData()
    files.setUrls(
        [
            QUrl.fromLocalFile(str(tmp_path / name))
            for name in ("m.safetensors", "t.png")
        ]
    )
    how = (
        Qt.DropAction.CopyAction,
        files,
        Qt.MouseButton.LeftButton,
        Qt.KeyboardModifier.NoModifier,
    )
    enter = QDragEnterEvent(QPoint(5, 5), *how)
    QApplication.sendEvent(shown.window, enter)
    assert enter.isAccepted()
    QApplication.sendEvent(shown.window, QDropEvent(QPointF(5, 5), *how))
    assert asked == [(str(tmp_path / "m.safetensors"), str(tmp_path / "t.png"))]
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)


def test_samples_menu_opens_a_sample(qtbot, shown):
    action = next(
        a
        for a in shown.window.findChildren(QAction)
        if a.text().startswith("Synthetic")
    )
    action.trigger()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert shown.store.state.opened.source == Source("sample", "synthetic")


@pytest.mark.parametrize("name", ["light", "dark"])
@pytest.mark.parametrize("demo", [False, True])
def test_no_text_is_cut_off(qtbot, shown, name, demo):
    theme.apply(QApplication.instance(), name)
    shown.controller.dispatch(events.DemoSwitched(demo))
    shown.controller.set_request(sparsity=0.8)
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    QApplication.processEvents()
    for kind in (QLabel, QPushButton, QToolButton):
        for widget in shown.window.findChildren(kind):
            if not widget.isVisible() or not widget.text():
                continue
            if isinstance(widget, QLabel) and widget.wordWrap():
                needed = widget.heightForWidth(widget.width())
                assert widget.height() >= needed, widget.text()
            else:
                assert widget.width() >= widget.minimumSizeHint().width(), widget.text()


def test_last_state_comes_back(qtbot, settings, qapp):
    engine = fakes.FakeEngine()
    first = bootstrap.build(settings, engine)
    first.controller.open("demo", "other.png")
    qtbot.waitUntil(lambda: is_idle(first), timeout=5000)
    first.controller.set_request(heuristic="random", sparsity=0.42, recovery="bn")
    first.controller.set_display(overlay="fill", opacity=0.5, metric="pq")
    first.window.close()
    first.window.deleteLater()
    again = bootstrap.build(settings, fakes.FakeEngine())
    state = again.store.state
    assert (state.request.heuristic, state.request.sparsity) == ("random", 0.42)
    assert state.request.recovery == "bn"
    assert (state.display.overlay, state.display.opacity) == ("fill", 0.5)
    assert state.display.metric == "pq"
    assert settings.last == ("demo", "other.png")
    again.window.close()
    again.window.deleteLater()


def test_a_file_of_last_time_that_is_gone_is_not_opened(qtbot, ready, settings):
    opened = ready.store.state.opened
    model = replace(opened.model, source="/no/such/model.safetensors")
    tile = Source("file", "/no/such/tile.png")
    gone = replace(opened, source=tile, model=model)
    settings.save(replace(ready.store.state, opened=gone), QByteArray())
    before = len(ready.engine.log)
    bootstrap.open_first(ready, settings, "", DEFAULT_TILE)
    qtbot.waitUntil(lambda: len(ready.engine.log) > before, timeout=5000)
    assert ready.engine.log[before] == ("open", "demo", "")
    qtbot.waitUntil(lambda: is_idle(ready), timeout=5000)


def test_theme_is_applied_and_remembered(shown, settings):
    shown.window.themeAsked.emit("dark")
    assert settings.theme == "dark"
    assert QApplication.palette().window().color().lightness() < 80
    shown.window.themeAsked.emit("light")
    assert QApplication.palette().window().color().lightness() > 200


def test_screenshot_shows_a_full_round(qapp, tmp_path):
    target = tmp_path / "out.png"
    asked = Arguments(request=PruneRequest("reconstruction", 0.8))
    assert picture(asked, str(target), fakes.FakeEngine()) == 0
    assert target.read_bytes().startswith(b"\x89PNG")


def test_no_display_leaves_a_picture_and_a_table(qapp, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    assert without_display(Arguments(), fakes.FakeEngine()) == 0
    said = capsys.readouterr().out
    assert said.count("\n") == 1
    assert "no display" in said
    folder = tmp_path / "prunescope-out"
    assert (folder / "window.png").stat().st_size > 20_000
    rows = (folder / "table.csv").read_text().strip().split("\n")
    assert len(rows) > 10


def test_screenshot_of_bad_input_is_one_line(qapp, tmp_path, capsys):
    asked = Arguments(tile="missing.png")
    older = tmp_path / "older.png"
    older.write_bytes(b"older")
    for target in (tmp_path / "o.png", older):
        assert picture(asked, str(target), fakes.FakeEngine()) == 2
        assert capsys.readouterr().err == (
            "prunescope: There is no file missing.png: choose another one.\n"
        )
    assert [path.name for path in tmp_path.iterdir()] == ["older.png"]
    assert older.read_bytes() == b"older"


def test_screenshot_to_nowhere_is_one_line(qapp, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "o.png"
    assert picture(Arguments(), str(target), fakes.FakeEngine()) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_recent_tiles_are_listed_and_open_again(qtbot, shown, settings):
    shown.controller.open("", "other.png")
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert settings.recent == ("other.png",)
    (action,) = shown.window.menus.recent()
    shown.controller.open("", "sample:synthetic")
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    action.trigger()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert shown.store.state.opened.source.name == "other.png"
