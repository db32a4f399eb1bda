"""The table of all commands."""

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
