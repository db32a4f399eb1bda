"""The table of all commands, and which can be used now."""

from app.state.app_state import AppState
from app.views.main_window.commands.command import Command
from app.views.main_window.commands.files import FILE_COMMANDS
from app.views.main_window.commands.views import VIEW_COMMANDS
from app.views.main_window.commands.work import (
    EDIT_COMMANDS,
    HELP_COMMANDS,
    RUN_COMMANDS,
)

MENUS = ("File", "Edit", "View", "Model", "Run", "Help")
COMMANDS: tuple[Command, ...] = (
    *FILE_COMMANDS,
    *EDIT_COMMANDS,
    *VIEW_COMMANDS,
    *RUN_COMMANDS,
    *HELP_COMMANDS,
)


def find_enabled(state: AppState) -> frozenset[str]:
    """Return the names of commands that can be used now."""
    return frozenset(one.name for one in COMMANDS if one.enabled(state))


def find_checked(state: AppState) -> frozenset[str]:
    """Return the names of commands that are ticked now."""
    return frozenset(
        one.name for one in COMMANDS if one.checked is not None and one.checked(state)
    )
