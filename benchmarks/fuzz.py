"""Seeded mutations of every format that is read: ``python -m benchmarks.fuzz``.

Inputs are read in another process, with limits of time and memory for each. Reading may
succeed or end with a `BenchError`; a crash, a hang, any other exception, too much
memory, a started program or an opened socket is a finding, after which another process
goes on. At the end the row of ``docs/trust.md`` is printed.
"""

import argparse
import faulthandler
import os
import random
import resource
import signal
import sys
import tempfile
import time
import traceback
from collections import Counter
from collections.abc import Callable, Iterator, Mapping
from contextlib import suppress
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, Self

from benchmarks.fuzz_seeds import make_seeds
from core.errors import BenchError

SECONDS = 10
MEMORY = 4 << 30  # bytes on top of what the program needs itself
_FORBIDDEN = ("os.system", "os.exec", "subprocess.Popen", "socket.connect")
_FRESH = 200  # inputs a process: what each leaves behind in memory adds up
_NUMBERS = (b"0", b"-1", b"1e309", b"NaN", b"9" * 25, b"65536", b'"x"', b"null", b"[]")


def _image(path: Path) -> object:
    from core.images import read_tile

    return read_tile(path)


def _labels(path: Path) -> object:
    from core.images import read_labels

    return read_labels(path)


def _model(path: Path) -> object:
    from core.models import load_model

    return load_model(str(path))


def _plan(path: Path) -> object:
    from core.pruning import PruningPlan

    text = path.read_text(encoding="utf-8", errors="replace")
    return PruningPlan.from_json(text)


def _setup(path: Path) -> object:
    from app.state.session.setup_file import read_setup

    return read_setup(str(path))


def _slide(path: Path) -> object:
    from app.worker.slides import read_map

    return read_map(path)


def _session(path: Path) -> object:
    from app.state.session.session_file import read_session

    return read_session(path)


def _settings(path: Path) -> object:
    from app.state.session.settings import Settings

    return Settings(path)


def _store(path: Path) -> object:
    from core.store import read_json, read_store

    return read_json(path) if path.suffix == ".json" else read_store(path).records


READERS: Mapping[str, Callable[[Path], object]] = {
    "image": _image,
    "labels": _labels,
    "model": _model,
    "plan": _plan,
    "session": _session,
    "setup": _setup,
    "settings": _settings,
    "slide": _slide,
    "store": _store,
}


def mutate(data: bytes, chance: random.Random) -> bytes:
    """Return a file with a few things changed in it."""
    content = bytearray(data)
    for _ in range(chance.choice((1, 1, 2, 4, 16))):
        size = len(content)
        if not size:
            break
        at = chance.randrange(size)
        length = min(chance.choice((1, 2, 4, 8, 64, 1024)), size - at)
        way = chance.randrange(7)
        if way == 0:
            content[at] ^= 1 << chance.randrange(8)
        elif way == 1:
            del content[at:]
        elif way == 2:
            content[at : at + length] = chance.randbytes(length)
        elif way == 3:
            content[at : at + length] = bytes([chance.choice((0, 255))]) * length
        elif way == 4:
            content[at:at] = content[at : at + length] * chance.choice((1, 2, 50))
        elif way == 5:
            content[at : at + length] = chance.choice(_NUMBERS)
        else:
            del content[at : at + length]
    return bytes(content)


class Reader:
    """A process that reads inputs, one after the other, until one ends it.

    Parameters
    ----------
    readers
        By kind of input.
    """

    def __init__(self, readers: Mapping[str, Callable[[Path], object]]) -> None:
        self._readers = readers
        self._process = 0
        self._read_count = 0

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._end()

    def read(self, kind: str, path: Path) -> str:
        """Read one file there; returns what went wrong, or nothing."""
        if not self._process:
            self._start()
        os.write(self._ask, f"{kind}\n{path}\0".encode())
        said = self._answer()
        self._read_count += 1
        if said is not None:
            if said or self._read_count >= _FRESH:
                self._end()
            return said
        status, self._process = os.waitpid(self._process, 0)[1], 0
        self._close()
        code = os.waitstatus_to_exitcode(status)
        if code == -signal.SIGALRM:
            return f"hangs for more than {SECONDS} s"
        return f"crashes with signal {-code}" if code < 0 else f"ends with {code}"

    def _answer(self) -> str | None:
        """Return what the process says of an input; None when it is gone."""
        said = b""
        while not said.endswith(b"\0"):
            piece = os.read(self._told, 4096)
            if not piece:
                return None
            said += piece
        return said[:-1].decode(errors="replace")

    def _start(self) -> None:
        asked, self._ask = os.pipe()
        self._told, told = os.pipe()
        self._read_count = 0
        self._process = os.fork()
        if not self._process:
            os.close(self._ask)
            os.close(self._told)
            os._exit(_serve(self._readers, asked, told))
        os.close(asked)
        os.close(told)

    def _end(self) -> None:
        if self._process:
            self._close()
            os.waitpid(self._process, 0)
            self._process = 0

    def _close(self) -> None:
        os.close(self._ask)
        os.close(self._told)


def _serve(
    readers: Mapping[str, Callable[[Path], object]], asked: int, told: int
) -> int:
    """Read files that are asked for (in a process of its own) until no more are."""
    ran: list[str] = []

    def watch(event: str, _: tuple[Any, ...]) -> None:
        if event.startswith(_FORBIDDEN):
            ran.append(event)

    sys.addaudithook(watch)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    faulthandler.disable()
    signal.signal(signal.SIGALRM, signal.SIG_DFL)
    with os.fdopen(asked, "rb") as inbox:
        waiting = b""
        while piece := inbox.read1(4096):
            waiting += piece
            while b"\0" in waiting:
                line, _, waiting = waiting.partition(b"\0")
                kind, _, path = line.decode().partition("\n")
                said = _read_one(readers[kind], Path(path), ran)
                os.write(told, said.replace("\0", "").encode() + b"\0")
    return 0


def _read_one(read: Callable[[Path], object], path: Path, ran: list[str]) -> str:
    """Read one file within the time; returns what went wrong, or nothing."""
    ran.clear()
    said = ""
    signal.alarm(SECONDS)
    try:
        read(path)
    except BenchError:
        pass
    except BaseException:  # noqa: BLE001 - that is what is looked for
        said = traceback.format_exc()[-1500:] or "an exception"
    signal.alarm(0)
    return f"ran {ran}" if ran else said


def try_one(read: Callable[[Path], object], path: Path) -> str:
    """Read a file in a process of its own; returns what went wrong, or nothing."""
    with Reader({"one": read}) as reader:
        return reader.read("one", path)


def run(
    folder: Path, count: int, seed: int, seconds: float = float("inf")
) -> Iterator[tuple[str, int, str]]:
    """Yield kind, number and trouble of each input; the files themselves are read."""
    made = make_seeds(folder)
    seeds = [(kind, path.suffix, path.read_bytes()) for kind, path in made]
    kinds = sorted({kind for kind, _, _ in seeds})  # each as often as any other
    for kind, path in made:  # what is imported now, no process has to
        with suppress(BenchError):
            READERS[kind](path)
    end = time.monotonic() + seconds
    with Reader(READERS) as reader:
        for number in range(count):
            if time.monotonic() > end:
                return
            chance = random.Random(f"{seed} {number}")
            kind = chance.choice(kinds)
            _, ending, content = chance.choice([one for one in seeds if one[0] == kind])
            path = folder / f"input-{number}{ending}"  # nothing is kept by its name
            path.write_bytes(mutate(content, chance))
            yield kind, number, reader.read(kind, path)
            for left in folder.glob("input-*"):  # what is set aside, too
                left.unlink(missing_ok=True)


def summarise(
    tried: Mapping[str, int], wrong: int, seed: int, seconds: float, when: str
) -> str:
    """Return the row of ``docs/trust.md``."""
    total, kinds = sum(tried.values()), ", ".join(sorted(tried))
    good = "no crash, hang, foreign exception or started program"
    found = f"{wrong} findings" if wrong else good
    return (
        f"| Seeded mutations of {kinds}: {SECONDS} s and {MEMORY >> 30} GB each, no "
        f"program and no socket allowed | {total:,} inputs in {seconds / 60:.0f} min, "
        f"seed {seed}, on {when} | {found} | `python -m benchmarks.fuzz --seed {seed} "
        f"--count {total}` |"
    )


def main(arguments: list[str]) -> int:
    """Run, print findings and a sum; 1 when there are any."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--keep", type=Path, help="folder for inputs of findings")
    asked = parser.parse_args(arguments)
    tried, wrong = Counter[str](), 0
    begun = time.monotonic()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, number, what in run(
            folder, asked.count, asked.seed, 60 * asked.minutes
        ):
            tried[kind] += 1
            if not what:
                continue
            wrong += 1
            print(f"{kind} {number}: {what}\n", flush=True)
            if asked.keep is not None:
                asked.keep.mkdir(parents=True, exist_ok=True)
                for path in folder.glob("input-*"):
                    path.replace(asked.keep / f"{kind}-{number}{path.suffix}")
    print(f"{sum(tried.values())} inputs, {wrong} findings; {dict(tried)}\n")
    seconds, today = time.monotonic() - begun, datetime.now(UTC).date().isoformat()
    print(summarise(tried, wrong, asked.seed, seconds, today))
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
