"""Damaged copies of a file, read in child processes that outlive a crash.

One child reads many copies, so that a copy costs no start of Python; when a child dies
or hangs, the copy it was reading is the finding, and the next child goes on after it.
"""

import faulthandler
import os
import resource
import signal
import tempfile
from collections import Counter
from collections.abc import Callable
from pathlib import Path

import numpy as np

from core.errors import BenchError

SECONDS = 20  # of processor time and waiting for one copy
MEMORY = 4 << 30  # bytes on top of what the process holds
READ, REFUSED = "read", "refused"


def damage(data: bytes, number: int) -> bytes:
    """Return a copy of a file with five other bytes; every third is cut, too.

    Parameters
    ----------
    data
        The file, at least one byte.
    number
        Of the copy; with the file it makes the same copy again. Even ones are damaged
        among the first 500 bytes.
    """
    rng = np.random.default_rng([number, len(data)])
    broken = np.frombuffer(data, np.uint8).copy()
    top = len(data) if number % 2 else min(len(data), 500)
    broken[rng.integers(0, top, 5)] = rng.integers(0, 256, 5)
    end = len(data) if number % 3 else rng.integers(1, len(data) + 1)
    return broken[:end].tobytes()


def read_damaged(
    path: Path, read: Callable[[Path], object], count: int
) -> Counter[str]:
    """Read damaged copies of a file.

    Parameters
    ----------
    path
        Of the file; copies are written under its name in a folder of their own.
    read
        May return anything or raise a `BenchError`.
    count
        Of copies.

    Returns
    -------
    Counter
        `READ`, `REFUSED`, and every other outcome under what happened.
    """
    found: Counter[str] = Counter()
    done = 0
    while done < count:
        verdicts, status = _run_child(path, read, range(done, count))
        found.update(verdicts)
        done += len(verdicts)
        if done < count:  # the child has died of the next copy
            found[f"{path.name}, copy {done}: {_death(status)}"] += 1
            done += 1
    return found


def _death(status: int) -> str:
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGALRM:
        return f"hangs for more than {SECONDS} s"
    return f"crash, signal {-code}" if code < 0 else f"ends the program with {code}"


def _run_child(
    path: Path, read: Callable[[Path], object], numbers: range
) -> tuple[list[str], int]:
    """Return a verdict for each copy that a child could read, and how it ended."""
    out, told = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        try:
            _read_all(path, read, numbers, told)
        finally:
            os._exit(0)
    os.close(told)
    with os.fdopen(out, "r", errors="replace") as pipe:
        verdicts = pipe.read().splitlines()
    return verdicts, os.waitpid(child, 0)[1]


def _read_all(
    path: Path, read: Callable[[Path], object], numbers: range, told: int
) -> None:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    faulthandler.disable()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)  # whoever has forked may catch it
    data = path.read_bytes()
    with tempfile.TemporaryDirectory(dir=path.parent) as folder:
        copy = Path(folder) / path.name
        for number in numbers:
            copy.write_bytes(damage(data, number))
            signal.alarm(SECONDS)
            verdict = _verdict(read, copy, number)
            signal.alarm(0)
            os.write(told, f"{verdict}\n".encode())


def _verdict(read: Callable[[Path], object], copy: Path, number: int) -> str:
    try:
        read(copy)
    except BenchError:
        return REFUSED
    except BaseException as error:  # noqa: BLE001 - that is what is looked for
        what = f"{type(error).__name__}: {str(error)[:120]!r}"
        return f"{copy.name}, copy {number}: {what}"
    return READ
