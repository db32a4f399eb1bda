"""How the window feels: slider to mask, stalls, first window, memory.

    python benchmarks/bench_window.py [--seconds 60] [--part NAME ...]

Prints one JSON object. Everything that can be is a ratio inside one run, since
machines differ; limits are those of the project. Runs offscreen unless
``QT_QPA_PLATFORM`` says otherwise.
"""

import argparse
import gc
import json
import os
import platform
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path
from statistics import median
from typing import Any

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
sys.path.insert(0, str(Path(__file__).parents[1]))

import numpy as np
import psutil
from PySide6.QtCore import QEvent, QEventLoop, QObject, Qt, QTimer
from PySide6.QtWidgets import QApplication, QSlider

from app import bootstrap
from app.controllers.sweeps.button import SweepButton
from app.rendering import theme
from app.state import events
from app.state.app_state import AppState, showing
from app.state.session.settings import Settings
from benchmarks.canvas import canvas
from benchmarks.filling import Filling
from core.types import PruneRequest

TILE = "sample:synthetic"  # 512 x 512, with ground truth
CHANGES = 50
TICK_MS = 2


def pump(until: Callable[[], bool], limit: float = 600.0) -> None:
    """Run the event loop until a condition holds.

    It sleeps between events, as an application does: polling would take the
    interpreter lock from the worker some thousand times a second.
    """
    end = time.perf_counter() + limit
    wake = QTimer()  # conditions that no event announces
    wake.start(50)
    while not until():
        QApplication.processEvents(QEventLoop.ProcessEventsFlag.WaitForMoreEvents)
        if time.perf_counter() > end:
            raise SystemExit("the window did not get there")


def opened(app: QApplication, folder: str, engine: Filling) -> bootstrap.Application:
    """Return a window with the demo model and the tile, settled."""
    theme.apply(app, "light")
    bench = bootstrap.build(
        Settings(Path(folder) / "settings.json"),
        engine=engine,
        state=showing(PruneRequest("reconstruction", 0.5)),
    )
    bench.window.resize(1280, 800)
    bench.window.show()
    bench.controller.open("demo", TILE)
    pump(lambda: bench.store.state.opened is not None and bench.store.state.current)
    bench.controller.dispatch(events.WorkCancelled())  # latency is another matter
    pump(lambda: idle(bench))
    return bench


def idle(bench: bootstrap.Application) -> bool:
    """Return whether nothing is computed or waited for."""
    state = bench.store.state
    return state.opened is not None and not state.busy and bench.controller.settled


class Painted(QObject):
    """Notes when a widget has been painted."""

    def __init__(self, widget: QObject) -> None:
        super().__init__(widget)
        self.at = 0.0
        widget.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:  # noqa: N802, D102
        if event.type() == QEvent.Type.Paint:
            self.at = time.perf_counter()
            # The paint itself comes after this filter.
            QTimer.singleShot(0, self._done)
        return False

    def _done(self) -> None:
        self.at = time.perf_counter()


def slider_to_mask(bench: bootstrap.Application) -> dict[str, Any]:
    """Time from a slider change to its mask on screen, beside the forward pass.

    Of a network that takes long, the middle of what is looked at is painted before
    the rest: ``first`` is that part, and ``whole`` the mask of all that is seen.
    """
    painted = Painted(bench.window.viewer.pruned)
    arrived = {"first": 0.0, "whole": 0.0}

    def note(old: AppState, new: AppState) -> None:
        found = new.outcome
        if found is None or found is old.outcome or found.request != new.request:
            return
        arrived["whole" if new.current else "first"] = time.perf_counter()

    bench.store.changed.connect(note)
    rng = np.random.default_rng(0)
    taken: dict[str, list[float]] = {"first": [], "whole": []}
    stages: list[dict[str, float]] = []
    for sparsity in rng.permutation(np.linspace(0.05, 0.95, CHANGES)):
        pump(lambda: idle(bench))
        begun = time.perf_counter()
        bench.window.controls.sparsityChosen.emit(round(float(sparsity), 4))
        for name, values in taken.items():
            pump(lambda n=name, b=begun: max(arrived[n], arrived["whole"]) >= b)
            at = max(arrived.values())
            pump(lambda mark=at: painted.at >= mark)
            values.append(painted.at - begun)
        stages.append(dict(bench.store.state.outcome.seconds))
        # measuring latency is another matter
        bench.controller.dispatch(events.WorkCancelled())
    bench.store.changed.disconnect(note)
    limits = [1.15 * stage["network"] + 0.040 for stage in stages]
    names = sorted({name for stage in stages for name in stage})
    found = {
        name: {
            "median_ms": 1000 * median(values),
            "over_limit": median(t / u for t, u in zip(values, limits, strict=True)),
            "met": median(t - u for t, u in zip(values, limits, strict=True)) <= 0,
        }
        for name, values in taken.items()
    }
    return {
        "changes": len(stages),
        **found,
        "stages_median_ms": {
            name: 1000 * median(stage.get(name, 0.0) for stage in stages)
            for name in names
        },
    }


def fill_plots(bench: bootstrap.Application, engine: Filling) -> int:
    """Give the window five curves of 20 points with bands; return how many it has."""
    request = bench.store.state.request
    engine.on = True
    for name in ("random", "fpgm", "l1", "l2", "reconstruction"):
        for index in range(20):
            sparsity = round((index + 0.5) / 20 * 0.97, 4)
            bench.controller.set_request(heuristic=name, sparsity=sparsity)
            pump(lambda: bench.store.state.current)
            bench.controller.dispatch(events.WorkCancelled())
    engine.on = False
    bench.controller.set_request(heuristic=request.heuristic, sparsity=request.sparsity)
    pump(lambda: bench.store.state.current)
    bench.controller.dispatch(events.WorkCancelled())
    pump(lambda: idle(bench))
    return len(bench.store.state.trials)


def stalls(bench: bootstrap.Application, seconds: float) -> dict[str, Any]:
    """Longest gaps between turns of the event loop during continuous dragging."""
    gaps: list[float] = []
    last = time.perf_counter()
    slider = bench.window.controls.findChild(QSlider)  # as a hand moves it
    assert slider is not None
    points = len(bench.store.state.trials)
    begun = time.perf_counter()
    results = [0]
    bench.runner.finished.connect(lambda _: results.__setitem__(0, results[0] + 1))

    def tick() -> None:
        nonlocal last
        now = time.perf_counter()
        gaps.append(now - last)
        last = now

    def drag() -> None:
        place = 0.5 + 0.45 * np.sin((time.perf_counter() - begun) * 1.5)
        slider.setValue(round(1000 * place))

    ticker, dragger = QTimer(), QTimer()
    precise = Qt.TimerType.PreciseTimer
    ticker.setTimerType(precise)
    dragger.setTimerType(precise)
    ticker.timeout.connect(tick)
    dragger.timeout.connect(drag)
    ticker.start(TICK_MS)
    dragger.start(16)
    loop = QEventLoop()  # quitting the application would close its windows
    QTimer.singleShot(int(seconds * 1060), loop.quit)  # may come 5 % early
    loop.exec()
    ticker.stop()
    dragger.stop()
    assert time.perf_counter() >= begun + seconds
    late = np.maximum(np.array(gaps[1:]) - TICK_MS / 1000, 0) * 1000
    return {
        "seconds": seconds,
        "points": points,
        "plots": sum(f.view is not None for f in bench.window.plots.frames.values()),
        "turns": len(late),
        "results": results[0],
        "p50_ms": float(np.percentile(late, 50)),
        "p99_ms": float(np.percentile(late, 99)),
        "worst_ms": float(late.max()),
        "met": bool(np.percentile(late, 99) < 16 and late.max() < 100),
    }


def panes(bench: bootstrap.Application, seconds: float) -> dict[str, Any]:
    """`stalls` with four panes locked together while the plots are being filled."""
    open_four(bench)
    explorer = QTimer()

    def explore() -> None:
        if not bench.store.state.todo:
            bench.controller.dispatch(events.ExploreSwitched())

    explorer.timeout.connect(explore)
    explorer.start(500)
    found = stalls(bench, seconds)
    explorer.stop()
    bench.controller.dispatch(events.WorkCancelled())
    return {"panes": len(bench.store.state.panes), **found}


def open_four(bench: bootstrap.Application) -> None:
    """Open four panes, each with a heuristic of its own, and let them settle."""
    while len(bench.store.state.panes) < 4:
        bench.controller.dispatch(events.PaneAdded())
    for index, name in enumerate(("reconstruction", "l2", "fpgm", "random")):
        bench.controller.dispatch(events.PaneChosen(index))
        bench.controller.set_request(heuristic=name)
    bench.controller.dispatch(events.LockChosen("sparsity"))
    pump(lambda: idle(bench))


def sweep(bench: bootstrap.Application, seconds: float, folder: str) -> dict[str, Any]:
    """`stalls` with four panes while a sweep runs from its panel."""
    open_four(bench)
    button = bench.window.findChild(SweepButton)
    assert button is not None
    button.show()
    assert button.panel is not None
    assert button.sweeping is not None
    process, came = button.sweeping.process, [0]
    process.stored.connect(lambda *_: came.__setitem__(0, came[0] + 1))
    wish = replace(
        button.panel.form.wish,
        heuristics=("reconstruction", "l2", "l1", "fpgm", "random"),
        step=0.01,
        seeds=3,
        latency=False,
        out=f"{folder}/sweep.sqlite",
    )
    button.sweeping.start(wish)
    pump(lambda: came[0] > 0)
    found = stalls(bench, seconds)
    assert process.running, "the sweep ended before the measurement"
    button.sweeping.cancel()
    pump(lambda: not process.running)
    return {"panes": len(bench.store.state.panes), "trials": came[0], **found}


def memory(bench: bootstrap.Application, changes: int = 500) -> dict[str, Any]:
    """Growth of the process over many slider changes, each with its mask."""
    rng = np.random.default_rng(1)
    process = psutil.Process()

    def change(number: int) -> None:
        for sparsity in rng.uniform(0.05, 0.95, number):
            bench.window.controls.sparsityChosen.emit(round(float(sparsity), 4))
            pump(lambda: bench.store.state.current)
        pump(lambda: idle(bench))
        gc.collect()

    change(20)  # pools and caches fill first
    before = process.memory_info().rss
    change(changes)
    grown = (process.memory_info().rss - before) / 1e6
    return {"changes": changes, "growth_mb": grown, "met": grown < 50}


FIRST = """
import sys, time
from PySide6.QtCore import QEvent, QObject, QTimer
from PySide6.QtWidgets import QApplication
import app.views.main_window.window as window
shown = window.Window.showEvent
def first(self, event):
    shown(self, event)
    QTimer.singleShot(0, lambda: (print(time.time(), flush=True), self.close()))
window.Window.showEvent = first
from app.__main__ import main
sys.exit(main([]))
"""


def first_window(runs: int = 5) -> dict[str, Any]:
    """Seconds from the command to a window on screen, disk warm, code compiled."""
    taken = []
    kept = {k: v for k, v in os.environ.items() if k != "PYTHONDONTWRITEBYTECODE"}
    with tempfile.TemporaryDirectory() as home:
        for _ in range(runs + 1):
            begun = time.time()
            said = subprocess.run(
                [sys.executable, "-c", FIRST],
                capture_output=True,
                text=True,
                check=True,
                env={**kept, "HOME": home, "XDG_CONFIG_HOME": home},
                cwd=Path(__file__).parents[1],
            ).stdout
            taken.append(float(said.split()[0]) - begun)
    return {"runs": runs, "median_s": median(taken[1:]), "met": median(taken[1:]) < 2}


def main() -> None:
    """Run the parts and print one JSON object."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--seconds", type=float, default=60.0)
    parser.add_argument("--changes", type=int, default=500)
    parser.add_argument(
        "--part", nargs="*", default=["first", "slider", "stalls", "memory", "canvas"]
    )
    asked = parser.parse_args()
    found: dict[str, Any] = {
        "machine": {
            "processor": platform.processor() or platform.machine(),
            "cores": os.cpu_count(),
            "load": os.getloadavg()[0] if hasattr(os, "getloadavg") else None,
            "threads": threading.active_count(),
        }
    }
    if "first" in asked.part:
        found["first_window"] = first_window()
    app = None
    if "canvas" in asked.part:
        app = QApplication([])
        theme.apply(app, "light")
        found["canvas"] = canvas(app, (1280, 800))
    if {"slider", "stalls", "panes", "sweep", "memory"} & set(asked.part):
        app = app or QApplication([])
        with tempfile.TemporaryDirectory() as folder:
            engine = Filling()
            bench = opened(app, folder, engine)
            if "slider" in asked.part:
                found["slider_to_mask"] = slider_to_mask(bench)
            if "stalls" in asked.part:
                fill_plots(bench, engine)
                found["stalls"] = stalls(bench, asked.seconds)
            if "memory" in asked.part:
                found["memory"] = memory(bench, asked.changes)
            if "panes" in asked.part:
                found["panes"] = panes(bench, asked.seconds)
            if "sweep" in asked.part:
                found["panes_in_sweep"] = sweep(bench, asked.seconds, folder)
            bench.window.close()
    print(json.dumps(found, indent=2))


if __name__ == "__main__":
    main()
