"""What one leaves with: the plotted points as a table."""

import csv
import io
from collections.abc import Sequence

from app.state.app_state import Message
from core.files import write_whole
from core.printable import to_cell
from core.results import Trial
from core.tables import METRICS, TASKS, metrics_for
from core.tables.metrics import task_of

_ASKED = (
    *("model", "tile", "seed", "hardware"),
    *("heuristic", "scope", "count", "recovery", "sparsity", "params_removed"),
    *("params", "macs", "channels", "calibration"),
)
_TIMED = ("dense_ms", "pruned_ms", "speedup", "low", "high", "verdict")


def as_csv(trials: Sequence[Trial], hardware: str = "") -> str:
    """Return one row per point, with a header row.

    Parameters
    ----------
    trials
        In the order of the rows, all of one kind of model: scores that none of them
        has get no column. Shares are 0 to 1, latencies in milliseconds;
        what was not measured stays empty.
    hardware
        Where the program runs; a measurement says itself where it was taken.
    """
    out = io.StringIO()
    writer = csv.writer(out, lineterminator="\n")
    scores = [key for key in METRICS if any(key in each.scores for each in trials)]
    task = task_of(scores)
    kept = f"{TASKS[task].many}_kept"
    scores = scores or [row.key for row in metrics_for(task)]
    writer.writerow((*_ASKED, *scores, kept, *_TIMED))
    for trial in trials:
        ask, counts, timed = trial.request, trial.pruned, trial.measured
        taken = timed.environment.processor if timed is not None else ""
        place = trial.identity
        row: list[object] = [to_cell(place.model), to_cell(place.data), ask.seed]
        row.append(to_cell(taken or hardware))
        asked: tuple[str, ...] = (ask.heuristic, ask.scope, ask.count, ask.recovery)
        if ask.model:  # another model as it is: none of them was asked for
            asked = (f"model {ask.model}", "", "", "")
        row += map(to_cell, asked)
        row.append("" if ask.model else f"{ask.sparsity:.4f}")
        row.append(f"{trial.removed:.4f}")
        row += [counts.params, counts.macs, counts.channels]
        row.append(to_cell(place.calibration))
        row += [_number(trial.scores.get(name)) for name in scores]
        row.append(_number(trial.kept))
        said = {} if timed is None else timed.summary()
        row += [_number(said.get(name)) for name in ("dense", "pruned", "speedup")]
        row += [_number(end) for end in said.get("interval") or (None, None)]
        row.append(said.get("verdict", ""))
        writer.writerow(row)
    return out.getvalue()


def _number(value: float | None) -> str:
    return "" if value is None or value != value else f"{value:.4f}"


def write_text(path: str, text: str) -> Message:
    """Write a text file; return what to tell the user."""
    try:
        write_whole(path, text)
    except OSError as error:
        reason = error.strerror or str(error)
        return Message(f"Cannot write {path} ({reason}): choose another place.")
    return Message(f"Saved {path}.", kind="info")
