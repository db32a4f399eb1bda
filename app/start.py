"""Builds the window with everything behind it."""

from dataclasses import dataclass

import psutil
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app import format as text
from app import theme
from app.controller import Controller
from app.engine import BenchEngine, sample_titles
from app.runner import Runner
from app.settings import Settings
from app.state import AppState, Store
from app.theme import Theme
from app.values import Engine, Sample
from app.window import Window

_MEMORY_MS = 1000


@dataclass(frozen=True, slots=True)
class Bench:
    """A window and what is behind it."""

    window: Window
    controller: Controller
    store: Store
    runner: Runner


def build(
    settings: Settings, engine: Engine | None = None, state: AppState | None = None
) -> Bench:
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
    samples = [Sample(name, title) for name, title in sample_titles()]
    window = Window(samples)
    store = Store(state or settings.state(), window)
    runner = Runner(parent=window)
    controller = Controller(window, store, runner, engine or BenchEngine())
    bench = Bench(window, controller, store, runner)
    window.controls.set_request(store.state.request)
    window.themeAsked.connect(lambda name: _dress(name, settings))
    window.set_theme(settings.theme)
    window.closing.connect(
        lambda: settings.save(store.state, window.saveGeometry())
    )
    _watch_memory(bench)
    return bench


def _dress(name: str, settings: Settings) -> None:
    """Change the theme and remember it."""
    app = QApplication.instance()
    if isinstance(app, QApplication) and name in {"system", "light", "dark"}:
        chosen: Theme = name  # type: ignore[assignment]
        theme.apply(app, chosen)
        settings.set_theme(name)


def _watch_memory(bench: Bench) -> None:
    """Show the memory of the program once a second, but not while timing."""
    process = psutil.Process()
    timer = QTimer(bench.window)

    def show() -> None:
        step = bench.store.state.step
        if step is None or step.what != "measuring latency":
            used = text.memory(process.memory_info().rss)
            bench.window.status.set_memory(f"{used} in use")

    timer.timeout.connect(show)
    timer.start(_MEMORY_MS)
    show()
