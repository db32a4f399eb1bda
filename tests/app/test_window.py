"""The whole window over the fake engine: keys, menus, dropped files, settings."""

import fakes
import pytest
from conftest import is_idle
from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QUrl
from PySide6.QtGui import QAction, QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QLabel, QPushButton, QToolButton

from app import bootstrap
from app.cli.arguments import Arguments
from app.cli.screenshot import picture, without_display
from app.rendering import theme
from app.state import events
from app.state.app_state import AppState
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


def test_b_blinks_while_held(qtbot, shown):
    qtbot.keyPress(shown.window, Qt.Key.Key_B)
    assert shown.window.viewer._blinking
    qtbot.keyRelease(shown.window, Qt.Key.Key_B)
    assert not shown.window.viewer._blinking


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
    assert shown.store.state.opened.source == "sample:synthetic"


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


def test_a_damaged_settings_file_does_not_stop_the_program(settings):
    settings._store.setValue("request", {"sparsity": "many", "heuristic": "l2"})
    settings._store.setValue("display", "nonsense")
    state = settings.state()
    assert state.request.heuristic == "l2"
    assert state.request.sparsity == AppState().request.sparsity
    assert state.display == AppState().display


def test_a_file_of_last_time_that_is_gone_is_not_opened(qtbot, bench, settings):
    settings._store.setValue("tile", "/no/such/tile.png")
    settings._store.setValue("model", "/no/such/model.safetensors")
    bootstrap.open_first(bench, settings, "", "")
    qtbot.waitUntil(lambda: is_idle(bench), timeout=5000)
    assert bench.engine.log[0] == ("open", "demo", "")


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
    assert picture(asked, str(tmp_path / "o.png"), fakes.FakeEngine()) == 2
    assert capsys.readouterr().err == (
        "prunescope: There is no file missing.png: choose another one.\n"
    )


def test_screenshot_to_nowhere_is_one_line(qapp, tmp_path, capsys):
    (tmp_path / "file").write_text("")
    target = tmp_path / "file" / "o.png"
    assert picture(Arguments(), str(target), fakes.FakeEngine()) == 2
    assert capsys.readouterr().err.count("\n") == 1


def test_recent_tiles_are_listed_and_open_again(qtbot, shown, settings):
    shown.controller.open("", "other.png")
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert settings.recent == ("other.png",)
    (action,) = shown.window.toolbar._recent.actions()
    shown.controller.open("", "sample:synthetic")
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    action.trigger()
    qtbot.waitUntil(lambda: is_idle(shown), timeout=5000)
    assert shown.store.state.opened.source == "other.png"
