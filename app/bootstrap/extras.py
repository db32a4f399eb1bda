"""What goes with a window besides pruning: exports, story, reading, hints."""

from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QStandardPaths

from app.controllers.demo.blinded_reading import BlindedReading
from app.controllers.demo.story import StoryController
from app.state.app_state import Message
from app.state.session.setup_file import displayed, read_setup
from app.state.session.sources import joined
from core.errors import InputError

if TYPE_CHECKING:
    from app.bootstrap.application import Application
    from app.state.session.settings import Settings


def attach(bench: "Application", settings: "Settings") -> None:
    """Connect the parts that only need the window, its state and its settings.

    Parameters
    ----------
    bench
        A window and what is behind it; it owns the parts from now on.
    settings
        What was dismissed and chosen last time.
    """
    window, store, controller = bench.window, bench.store, bench.controller
    window.exportAsked.connect(controller.exporter.export)
    window.setupAsked.connect(lambda path: use_setup(bench, path))
    StoryController(
        window.demo, store, controller, settings.slide, settings.set_slide, window
    )
    _attach_reading(bench, settings)

    def show_hints(on: bool) -> None:
        window.hints.set_shown(on)
        settings.set_hints(on)

    window.hintsAsked.connect(show_hints)
    window.hints.dismissed.connect(lambda: show_hints(False))
    window.hints.set_shown(settings.hints)
    # The demo view is for an audience, which needs no hints.
    store.changed.connect(
        lambda _, new: window.hints.setVisible(settings.hints and not new.demo)
    )


def _attach_reading(bench: "Application", settings: "Settings") -> None:
    """Connect the blinded reading."""
    window = bench.window
    blind = BlindedReading(
        window.reading, bench.store, lambda: readings(settings), window
    )

    def begin() -> None:
        if blind.start():
            window.set_reading(True)
            blind.again_in_view()

    window.demo.readingAsked.connect(begin)
    window.reading.closed.connect(lambda: window.set_reading(False))


def readings(settings: "Settings") -> Path:
    """Return the folder in which answers of readings are kept."""
    if settings.folder is not None:
        return settings.folder / "readings"
    place = QStandardPaths.StandardLocation.GenericDataLocation
    return Path(QStandardPaths.writableLocation(place)) / "prunescope" / "readings"


def use_setup(bench: "Application", path: str) -> None:
    """Open what a settings file names, set as it says."""
    try:
        setup = read_setup(path)
    except InputError as error:
        bench.store.update(message=Message(str(error)))
        return
    display = displayed(bench.store.state.display, setup.display)
    bench.store.update(display=display)
    bench.controller.go_to(setup.request)
    bench.controller.open(setup.model, joined(setup.tile, setup.labels))
