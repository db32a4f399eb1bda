"""What commands write to a terminal, a pipe or a file."""

import io
import sys
import time
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn
from rich.table import Table
from rich.text import Text

from core.job import Job, Step
from core.printable import to_printable

_EVERY = 10.0  # seconds between two lines of progress without a terminal
_BAR_EVERY = 0.1  # seconds between two pictures of the bar


def write_replacements() -> None:
    """Let characters that a console has not be written as question marks.

    An error in the last line would lose what was computed for an hour.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def progress(clock: Callable[[], float] = time.monotonic) -> Job:
    """Return a job that writes its progress to stderr.

    A bar on a terminal, until `end_progress`; a line every ten seconds elsewhere.

    Parameters
    ----------
    clock
        Seconds, from any start.
    """
    if sys.stderr.isatty():
        return Job(_Bar().report)
    last = clock()

    def report(step: Step) -> None:
        nonlocal last
        if clock() - last >= _EVERY:
            last = clock()
            share = f" {step.done}/{step.total}" if step.total else ""
            sys.stderr.write(to_plain_line(f"{step.what}{share}") + "\n")
            sys.stderr.flush()

    return Job(report)


def end_progress() -> None:
    """Take the bar of progress off the terminal, where there is one."""
    while _BARS:
        _BARS.pop().stop()


_BARS: list[Progress] = []
"""The bar on the terminal; none or one."""


class _Bar:
    """Shows the newest step; drawn by whoever reports, so that no thread disturbs."""

    def __init__(self) -> None:
        self._bar: Progress | None = None
        self._drawn = 0.0

    def report(self, step: Step) -> None:
        """Show a step, at most ten times a second."""
        if self._bar is None or self._bar not in _BARS:
            end_progress()
            self._bar = Progress(
                TextColumn("{task.description}", markup=False),
                BarColumn(),
                TextColumn("{task.fields[share]}"),
                TimeRemainingColumn(),
                console=Console(file=sys.stderr),
                auto_refresh=False,
                transient=True,
            )
            self._bar.add_task("", total=None, share="")
            self._bar.start()
            _BARS.append(self._bar)
        bar, task = self._bar, self._bar.tasks[0]
        words, total = to_plain_line(step.what), step.total or None
        if (words, total) != (task.description, task.total):
            bar.reset(task.id, total=total, description=words, start=True)
            self._drawn = 0.0
        share = f"{step.done}/{step.total}" if step.total else ""
        bar.update(task.id, completed=step.done, share=share)
        now = time.monotonic()
        if now - self._drawn >= _BAR_EVERY:
            self._drawn = now
            bar.refresh()


def to_plain_line(words: str) -> str:
    """Return words without line ends, escapes and other signs that steer a console."""
    return to_printable(words, "?")


def print_table(header: Sequence[str], rows: Iterable[Sequence[str]]) -> None:
    """Write a table to stdout; the first columns are words, numbers stand right.

    Parameters
    ----------
    header, rows
        Of the same length. Cells are shown as they are: no markup, no escapes.
    """
    table = Table(*header, box=None, pad_edge=False, header_style="")
    cells = [[to_plain_line(cell) for cell in row] for row in rows]
    for place, column in enumerate(table.columns):
        numbers = all(row[place][:1] in "0123456789-\u2013" for row in cells)
        column.justify = "right" if numbers else "left"
        column.no_wrap = True
    for row in cells:
        table.add_row(*map(Text, row))
    width = 10_000  # a pipe has no width, and cut numbers are none
    Console(file=sys.stdout, width=width, highlight=False).print(table)
