import sys
from pathlib import Path

import pytest

sys.path.insert(0, str(Path(__file__).parent))


def pytest_collection_modifyitems(items):
    """Offscreen windows have no size hints, and Qt says so each time."""
    here = Path(__file__).parent
    for item in items:
        if here in item.path.parents:
            item.add_marker(pytest.mark.qt_log_ignore("propagateSizeHints"))


def pytest_runtest_setup(item):
    """Add the leak check to every test that touches Qt, and only to those."""
    if "qapp" in item.fixturenames:
        # First in, last out: windows of other fixtures are closed by then.
        item.fixturenames.insert(0, "no_stray_windows")


@pytest.fixture
def no_stray_windows(qapp):
    """Fail a test that leaves a top-level widget behind."""
    from PySide6.QtCore import QEvent
    from PySide6.QtWidgets import QApplication

    before = set(map(id, QApplication.topLevelWidgets()))
    yield
    QApplication.sendPostedEvents(None, QEvent.Type.DeferredDelete.value)
    left = [w for w in QApplication.topLevelWidgets() if id(w) not in before]
    assert not left, f"left open: {left}"


@pytest.fixture
def settings(tmp_path):
    """Settings in a folder of the test's own."""
    from app.state.session.settings import Settings

    return Settings(tmp_path / "settings.json")


@pytest.fixture
def rest_ms():
    """How long a hand must rest, in milliseconds: nobody waits for one here."""
    return 40


@pytest.fixture
def bench(qtbot, settings, monkeypatch, rest_ms):
    """A window over the fake engine, closed with its worker."""
    from fakes import FakeEngine

    from app import bootstrap
    from app.controllers import controller

    monkeypatch.setattr(controller, "REST_MS", rest_ms)
    monkeypatch.setattr(controller, "HOVER_MS", 0)
    # Work in the background would come in between; its own test asks for it.
    monkeypatch.setattr(controller, "IDLE_MS", 3_600_000)

    engine = FakeEngine()
    made = bootstrap.build(settings, engine)
    yield made
    made.window.close_unasked()  # a test may end while files are written
    made.window.deleteLater()
    assert engine.log[-1] == ("close",)


@pytest.fixture
def ready(qtbot, bench):
    """The same, with the sample open and everything settled."""
    bench.controller.open("demo", "")
    qtbot.waitUntil(lambda: is_idle(bench), timeout=10_000)
    return bench


def is_idle(bench):
    state = bench.store.state
    return state.opened is not None and not state.busy and bench.controller.settled
