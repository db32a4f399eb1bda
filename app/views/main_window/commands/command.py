"""One row of the table of commands."""

from collections.abc import Callable
from dataclasses import dataclass

from app.state.events import Event
from app.views.main_window.signals import WindowSignals

Action = Event | Callable[[WindowSignals], object]


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
        Flag of `app.controllers.presenter.flags.find_flags` that must be up for it to
        be used (empty: always), and the one that ticks it (empty: it has no tick).
    rule
        Whether a line stands above it in its menu.
    bar
        Whether the toolbar has a button of it.
    icon
        Of its button in the toolbar, see `app.rendering.icons`.
    held
        Whether it lasts as long as its key is held: no command of the palette.
    """

    name: str
    title: str
    keys: str
    menu: str
    tip: str
    action: Action
    enabled: str = ""
    checked: str = ""
    rule: bool = False
    bar: bool = False
    icon: str = ""
    held: bool = False
