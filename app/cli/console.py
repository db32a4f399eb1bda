"""What commands write to a terminal, a pipe or a file."""

import io
import sys
import time
from collections.abc import Callable, Iterable, Sequence

from rich.console import Console
from rich.table import Table
from rich.text import Text

from core.job import Job, Step
from core.printable import to_printable

_EVERY = 10.0  # seconds between two lines of progress without a terminal


def write_replacements() -> None:
    """Let characters that a console has not be written as question marks.

    An error in the last line would lose what was computed for an hour.
    """
    for stream in (sys.stdout, sys.stderr):
        if isinstance(stream, io.TextIOWrapper):
            stream.reconfigure(errors="replace")


def progress(clock: Callable[[], float] = time.monotonic) -> Job:
    """Return a job that writes its progress to stderr.

    One line that changes on a terminal, a line every ten seconds elsewhere.

    Parameters
    ----------
    clock
        Seconds, from any start.
    """
    terminal = sys.stderr.isatty()
    last = clock()

    def report(step: Step) -> None:
        nonlocal last
        share = f" {step.done}/{step.total}" if step.total else ""
        words = to_plain_line(f"{step.what}{share}")
        if terminal:
            sys.stderr.write(f"\r\x1b[K{words}")
        elif clock() - last >= _EVERY:
            last = clock()
            sys.stderr.write(words + "\n")
        else:
            return
        sys.stderr.flush()

    return Job(report)


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
