"""The process that sweeps for a window: ``python -m core.sweep.worker_process``.

Reads one `SweepCommand` from standard input and writes `SweepEvent`, a line each.
Records go to the store alone, so the process may be killed at any moment, which is
how a sweep is cancelled at once. It ends when its input closes, so it dies with the
window.
"""

import os
import sys
import threading
import time
import traceback
from collections.abc import Callable
from typing import TextIO

from core.errors import BenchError
from core.job import Job, Step
from core.store import TrialStore
from core.sweep.messages import SweepCommand, SweepEvent
from core.sweep.runner import SweepSummary, run_sweep

_EVERY = 0.1  # seconds between reports
_NICE = 5  # a window that is open meanwhile paints first


def main() -> None:
    """Run one sweep."""
    run_process(_sweep)


def run_process(answer: Callable[[str, TextIO], str]) -> None:
    """Answer one line of standard input, and end when the input closes.

    Parameters
    ----------
    answer
        Takes the line and where its `job_of` reports to; what it returns is told as
        *done*.
    """
    out = _private_output()
    if hasattr(os, "nice"):
        os.nice(_NICE)
    line = sys.stdin.readline()
    threading.Thread(target=_watch, args=(sys.stdin,), daemon=True).start()
    try:
        _say(out, SweepEvent("done", what=answer(line, out)))
    except BenchError as error:
        _say(out, SweepEvent("error", what=str(error)))
    except Exception:  # noqa: BLE001 - told in the window, never lost
        _say(out, SweepEvent("fault", what=traceback.format_exc()))


def job_of(out: TextIO) -> Job:
    """Return a job that tells of its steps, a line each, ten a second at most."""
    last = 0.0

    def report(step: Step) -> None:
        nonlocal last
        now = time.monotonic()
        if now - last >= _EVERY:
            last = now
            _say(out, SweepEvent("step", step.done, step.total, step.what))

    return Job(report)


def _sweep(line: str, out: TextIO) -> str:
    return sentence(serve(SweepCommand.from_json(line), out))


def serve(order: SweepCommand, out: TextIO) -> SweepSummary:
    """Run an order and tell of every step.

    Raises
    ------
    InputError, ModelError, StoreError
        As `run_sweep` does.
    """
    with TrialStore(order.out) as store:
        return run_sweep(
            order.grid,
            store,
            job_of(out),
            on_record=lambda _: say_stored(out),
        )


def say_stored(out: TextIO) -> None:
    """Tell that one more trial is in the store."""
    _say(out, SweepEvent("trial"))


def sentence(summary: SweepSummary) -> str:
    """Sum up how a sweep went."""
    parts = [f"{summary.done} trials computed"]
    if summary.resumed:
        parts.append(f"{summary.resumed} were there")
    text = ", ".join(parts) + "."
    if summary.impossible:
        first, reason = summary.impossible[0]
        text += (
            f" {len(summary.impossible)} cannot be met ({first.heuristic} at "
            f"{first.sparsity:g}, for one: {reason})."
        )
    return " ".join([text, *summary.notes])


def _say(out: TextIO, news: SweepEvent) -> None:
    try:
        out.write(news.to_json() + "\n")
        out.flush()
    except BrokenPipeError:  # the window has gone
        os._exit(0)


def _private_output() -> TextIO:
    """Keep standard output for news and send stray prints to the error stream."""
    own = os.fdopen(os.dup(sys.stdout.fileno()), "w", encoding="utf-8")
    os.dup2(sys.stderr.fileno(), sys.stdout.fileno())
    return own


def _watch(stream: TextIO) -> None:
    stream.read()
    os._exit(0)


if __name__ == "__main__":
    main()
