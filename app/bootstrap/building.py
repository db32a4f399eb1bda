"""Builds the window with everything behind it."""

from pathlib import Path

import psutil
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.bootstrap.application import Application
from app.bootstrap.extras import attach
from app.bootstrap.memory import bound_caches, trimmer
from app.controllers.controller import Controller
from app.controllers.sweeps.button import SweepButton
from app.controllers.wiring import connect
from app.rendering import theme
from app.state.app_state import AppState, Store
from app.state.session.settings import Settings
from app.state.session.sources import shipped_models
from app.state.values import Engine, Sample
from app.text import format as text
from app.views.main_window.window import Window
from app.worker.engine import BenchEngine, sample_titles
from app.worker.runner import Runner

_MEMORY_MS = 1000


def build(
    settings: Settings, engine: Engine | None = None, state: AppState | None = None
) -> Application:
    """Return a window that is ready to be shown; nothing is opened yet.

    Parameters
    ----------
    settings
        Last state, and where the next one is kept.
    engine
        What the worker calls; `core` when left out.
    state
        To begin with; the last one when left out.
    """
    bound_caches()
    samples = [Sample(name, title) for name, title in sample_titles()]
    models = [Sample(name, title) for name, title in shipped_models()]
    window = Window(samples, models)
    store = Store(state or settings.state(), window)
    runner = Runner(tidy=trimmer(), parent=window)
    controller = Controller(window, store, runner, engine or BenchEngine())
    connect(window, controller)
    bench = Application(window, controller, store, runner)
    window.controls.set_request(store.state.request)
    window.themeAsked.connect(lambda name: _change_theme(name, settings))
    window.set_theme(settings.theme)
    window.closing.connect(
        lambda: settings.save(store.state, window.saveGeometry(), window.splitter)
    )
    window.set_recent(settings.recent)
    store.changed.connect(lambda _, new: _remember(new, settings, window))
    attach(bench, settings)
    SweepButton(window, store, controller)
    _watch_memory(bench)
    return bench


def _remember(state: AppState, settings: Settings, window: Window) -> None:
    """Put a tile that was opened from a file among the recent ones."""
    source = state.opened.source if state.opened else ""
    named = not source or source.startswith("sample:")
    if not named and settings.recent[:1] != (source,):
        settings.add_recent(source)
        window.set_recent(settings.recent)


def dress(name: str) -> None:
    """Apply a theme by name; anything unknown follows the desktop."""
    app = QApplication.instance()
    if isinstance(app, QApplication):
        theme.apply(app, name if name in {"light", "dark"} else "system")


def _change_theme(name: str, settings: Settings) -> None:
    """Change the theme and remember it."""
    dress(name)
    settings.set_theme(name)


def restore(bench: Application, settings: Settings) -> None:
    """Put the window where it was."""
    geometry = settings.geometry
    if geometry is not None:
        bench.window.restoreGeometry(geometry)
    if settings.splitter is not None:
        bench.window.restore_splitter(settings.splitter)


def open_first(bench: Application, settings: Settings, model: str, tile: str) -> None:
    """Open what was asked for, or else what was open last, or the demo.

    A file of last time that is gone must not greet anyone with an error.
    """
    last_model, last_tile = settings.last
    if not model and (not last_model or not _there(last_model)):
        last_model = "demo"
    if not tile and not _there(last_tile):
        last_tile = ""
    bench.controller.open(model or last_model, tile or last_tile)


def _there(source: str) -> bool:
    """Return whether something can still be opened: a name, or a file."""
    name = source.partition("|")[0]
    named = "/" not in name and "\\" not in name and not Path(name).suffix
    return named or name.startswith("sample:") or Path(name).is_file()


def _watch_memory(bench: Application) -> None:
    """Show the memory of the program once a second, but not while timing."""
    process = psutil.Process()
    timer = QTimer(bench.window)

    def show() -> None:
        step = bench.store.state.step
        if step is None or step.kind != "latency":
            used = text.memory(process.memory_info().rss)
            bench.window.status.set_memory(f"{used} in use")

    timer.timeout.connect(show)
    timer.start(_MEMORY_MS)
    show()
