"""What comes back at the next start."""

import json

import fakes
import pytest
from conftest import is_idle
from PySide6.QtCore import QByteArray, QSettings

from app import bootstrap
from app.state.app_state import AppState, Pane
from app.state.session.settings import Settings
from core import files
from core.sources import DEFAULT_TILE
from core.types import FineTune, PruneRequest

LEFT = PruneRequest("l2", 0.3, "layer")
HERE = PruneRequest(
    "l2", 0.6, recovery="finetune", locked=("a", "b"), training=FineTune(steps=7)
)
RIGHT = PruneRequest("random", 0.9, seed=3)


def test_all_panes_come_back_with_everything_they_were_asked(settings):
    state = AppState(panes=(Pane(LEFT), Pane(HERE), Pane(RIGHT)), active=1)
    settings.save(state, QByteArray())
    found = settings.state()
    assert [pane.request for pane in found.panes] == [LEFT, HERE, RIGHT]
    assert found.active == 1


def test_panes_that_came_back_are_computed(qtbot, settings):
    state = AppState(panes=(Pane(LEFT), Pane(RIGHT)))
    settings.save(state, QByteArray())
    bench = bootstrap.build(settings, fakes.FakeEngine())
    bench.controller.open("demo", "")
    qtbot.waitUntil(
        lambda: (
            is_idle(bench) and all(pane.current for pane in bench.store.state.panes)
        ),
        timeout=20_000,
    )
    found = bench.store.state
    bench.window.close()
    bench.window.deleteLater()
    assert [pane.outcome.request for pane in found.panes] == [LEFT, RIGHT]


def test_what_was_dismissed_or_chosen_is_remembered(settings):
    assert settings.hints
    settings.set_hints(False)
    settings.set_slide("biopsy")
    assert (settings.hints, settings.slide) == (False, "biopsy")


def test_the_file_is_text_that_a_person_can_read(settings, tmp_path):
    settings.save(AppState(panes=(Pane(HERE), Pane(RIGHT))), QByteArray(b"\0\1"))
    values = json.loads((tmp_path / "settings.json").read_text())
    assert values["request"]["heuristic"] == "l2"
    assert values["geometry"] == "AAE="
    assert Settings(tmp_path / "settings.json").geometry == QByteArray(b"\0\1")


def test_a_full_disk_leaves_the_file_of_last_time(settings, tmp_path, monkeypatch):
    settings.set_theme("dark")
    monkeypatch.setattr(files.os, "fsync", refuse)
    settings.set_theme("light")
    monkeypatch.undo()
    assert settings.theme == "light"
    assert "cannot be kept" in settings.notice
    again = Settings(tmp_path / "settings.json")
    assert again.theme == "dark"
    assert [path.name for path in tmp_path.iterdir()] == ["settings.json"]


def refuse(_):
    raise OSError(28, "No space left on device")


@pytest.mark.parametrize(
    "change",
    [
        {"request": {"heuristic": "l2", "sparsity": 7}},
        {"request": {"heuristic": "l2", "sparsity": 0.5, "steps": 10**9}},
        {"after": "nonsense"},
        {"after": [None]},
        {"display": {"opacity": "x"}},
        {"display": {"opacity": 2.0}},
        {"theme": ["dark"]},
        {"recent": {"a": 1}},
        {"recent": ["x"] * 100_000},
        {"colour": "red"},
        {"prunescope": 2},
        {"slide": "x" * 10**6},
    ],
    ids=lambda change: json.dumps(change)[:40],
)
def test_a_bad_file_is_kept_aside_and_told_about(settings, tmp_path, change):
    settings.save(AppState(panes=(Pane(HERE),)), QByteArray())
    path = tmp_path / "settings.json"
    written = json.dumps(json.loads(path.read_text()) | change)
    path.write_text(written)
    found = Settings(path)
    assert found.state() == AppState()
    assert next(iter(change)) in found.notice
    assert (tmp_path / "settings.json.bad").read_text() == written
    assert not path.exists()


@pytest.mark.parametrize(
    "text",
    ["", "{", "[1]", "3", "\0", "NaN", '{"hints": NaN}', "[" * 100_000, "\udcff"],
    ids=range(9),
)
def test_what_is_no_settings_file_is_kept_aside(tmp_path, text):
    path = tmp_path / "settings.json"
    path.write_bytes(text.encode("utf-8", errors="surrogateescape"))
    found = Settings(path)
    assert found.state() == AppState()
    assert found.notice.count("\n") == 0
    assert "settings.json.bad" in found.notice


def test_an_older_file_gives_its_plain_words_and_runs_nothing(tmp_path):
    ran = tmp_path / "ran"

    class Trap:
        def __reduce__(self):
            return ran.touch, ()

    old = tmp_path / "prunescope.conf"
    store = QSettings(str(old), QSettings.Format.IniFormat)
    for key, value in (
        *(("theme", "dark"), ("hints", False), ("slide", "biopsy")),
        *(("tile", "/data/tile.png"), ("recent", ["/a.png", "/b c.png"])),
        *(("request", Trap()), ("geometry", QByteArray(b"x")), ("model", Trap())),
    ):
        store.setValue(key, value)
    store.sync()
    before = old.read_bytes()
    assert b"@PyObject" in before or b"PyObject" in before
    found = Settings(tmp_path / "settings.json")
    assert (found.theme, found.hints, found.slide) == ("dark", False, "biopsy")
    assert found.recent == ("/a.png", "/b c.png")
    assert found.last == ("", "/data/tile.png")
    assert found.state() == AppState()
    assert "version before" in found.notice
    found.set_theme("light")
    assert Settings(tmp_path / "settings.json").theme == "light"
    assert not ran.exists()
    assert old.read_bytes() == before


def test_a_notice_stands_in_the_window(qtbot, tmp_path):
    path = tmp_path / "settings.json"
    path.write_text("{")
    settings = Settings(path)
    bench = bootstrap.build(settings, fakes.FakeEngine())
    bootstrap.restore(bench, settings)
    bootstrap.open_first(bench, settings, "", DEFAULT_TILE)
    qtbot.waitUntil(lambda: is_idle(bench), timeout=5000)
    assert bench.store.state.opened is not None
    assert "settings.json.bad" in bench.store.state.message.text
    bench.window.close()
    bench.window.deleteLater()


def test_by_itself_it_lies_where_the_platform_keeps_settings(tmp_path, monkeypatch):
    monkeypatch.setenv("XDG_CONFIG_HOME", str(tmp_path))
    monkeypatch.setenv("HOME", str(tmp_path))
    Settings().set_theme("dark")
    found = list(tmp_path.rglob("settings.json"))
    assert len(found) == 1
    assert found[0].parent.name == "prunescope"
    assert Settings().theme == "dark"
