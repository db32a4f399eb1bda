"""What the program writes down about itself: a log, and a report of each fault.

Both stay on this computer, in the folder for logs of the platform.
``PRUNESCOPE_LOGS`` names another folder, or ``off``.

To read this file, start from `start_log`.
"""

import contextlib
import faulthandler
import logging
import os
import traceback
from collections import deque
from datetime import datetime
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import IO

import psutil
from platformdirs import user_log_path

from core.errors import InputError
from core.files import write_whole
from core.version import list_versions

LEVELS = ("debug", "info", "warning", "error")
LEVEL = "info"
MOST_BYTES = 1_000_000
"""Of the log; then it is renamed, and a new one begins."""

MOST_FILES = 3
"""Older logs that are kept."""

MOST_REPORTS = 20
"""Reports of faults that are kept; the oldest go first."""

_NAME = "prunescope.log"
_FORM = "%(asctime)s %(process)d %(levelname)s %(name)s: %(message)s"
_LAST_LINES = 50  # of the log, in a report
_OPEN: list["_Tail | RotatingFileHandler"] = []
_FATAL: list[IO[str]] = []


class _Tail(logging.Handler):
    """Keeps the last lines for a report."""

    def __init__(self) -> None:
        super().__init__()
        self.lines: deque[str] = deque(maxlen=_LAST_LINES)

    def emit(self, record: logging.LogRecord) -> None:
        with contextlib.suppress(Exception):  # a log never stops what it tells of
            self.lines.append(self.format(record))


def find_log_folder() -> Path | None:
    """Return the folder of logs and reports; None where they are off."""
    named = os.environ.get("PRUNESCOPE_LOGS", "")
    if named.lower() == "off":
        return None
    return Path(named) if named else user_log_path("prunescope", appauthor=False)


def start_log(level: str = LEVEL, path: str = "") -> Path | None:
    """Write what is logged into a file, in place of the one before.

    Parameters
    ----------
    level
        One of `LEVELS`: the least that is written.
    path
        Of the file; one in the folder of logs when empty.

    Returns
    -------
    Path or None
        The file; None where logs are off, or where that folder cannot be written,
        which keeps nobody from working.

    Raises
    ------
    InputError
        When the file that was named cannot be written.
    """
    end_log()
    logging.raiseExceptions = False  # a full disk is not told about at each line
    tail = _Tail()
    _add(tail, level)
    folder = find_log_folder()
    file = Path(path) if path else folder / _NAME if folder else None
    if file is None:
        return None
    try:
        if not path:
            file.parent.mkdir(parents=True, exist_ok=True)
        handler = RotatingFileHandler(
            file, maxBytes=MOST_BYTES, backupCount=MOST_FILES, encoding="utf-8"
        )
    except OSError as error:
        if not path:
            return None
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write {path} ({reason}): choose another place with --log-file."
        ) from error
    _add(handler, level)
    log = logging.getLogger(__name__)
    log.info("started: %s", "; ".join(list_versions()))
    return file


def _add(handler: _Tail | RotatingFileHandler, level: str) -> None:
    handler.setLevel(level.upper())
    handler.setFormatter(logging.Formatter(_FORM))
    for name in ("app", "core", "prunescope"):  # not those of libraries
        logger = logging.getLogger(name)
        logger.setLevel(level.upper())
        logger.addHandler(handler)
    _OPEN.append(handler)


def end_log() -> None:
    """Close the log."""
    while _OPEN:
        handler = _OPEN.pop()
        for name in ("app", "core", "prunescope"):
            logging.getLogger(name).removeHandler(handler)
        handler.close()


def build_report(error: BaseException) -> str:
    """Return what someone needs to mend a fault, as text to pass on.

    Parameters
    ----------
    error
        As caught.
    """
    lines = [*list_versions(), f"at {_now():%Y-%m-%d %H:%M:%S}", ""]
    lines += "".join(traceback.format_exception(error)).splitlines()
    for handler in _OPEN:
        if isinstance(handler, _Tail) and handler.lines:
            lines += ["", "Last lines of the log", *handler.lines]
    return "\n".join(lines) + "\n"


def write_report(report: str) -> Path | None:
    """Keep a report in the folder of logs; returns its file, None without one."""
    folder = find_log_folder()
    if folder is None:
        return None
    path = folder / f"crash-{_now():%Y%m%d-%H%M%S-%f}-{os.getpid()}.txt"
    try:
        folder.mkdir(parents=True, exist_ok=True)
        write_whole(path, report)
        for old in sorted(folder.glob("crash-*.txt"))[:-MOST_REPORTS]:
            old.unlink(missing_ok=True)
    except (OSError, InputError):
        return None
    return path


def watch_fatal_faults() -> None:
    """Let a fault that ends the process at once leave its traceback in a file.

    Such faults are in libraries of C: no line of Python runs after them. The next
    start finds the file, see `collect_fatal_faults`.
    """
    folder = find_log_folder()
    if folder is None or _FATAL:
        return
    with contextlib.suppress(OSError):
        folder.mkdir(parents=True, exist_ok=True)
        file = (folder / f"fatal-{os.getpid()}.txt").open("w", encoding="utf-8")
        _FATAL.append(file)
        faulthandler.enable(file)


def end_watch() -> None:
    """Take the file away, at an end in order."""
    while _FATAL:
        file = _FATAL.pop()
        faulthandler.disable()
        file.close()
        with contextlib.suppress(OSError):
            Path(file.name).unlink()


def collect_fatal_faults() -> Path | None:
    """Make reports of what earlier processes left, and return the newest.

    Files of processes that still run stay, and empty ones go: their process was
    killed from outside.
    """
    folder = find_log_folder()
    newest = None
    for path in sorted(folder.glob("fatal-*.txt")) if folder else ():
        number = path.stem.partition("-")[2]
        if not number.isdigit() or psutil.pid_exists(int(number)):
            continue
        with contextlib.suppress(OSError):
            told = path.read_text(encoding="utf-8", errors="replace")
            path.unlink()
            if told:
                newest = write_report("\n".join([*list_versions(), "", told])) or newest
    return newest


def keep_fault(report: str) -> str:
    """Log a fault, keep its report, and return a sentence that says where.

    Parameters
    ----------
    report
        From `build_report`.
    """
    logging.getLogger(__name__).error("fault\n%s", report)
    path = write_report(report)
    return f"A report is in {path}." if path else ""


def _now() -> datetime:
    return datetime.now().astimezone()
