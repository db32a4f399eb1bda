"""Seeded mutations of every format that is read: ``python -m benchmarks.fuzz``.

Each input is read in a process of its own, with limits of time and memory. Reading may
succeed or end with a `BenchError`; a crash, a hang, any other exception, too much
memory, a started program or an opened socket is a finding, whose input is kept.
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
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from core.errors import BenchError

SECONDS = 10
MEMORY = 4 << 30  # bytes on top of what the program needs itself
_FORBIDDEN = ("os.system", "os.exec", "subprocess.Popen", "socket.connect")
_FINE, _FOREIGN, _RAN = 0, 3, 4
_NUMBERS = (b"0", b"-1", b"1e309", b"NaN", b"9" * 25, b"65536", b'"x"', b"null", b"[]")


@dataclass(frozen=True, slots=True)
class Finding:
    """An input that was not read as it should be.

    Parameters
    ----------
    kind, number
        Of the input; with the seed they make it again.
    what
        What happened.
    """

    kind: str
    number: int
    what: str


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
    "setup": _setup,
    "settings": _settings,
    "store": _store,
}


def _add_labels(add: Callable[[str, str], Path], labels: Any) -> None:
    """Write ground truth in several formats."""
    import numpy as np
    import tifffile
    from PIL import Image

    tifffile.imwrite(add("labels", "labels.tif"), labels.astype(np.uint16))
    Image.fromarray(labels.astype(np.uint16)).save(add("labels", "labels.png"))
    np.save(add("labels", "labels.npy"), labels)
    np.savez(add("labels", "labels.npz"), inst_map=labels)
    square = [[[1, 1], [9, 1], [9, 9], [1, 9], [1, 1]]]
    shape = {"type": "Polygon", "coordinates": square}
    geo = '{"type": "FeatureCollection", "features": [{"type": "Feature", '
    geo += f'"properties": {{}}, "geometry": {shape!r}}}]}}'.replace("'", '"')
    add("labels", "labels.geojson").write_text(geo)


def make_seeds(folder: Path) -> list[tuple[str, Path]]:
    """Write one small valid file of every format; returns kinds and paths."""
    import tifffile
    import torch
    from PIL import Image

    from app.state.session.settings import Settings
    from core.images.synthetic import synthetic_tile
    from core.models import load_model, save_model
    from core.pruning import make_plan, trace
    from core.store import Record, TrialIdentity, TrialStore, write_json
    from core.types import PruneRequest

    tile, labels, _ = synthetic_tile(64, 1)
    found: list[tuple[str, Path]] = []

    def add(kind: str, name: str) -> Path:
        found.append((kind, folder / name))
        return folder / name

    picture = Image.fromarray(tile.pixels)
    for ending in ("png", "jpg", "bmp", "gif", "webp", "jp2"):
        picture.save(add("image", f"tile.{ending}"))
    for name, more in (
        ("plain", {}),
        ("deflate", {"compression": "deflate", "tile": (32, 32)}),
        ("ome", {"ome": True, "metadata": {"PhysicalSizeX": 0.25}}),
    ):
        tifffile.imwrite(add("image", f"{name}.tif"), tile.pixels, **more)
    _add_labels(add, labels)
    model = load_model("unet-tiny")
    example = torch.zeros(1, 3, 64, 64)
    plan = make_plan(model.module, trace(model.module, example), "l2", 0.3)
    save_model(add("model", "model.safetensors"), model)
    torch.save(model.module.state_dict(), add("model", "model.pth"))
    add("plan", "plan.json").write_text(plan.to_json())
    request = '{"heuristic": "l2", "sparsity": 0.5}'
    add("setup", "setup.json").write_text(f'{{"request": {request}}}')
    kept = Settings(folder / "settings.json")
    del kept
    add("settings", "settings.json").write_text(f'{{"request": {request}, "panes": 1}}')
    trial = TrialIdentity("demo", "w", "d", PruneRequest("l2", 0.5))
    record = Record(trial, "impossible", "2026-01-01T00:00:00+00:00", reason="none")
    with TrialStore(add("store", "run.sqlite")) as store:
        store.add(record)
    write_json([record], add("store", "run.json"))
    return found


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


def _child(read: Callable[[Path], object], path: Path, told: int) -> int:
    """Read one file (in a process of its own); returns the exit code."""
    ran: list[str] = []

    def watch(event: str, _: tuple[Any, ...]) -> None:
        if event.startswith(_FORBIDDEN):
            ran.append(event)

    sys.addaudithook(watch)
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    limit = pages * resource.getpagesize() + MEMORY
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    faulthandler.disable()
    signal.alarm(SECONDS)
    code = _FINE
    try:
        read(path)
    except BenchError:
        pass
    except BaseException:  # noqa: BLE001 - that is what is looked for
        os.write(told, traceback.format_exc()[-1500:].encode())
        code = _FOREIGN
    if ran:
        os.write(told, f"ran {ran}".encode())
        code = _RAN
    return code


def try_one(read: Callable[[Path], object], path: Path) -> str:
    """Read a file in a forked process; returns what went wrong, or nothing."""
    out, told = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        os._exit(_child(read, path, told))
    os.close(told)
    with os.fdopen(out, "rb") as pipe:
        said = pipe.read().decode(errors="replace")
    status = os.waitpid(child, 0)[1]
    code = os.waitstatus_to_exitcode(status)
    if code == -signal.SIGALRM:
        return f"hangs for more than {SECONDS} s"
    if code < 0:
        return f"crashes with signal {-code}"
    return "" if code == _FINE else said or f"ends with {code}"


def run(
    folder: Path, count: int, seed: int, seconds: float = float("inf")
) -> Iterator[tuple[str, int, str]]:
    """Yield kind, number and trouble of each input; the files themselves are read."""
    made = make_seeds(folder)
    seeds = [(kind, path.suffix, path.read_bytes()) for kind, path in made]
    for kind, path in made:  # what is imported now, no process has to
        with suppress(BenchError):
            READERS[kind](path)
    end = time.monotonic() + seconds
    for number in range(count):
        if time.monotonic() > end:
            return
        chance = random.Random(f"{seed} {number}")
        kind, ending, content = chance.choice(seeds)
        path = folder / f"input{ending}"
        path.write_bytes(mutate(content, chance))
        yield kind, number, try_one(READERS[kind], path)


def main(arguments: list[str]) -> int:
    """Run, print findings and a sum; 1 when there are any."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.fuzz")
    parser.add_argument("--count", type=int, default=20_000)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--minutes", type=float, default=1e9)
    parser.add_argument("--keep", type=Path, help="folder for inputs of findings")
    asked = parser.parse_args(arguments)
    tried, wrong = Counter[str](), list[Finding]()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for kind, number, what in run(
            folder, asked.count, asked.seed, 60 * asked.minutes
        ):
            tried[kind] += 1
            if not what:
                continue
            wrong.append(Finding(kind, number, what))
            print(f"{kind} {number}: {what}\n")
            if asked.keep is not None:
                asked.keep.mkdir(parents=True, exist_ok=True)
                for path in folder.glob("input.*"):
                    path.replace(asked.keep / f"{kind}-{number}{path.suffix}")
    print(f"{sum(tried.values())} inputs, {len(wrong)} findings; {dict(tried)}")
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
