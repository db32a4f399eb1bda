"""One row of the table of commands."""

from collections.abc import Callable
from dataclasses import dataclass

from app.state.app_state import AppState
from app.state.events import Event
from app.views.main_window.signals import WindowSignals

Action = Event | Callable[[WindowSignals], object]
Test = Callable[[AppState], bool]


def _always(_: AppState) -> bool:
    return True


@dataclass(frozen=True, slots=True)
class Command:
    """One command.

    Parameters
    ----------
    name
        Unique, such as ``view.masks``.
    title
        As menus, toolbar, palette and the sheet of keys show it.
    keys
        Shortcuts, by spaces; the first one is shown.
    menu
        Title of its menu, and of a menu within after a slash.
    tip
        What it does, in a sentence.
    action
        An event, or a function of the window.
    enabled, checked
        Whether it can be used, and whether it is ticked (None: it never is).
    rule
        Whether a line stands above it in its menu.
    bar
        Whether the toolbar has a button of it.
    held
        Whether it lasts as long as its key is held: no command of the palette.
    """

    name: str
    title: str
    keys: str
    menu: str
    tip: str
    action: Action
    enabled: Test = _always
    checked: Test | None = None
    rule: bool = False
    bar: bool = False
    held: bool = False


def is_open(state: AppState) -> bool:
    """Return whether a model and a tile are open."""
    return state.opened is not None and state.opening is None


def has_result(state: AppState) -> bool:
    """Return whether the active pane shows what the controls say."""
    return is_open(state) and state.current
