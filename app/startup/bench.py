"""A window and what is behind it, as one value."""

from dataclasses import dataclass

from app.control.controller import Controller
from app.frame.window import Window
from app.state.app_state import Store
from app.work.runner import Runner


@dataclass(frozen=True, slots=True)
class Bench:
    """A window and what is behind it."""

    window: Window
    controller: Controller
    store: Store
    runner: Runner
