"""Kills at random moments: ``python -m benchmarks.kills --times 50``.

What writes files is started in a process, killed with SIGKILL after a random time, and
judged: what it had reported is there, every file is whole, and going on gives what a
run without a break gives. At the end the rows of ``docs/trust.md`` are printed.
"""

import argparse
import io
import os
import random
import signal
import sys
import tempfile
import time
from collections.abc import Callable, Mapping
from contextlib import redirect_stdout
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

_TILE = 96  # pixels
_STEPS = 12  # of a training


@dataclass(frozen=True)
class Scenario:
    """One kind of work that is killed.

    Parameters
    ----------
    work
        Runs in the process, told of the folder and of a function that reports a number
        as soon as it is safe.
    judge
        Is told of the folder and of the last number that was reported; returns what is
        lost or broken, or nothing.
    within
        Seconds in which the kill falls.
    finish
        Goes on to the end after the last kill; returns what is wrong, or nothing.
    """

    work: Callable[[Path, Callable[[int], None]], None]
    judge: Callable[[Path, int], str]
    within: float
    finish: Callable[[Path], str] = lambda _: ""


def _settings(folder: Path, report: Callable[[int], None]) -> None:
    from app.state.session.settings import Settings

    kept = Settings(folder / "settings.json")
    for number in range(int(kept.slide or 0) + 1, 10**9):
        kept.set_slide(str(number))
        report(number)


def _judge_settings(folder: Path, last: int) -> str:
    from app.state.session.settings import Settings

    kept = Settings(folder / "settings.json")
    found = int(kept.slide or 0)
    return kept.notice or ("" if found >= last else f"{found} after {last}")


def _session(folder: Path, report: Callable[[int], None]) -> None:
    from dataclasses import replace

    from app.state.session.session_file import read_session, write_session

    path = folder / "kept.prunescope"
    session = read_session(path)
    while True:
        session = replace(session, trials=(*session.trials, session.trials[0]))
        write_session(path, session)
        report(len(session.trials))


def _judge_session(folder: Path, last: int) -> str:
    from app.state.session.session_file import read_session

    found = len(read_session(folder / "kept.prunescope").trials)
    return "" if found >= last else f"{found} of {last} points"


def _export(folder: Path, report: Callable[[int], None]) -> None:
    from core.files import whole_folder
    from core.models import load_model, save_model

    model, number = load_model("unet-tiny"), 0
    while True:
        number += 1
        with whole_folder(folder / "out") as parts:
            save_model(parts / "pruned.safetensors", model)
            (parts / "plan.json").write_text("{}" * 10_000)
            (parts / "report.html").write_text("<p>" * 100_000)
        report(number)


def _judge_export(folder: Path, last: int) -> str:
    from core.files import whole_folder
    from core.models import load_model

    out = folder / "out"
    if not last and not (out / "pruned.safetensors").exists():
        return ""  # killed before the first one
    load_model(str(out / "pruned.safetensors"))  # tests its own checksums
    sizes = [(out / name).stat().st_size for name in ("plan.json", "report.html")]
    with whole_folder(out):  # as the next export does
        pass
    left = [path.name for path in out.glob(".*")]
    return "" if sizes == [20_000, 300_000] and not left else f"{sizes}, {left}"


def _grid(folder: Path) -> Any:
    from core.sweep import Grid

    shares = tuple(number / 50 for number in range(48))
    more: dict[str, Any] = {"recoveries": ("none",), "timing": None}
    return Grid(("unet-tiny",), folder / "tiles", ("random", "l2"), shares, **more)


def _sweep(folder: Path, report: Callable[[int], None]) -> None:
    from core.job import Job
    from core.store import TrialStore
    from core.sweep import run_sweep

    with TrialStore(folder / "run.sqlite") as store:
        job = Job(lambda _: report(len(store)))
        run_sweep(_grid(folder), store, job)
        report(len(store))


def _judge_sweep(folder: Path, last: int) -> str:
    from core.store import TrialStore, read_store

    if not (folder / "run.sqlite").exists():
        return "" if not last else "the store is gone"
    with TrialStore(folder / "run.sqlite") as store:
        if store.set_aside is not None:
            return "the store was damaged"
    found = len(read_store(folder / "run.sqlite").records)
    return "" if found >= last else f"{found} of {last} trials"


def _finish_sweep(folder: Path) -> str:
    _sweep(folder, lambda _: None)
    return _judge_sweep(folder, 96)


def _slide(folder: Path, report: Callable[[int], None], name: str = "out") -> None:
    from app.__main__ import main

    report(_patches(folder / name))
    told = io.StringIO()
    with redirect_stdout(told):
        code = main(
            [
                *("slide", "--model", "unet-tiny", "--everywhere"),
                *("--slide", str(folder / "slide.tif"), "--out", str(folder / name)),
            ]
        )
    if code:
        raise RuntimeError(told.getvalue())


def _patches(out: Path) -> int:
    import sqlite3
    from contextlib import closing

    if not (out / "run.sqlite").is_file():
        return 0
    with closing(sqlite3.connect(out / "run.sqlite", timeout=30)) as db:
        try:
            return int(db.execute("SELECT count(*) FROM patches").fetchone()[0])
        except sqlite3.OperationalError:  # not made yet
            return 0


def _judge_slide(folder: Path, last: int) -> str:
    found = _patches(folder / "out")
    return "" if found >= last else f"{found} of {last} patches"


def _finish_slide(folder: Path) -> str:
    import json

    found = []
    for name in ("out", "whole"):
        _slide(folder, lambda _: None, name)
        summary = json.loads((folder / name / "summary.json").read_text())
        found.append([one.get("nuclei") for one in summary.get("models", [])])
        found[-1].append(_patches(folder / name))
    return "" if found[0] == found[1] else f"{found[0]} instead of {found[1]}"


def _train(folder: Path, report: Callable[[int], None], name: str = "state.pt") -> Any:
    import torch

    from core.job import Job
    from core.models import build
    from core.training import Callbacks, TrainingSettings, synthetic_examples, train
    from core.types import ModelSpec

    torch.set_num_threads(1)
    spec = ModelSpec("tiny", "nuclei", "unet", stride=4, window=(128, 96))
    config = {"base": 4, "depth": 3, "types": 0}
    data = synthetic_examples(range(3), 64)
    times: dict[str, Any] = {"warmup": 2, "check_every": 2, "save_every": 2}
    settings = TrainingSettings(
        steps=_STEPS, batch=2, crop=32, checkpoint=folder / name, **times
    )
    aids = Callbacks(validation=data[2:], teacher=build("unet", config, seed=5))
    model = build("unet", config)
    train(model, spec, data[:2], settings, Job(), aids)
    report(1)
    return model.state_dict()


def _judge_training(folder: Path, _: int) -> str:
    import torch

    path = folder / "state.pt"
    if not path.exists():
        return ""  # killed before the first checkpoint
    torch.load(path, weights_only=True)
    return ""


def _finish_training(folder: Path) -> str:
    import torch

    one = _train(folder, lambda _: None)
    other = _train(folder, lambda _: None, "whole.pt")
    same = all(torch.equal(one[name], other[name]) for name in other)
    return "" if same else "other weights than without a break"


SCENARIOS: Mapping[str, Scenario] = {
    "settings": Scenario(_settings, _judge_settings, 0.3),
    "session": Scenario(_session, _judge_session, 0.5),
    "export": Scenario(_export, _judge_export, 1.0),
    "sweep": Scenario(_sweep, _judge_sweep, 1.5, _finish_sweep),
    "slide": Scenario(_slide, _judge_slide, 3.0, _finish_slide),
    "training": Scenario(_train, _judge_training, 1.5, _finish_training),
}


def _prepare(folder: Path) -> None:
    """Write what the work begins with, and import what it needs."""
    import numpy as np
    import tifffile
    import torch
    from PIL import Image

    import core.sweep
    import core.training  # noqa: F401 - what is loaded now, no process has to
    from benchmarks.fuzz_seeds import write_session_to
    from core.images.synthetic import synthetic_tile

    torch.set_num_threads(1)  # a process that is forked has one thread
    for place in ("images", "labels"):
        (folder / "tiles" / place).mkdir(parents=True)
    tile, labels, _ = synthetic_tile(_TILE, 1)
    Image.fromarray(tile.pixels).save(folder / "tiles" / "images" / "a.png")
    grey = labels.astype(np.uint16)
    tifffile.imwrite(folder / "tiles" / "labels" / "a.tif", grey)
    pixels = np.tile(tile.pixels, (8, 8, 1))
    with tifffile.TiffWriter(folder / "slide.tif") as file:
        for step in (1, 2):
            shown = pixels[::step, ::step]
            file.write(shown, tile=(128, 128), photometric="rgb", subfiletype=step - 1)
    write_session_to(folder / "kept.prunescope")


def kill_once(scenario: Scenario, folder: Path, seconds: float) -> tuple[int, bool]:
    """Start and kill work; returns the last number reported, and if it had ended."""
    out, told = os.pipe()
    child = os.fork()
    if not child:
        os.close(out)
        code = 1
        try:
            scenario.work(folder, lambda n: os.write(told, b"%d\n" % n) and None)
            code = 0
        finally:
            os._exit(code)
    os.close(told)
    time.sleep(seconds)
    os.kill(child, signal.SIGKILL)
    with os.fdopen(out, "rb") as pipe:
        lines = pipe.read().split(b"\n")[:-1]
    ended = not os.WIFSIGNALED(os.waitpid(child, 0)[1])
    return int(lines[-1]) if lines else 0, ended


def run(name: str, times: int, seed: int, folder: Path) -> tuple[int, list[str]]:
    """Kill one kind of work; returns how often, and what was wrong."""
    scenario, wrong, killed = SCENARIOS[name], list[str](), 0
    chance = random.Random(f"{seed} {name}")
    for _ in range(times):
        last, ended = kill_once(scenario, folder, chance.uniform(0, scenario.within))
        killed += not ended
        try:
            said = scenario.judge(folder, last)
        except Exception as error:  # noqa: BLE001 - whatever it is, it is lost
            said = f"{type(error).__name__}: {error}"
        if said:
            wrong.append(said)
        if ended:
            break  # all is done
    try:
        said = scenario.finish(folder)
    except Exception as error:  # noqa: BLE001 - going on must not fail either
        said = f"going on: {type(error).__name__}: {error}"
    return killed, [*wrong, said] if said else wrong


def main(arguments: list[str]) -> int:
    """Kill, judge, print; 1 when anything was lost."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.kills")
    parser.add_argument("--times", type=int, default=50)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--only", choices=tuple(SCENARIOS))
    asked = parser.parse_args(arguments)
    os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
    today, lost = datetime.now(UTC).date().isoformat(), 0
    with tempfile.TemporaryDirectory() as name:
        _prepare(Path(name))
        for kind in [asked.only] if asked.only else SCENARIOS:
            killed, wrong = run(kind, asked.times, asked.seed, Path(name))
            lost += len(wrong)
            said = "; ".join(wrong) or "nothing lost but the running step"
            print(
                f"| {kind} is killed (SIGKILL) at random moments | {killed} kills, "
                f"seed {asked.seed}, on {today} | {said} | `python -m benchmarks.kills "
                f"--only {kind} --times {asked.times}` |",
                flush=True,
            )
    return 1 if lost else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
