"""A window and what is behind it, as one value."""

from dataclasses import dataclass

from app.controllers.controller import Controller
from app.state.app_state import Store
from app.views.main_window.window import Window
from app.worker.runner import Runner


@dataclass(frozen=True, slots=True)
class Application:
    """A window and what is behind it."""

    window: Window
    controller: Controller
    store: Store
    runner: Runner
