"""Options of the program as a whole: version, log, completion, desktop entry."""

import argparse
import sys
from collections.abc import Iterator
from typing import Any

from core.errors import InputError
from core.logs import LEVEL, LEVELS
from core.version import list_versions

SHELLS = ("bash", "zsh", "tcsh", "fish")
_FILES = {"model", "tile", "labels", "settings", "csv", "records", "store", "file"}
_FILES |= {"screenshot", "slide", "plan", "network", "log_file", "calibration", "row"}
_FOLDERS = {"data", "train_data"}


class _DoAndEnd(argparse.Action):
    """Does something in place of a command, and ends."""

    def __init__(self, option_strings: Any, dest: str, **more: Any) -> None:
        more.setdefault("nargs", 0)
        super().__init__(option_strings, argparse.SUPPRESS, **more)

    def __call__(
        self, parser: argparse.ArgumentParser, _: Any, values: Any, __: Any = None
    ) -> None:
        """Do it."""
        try:
            for line in self.lines(parser, values):
                sys.stdout.write(f"{line}\n")
        except InputError as error:
            parser.exit(2, f"{parser.prog}: {error}\n")
        parser.exit()

    def lines(self, parser: argparse.ArgumentParser, value: Any) -> Iterator[str]:
        """Yield what is said."""
        raise NotImplementedError


class _Version(_DoAndEnd):
    def lines(self, parser: argparse.ArgumentParser, value: Any) -> Iterator[str]:
        yield from list_versions()


class _Completion(_DoAndEnd):
    def lines(self, parser: argparse.ArgumentParser, value: Any) -> Iterator[str]:
        import shtab  # only here: it is hardly ever asked for

        _say_what_completes(parser, shtab.FILE, shtab.DIRECTORY)
        yield shtab.complete(parser, value)


class _Desktop(_DoAndEnd):
    def lines(self, parser: argparse.ArgumentParser, value: Any) -> Iterator[str]:
        from app.cli.desktop import install_desktop

        for path in install_desktop():
            yield f"wrote {path}"


def add_general(parser: argparse.ArgumentParser) -> None:
    """Add the options to the program's own parser."""
    parser.add_argument(
        "--version", action=_Version, help="say which versions these are, and end"
    )
    parser.add_argument(
        "--print-completion",
        action=_Completion,
        nargs=None,
        choices=SHELLS,
        help="print what completes this command line in a shell, and end",
    )
    parser.add_argument(
        "--install-desktop",
        action=_Desktop,
        help="add the program to the menu of a Linux desktop, and end",
    )
    add_log(parser, LEVEL)


def add_log(parser: argparse.ArgumentParser, level: Any = argparse.SUPPRESS) -> None:
    """Add the options of the log; a command keeps what stands before its name."""
    group = parser.add_argument_group("log")
    group.add_argument(
        "--log-level",
        choices=LEVELS,
        default=level,
        help=f"the least that is written down; {LEVEL} if left out",
    )
    group.add_argument(
        "--log-file",
        metavar="FILE",
        default=argparse.SUPPRESS,
        help="where to, instead of the folder of logs",
    )


def _say_what_completes(
    parser: argparse.ArgumentParser, file: Any, folder: Any
) -> None:
    """Let options that take files be completed by files, in commands too."""
    for action in parser._actions:  # noqa: SLF001 - argparse has no other way
        if isinstance(action.choices, dict):
            for command in action.choices.values():
                _say_what_completes(command, file, folder)
        elif action.dest in _FILES | _FOLDERS and not action.choices:
            kind = folder if action.dest in _FOLDERS else file
            action.complete = kind  # type: ignore[attr-defined]
