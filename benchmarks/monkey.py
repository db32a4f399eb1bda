"""Random driving of the real window: ``python -m benchmarks.monkey --minutes 30``.

Commands, controls, keys, plots, panes and drops, seeded, on an offscreen screen. An
uncaught exception, a window that does not answer for a minute, a pane that shows what
does not belong to what is named, growth of memory, or what is left behind is a finding.
At the end the row of ``docs/trust.md`` is printed.
"""

import argparse
import faulthandler
import gc
import os
import sys
import tempfile
import threading
import time
from datetime import UTC, datetime
from pathlib import Path

from benchmarks.monkey_driver import STUCK, Monkey, drive

MOST_MB = 100  # of growth


def _in_use() -> float:
    import psutil

    from core.latency import release_memory

    gc.collect()
    release_memory()
    return float(psutil.Process().memory_info().rss) / 2**20


def _watch(beats: list[float]) -> None:
    """End the program, and say where it stands, when the window answers no more."""
    while True:
        time.sleep(1)
        if beats and time.monotonic() - beats[0] > STUCK:
            faulthandler.dump_traceback()
            os._exit(3)


def _find_left(folder: Path, threads: set[int]) -> list[str]:
    """Return what a closed window has left behind."""
    import psutil

    names = [t.name for t in threading.enumerate() if t.ident not in threads]
    children = [p.name() for p in psutil.Process().children(recursive=True)]
    hidden = [str(p) for p in folder.rglob(".*") if p.is_file()]
    locks = [str(p) for p in folder.rglob("*.lock")]
    return [
        f"{what} left: {found}"
        for what, found in (
            ("threads", names),
            ("processes", children),
            ("hidden files", hidden),
            ("locks", locks),
        )
        if found
    ]


def main(arguments: list[str]) -> int:
    """Drive, judge, print; 1 when there are findings."""
    parser = argparse.ArgumentParser(prog="python -m benchmarks.monkey")
    parser.add_argument("--minutes", type=float, default=30)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--model", default="unet-tiny")
    asked = parser.parse_args(arguments)
    os.environ["QT_QPA_PLATFORM"] = "offscreen"
    with tempfile.TemporaryDirectory() as name:
        for kind in ("CONFIG", "DATA", "CACHE", "STATE"):
            os.environ[f"XDG_{kind}_HOME"] = str(Path(name) / kind.lower())
        return _run(asked, Path(name))


def _run(asked: argparse.Namespace, home: Path) -> int:
    from PySide6.QtWidgets import QApplication

    from app import bootstrap
    from app.state.session.settings import Settings

    app = QApplication(["monkey"])
    threads = {t.ident or 0 for t in threading.enumerate()}
    folder = home / "files"
    folder.mkdir()
    settings = Settings()
    bench = bootstrap.build(settings)
    kept = bootstrap.keep_session(bench, settings)
    bench.window.show()
    bench.controller.open(asked.model, "")
    while bench.store.state.opened is None or not bench.controller.settled:
        app.processEvents()
        time.sleep(0.01)
    begun = time.monotonic()
    beats, sizes = [begun], list[float]()
    threading.Thread(target=_watch, args=(beats,), daemon=True, name="watch").start()
    threads |= {t.ident or 0 for t in threading.enumerate() if t.name == "watch"}

    def goes_on(_: int) -> bool:
        beats[0] = time.monotonic()
        share = (beats[0] - begun) / (60 * asked.minutes)
        if share > 0.25 and not sizes:
            sizes.append(_in_use())
        return share < 1

    monkey = drive(bench, folder, asked.seed, goes_on, beats)
    findings = monkey.findings
    grown = _in_use() - (sizes or [0.0])[0]
    if grown > MOST_MB:
        findings.add(f"memory grew by {grown:.0f} MB")
    bench.window.close_unasked()
    if kept is not None:
        kept.close()
    bench.engine.close()
    app.processEvents()
    for words in _find_left(home, threads):
        findings.add(words)
    for row in findings.rows:
        print(row[:400])
    print(dict(monkey.done))
    print(summarise(monkey, asked, grown))
    sys.stdout.flush()
    os._exit(1 if findings.rows else 0)


def summarise(monkey: Monkey, asked: argparse.Namespace, grown: float) -> str:
    """Return the row of ``docs/trust.md``."""
    wrong, today = len(monkey.findings.rows), datetime.now(UTC).date().isoformat()
    good = (
        "no exception, dead lock or pane that shows what it does not name, nothing left"
    )
    found = f"{wrong} findings" if wrong else good
    return (
        "| The window is driven at random: commands, controls, keys, plots, drops "
        f"| {monkey.findings.action:,} actions in {asked.minutes:g} min, "
        f"{monkey.checks} comparisons of panes and state, seed {asked.seed}, "
        f"on {today} | {found}; memory {grown:+.0f} MB after the first quarter | "
        f"`python -m benchmarks.monkey --minutes {asked.minutes:g} "
        f"--seed {asked.seed}` |"
    )


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
