"""Builds the window with everything behind it.

Start from `build`.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import dataclass, replace
from pathlib import Path

import psutil
from platformdirs import user_data_path
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.controllers.autosave import Autosave, find_slot
from app.controllers.controller import Controller
from app.controllers.demo.blinded_reading import BlindedReading
from app.controllers.deployment.windows import DeploymentWindows
from app.controllers.looking import Looking
from app.controllers.session_files import SessionFiles
from app.controllers.sweeps.button import SweepButton
from app.controllers.tile_folders import TileFolders
from app.controllers.wiring import connect
from app.rendering import theme
from app.rendering.screen import first_size
from app.state.app_state import MOST, AppState, Message
from app.state.events import DisplayChanged, MessageShown, ReadingSwitched
from app.state.session.settings import Settings
from app.state.session.setup_file import read_display, read_setup
from app.state.session.sources import shipped_models
from app.state.store import Store
from app.state.values import Engine, Opened, SampleTitle
from app.text import format as text
from app.views.main_window.dialogs import ask_calibration
from app.views.main_window.window import Window
from app.worker.engine import BenchEngine, sample_titles
from app.worker.model_list import list_choices
from app.worker.runner import Runner
from core.errors import InputError
from core.sources import DEFAULT_TILE, Source

_MEMORY_MS = 1000
_EVERY = 4  # jobs; letting go costs page faults in the next one
_PREPARED = "256"  # networks of a dozen widths, with twenty layers each


@dataclass(frozen=True, slots=True)
class Application:
    """A window and what is behind it."""

    window: Window
    controller: Controller
    store: Store
    runner: Runner
    engine: Engine
    sessions: SessionFiles


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
    samples = [SampleTitle(name, title) for name, title in sample_titles()]
    models = [SampleTitle(name, title) for name, title in shipped_models()]
    window = Window(samples, models)
    state = state or settings.state()
    slide = settings.slide or state.story.slide
    state = replace(state, story=replace(state.story, slide=slide))
    store = Store(state, window)
    runner = Runner(tidy=trimmer(), parent=window)
    engine = engine or BenchEngine()
    controller = Controller(window, store, runner, engine)
    connect(window, controller)
    sessions = SessionFiles(window, store, controller, settings)
    bench = Application(window, controller, store, runner, engine, sessions)
    window.themeAsked.connect(lambda name: _change_theme(name, settings))
    window.set_theme(settings.theme)
    window.folders.update(settings.folders)
    window.closing.connect(
        lambda: settings.save(store.state, window.saveGeometry(), window.splitter)
    )
    window.closing.connect(lambda: settings.set_folders(window.folders))
    window.demo.slideChosen.connect(settings.set_slide)
    window.set_recent(settings.recent)
    controller.presenter.openedShown.connect(
        lambda opened: _keep_recent(opened, settings, window)
    )
    attach(bench, settings)
    SweepButton(window, store, runner, controller)
    DeploymentWindows(window, store, runner, controller)
    TileFolders(window, store, runner, controller)
    Looking(window.viewer, store)
    _watch_memory(bench)
    return bench


def _keep_recent(opened: Opened, settings: Settings, window: Window) -> None:
    """Put a tile and a model that were opened from files among the recent ones."""
    model = opened.model.source
    named = Source.of_model(model).recent
    if named and settings.recent_models[:1] != (model,):
        settings.add_recent_model(model)
    source = opened.source
    if source.recent and settings.recent[:1] != (source.pair,):
        settings.add_recent(source.pair)
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
    if settings.notice:
        bench.store.dispatch(MessageShown(Message(settings.notice, kind="warning")))
    geometry = settings.geometry
    if geometry is not None:
        bench.window.restoreGeometry(geometry)
    else:
        bench.window.resize(*first_size())
    if settings.splitter is not None:
        bench.window.restore_splitter(settings.splitter)


def open_first(
    bench: Application, settings: Settings, model: str, tile: Source
) -> None:
    """Open what was asked for, or else what was open last, or the demo.

    A file of last time that is gone must not greet anyone with an error.
    """
    last_model, last_tile = settings.last
    if not model and not (last_model and Source.of_model(last_model).exists):
        last_model = "demo"
    last = Source.of_tile(last_tile)
    if tile == DEFAULT_TILE and last.exists:
        tile = last
    bench.controller.open(model or last_model, tile)


def _watch_memory(bench: Application) -> None:
    """Show the memory of the program once a second, but not while timing."""
    process = psutil.Process()
    timer = QTimer(bench.window)

    def show() -> None:
        work = bench.store.state.work
        if work is None or not work.measures:
            used = text.memory(process.memory_info().rss)
            bench.window.status.set_memory(f"{used} in use")

    timer.timeout.connect(show)
    timer.start(_MEMORY_MS)
    show()


def attach(bench: Application, settings: Settings) -> None:
    """Connect the parts that only need the window, its state and its settings.

    Parameters
    ----------
    bench
        A window and what is behind it; it owns the parts from now on.
    settings
        What was dismissed and chosen last time.
    """
    window, controller = bench.window, bench.controller
    window.exportAsked.connect(
        lambda what, path: controller.exporter.export(what, path)
    )
    window.setupAsked.connect(lambda path: use_setup(bench, path))
    _attach_reading(bench, settings)
    window.modelsAsked.connect(lambda: show_models(bench, settings))
    window.calibrationShown.connect(lambda: show_calibration(bench))

    def show_hints(on: bool) -> None:
        window.hints.set_shown(on)
        settings.set_hints(on)

    window.hintsAsked.connect(show_hints)
    window.hints.dismissed.connect(lambda: show_hints(False))
    window.hints.set_shown(settings.hints)
    # The demo view is for an audience, which needs no hints.
    controller.presenter.demoShown.connect(
        lambda on: window.hints.setVisible(settings.hints and not on)
    )


def show_models(bench: Application, settings: Settings) -> None:
    """Open the box in which a model is chosen."""
    state = bench.store.state
    current = state.opened.model.source if state.opened else ""
    beside = state.opened is not None and state.opened.model.task == "nuclei"
    room = len(state.panes) < MOST and not state.demo
    choices = list_choices(settings.recent_models)
    bench.window.show_models(choices, current, beside=beside and room)


def show_calibration(bench: Application) -> None:
    """Open the box that shows the calibration tiles."""
    from app.views.widgets.calibration_box import CalibrationBox

    window, opened = bench.window, bench.store.state.opened
    if opened is None:
        return
    tiles, digest = opened.calibration_tiles, opened.calibration_digest
    box = CalibrationBox(tiles, digest, opened.calibrated_on, window)
    box.folderAsked.connect(lambda: ask_calibration(window))
    box.defaultAsked.connect(lambda: window.calibrationAsked.emit(""))
    box.open()


def _attach_reading(bench: Application, settings: Settings) -> None:
    """Connect the blinded reading."""
    window = bench.window
    blind = BlindedReading(
        window.reading, bench.store, lambda: readings(settings), window
    )

    def begin() -> None:
        if blind.start():
            bench.store.dispatch(ReadingSwitched(True))
            blind.again_in_view()

    window.demo.readingAsked.connect(begin)


def readings(settings: Settings) -> Path:
    """Return the folder in which answers of readings are kept."""
    if settings.folder is not None:
        return settings.folder / "readings"
    return user_data_path("prunescope", appauthor=False) / "readings"


def keep_session(
    bench: Application, settings: Settings, *, fresh: bool = False
) -> Autosave | None:
    """Keep the session of a window as long as it is open, and when it closes.

    Parameters
    ----------
    bench
        A window and what is behind it.
    settings
        Beside which the sessions are kept, where they have a folder of their own.
    fresh
        Whether something else than the session of last time is to be opened.

    Returns
    -------
    Autosave or None
        None where nothing can be written, which is told.
    """
    own = settings.folder or user_data_path("prunescope", appauthor=False)
    slot = find_slot(own / "sessions", fresh=fresh)
    if slot is None:
        words = f"Sessions cannot be kept: {own / 'sessions'} cannot be written."
        bench.store.dispatch(MessageShown(Message(words, kind="warning")))
        return None
    autosave = Autosave(bench.store, slot, bench.window)
    bench.sessions.keep(autosave)
    return autosave


def use_setup(bench: Application, path: str) -> None:
    """Open what a settings file names, set as it says."""
    try:
        setup = read_setup(path)
        display = read_display(bench.store.state.display, setup.display)
    except InputError as error:
        bench.store.dispatch(MessageShown(Message(str(error))))
        return
    bench.store.dispatch(DisplayChanged(display))
    bench.controller.go_to(setup.request)
    tile = Source.of_tile(setup.tile, setup.labels).pair if setup.tile else ""
    bench.controller.open(setup.model, tile)


# Memory that was freed goes back to the system. Every pruned model has other widths,
# so its layers and activations ask the C library for blocks of other sizes than the
# ones just freed, and glibc keeps those: about 10 MB for each slider change.


def bound_caches() -> None:
    """Keep fewer prepared convolutions; to be called before torch is loaded.

    oneDNN keeps code and buffers for each shape of layer that it ever ran, 1024 by
    default; every position of the slider has shapes of its own.
    """
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, _PREPARED)


def _release() -> None:
    """Give memory back, if anything that takes much of it was loaded at all."""
    if "torch" in sys.modules:
        from core.latency import release_memory

        release_memory()


def trimmer(
    every: int = _EVERY, release: Callable[[], None] = _release
) -> Callable[[], None]:
    """Return what the worker calls after each job.

    Parameters
    ----------
    every
        How many calls there are to one that does something.
    release
        What it then does.
    """
    calls = 0

    def after_job() -> None:
        nonlocal calls
        calls += 1
        if calls % every == 0:
            release()

    return after_job
