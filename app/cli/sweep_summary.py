"""One round as a JSON object, and as lines for people."""

import math
from typing import TYPE_CHECKING, Any

from app.cli.detection import detection_lines, detection_of
from app.cli.end_to_end import way_lines
from app.cli.nucleus_changes import damage_lines
from app.cli.summary import defined, figure_lines, figures, shown, training_line
from app.text import format as text
from core.tables import METRICS, metrics_for
from core.types import SPARSITY

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.benchmark import Bench
    from core.results import Comparison, Outcome, Trial


def summary(
    model: str, bench: "Bench", found: "Outcome", timed: "Comparison"
) -> dict[str, Any]:
    """Return the result as the object that ``--json`` prints.

    Parameters
    ----------
    model
        As asked for.
    bench, found, timed
        The round. Undefined scores become None.
    """
    truth = {
        "dense": defined(bench.dense.scores),
        "pruned": defined(found.scores),
        "agreement": defined(found.agreement),
    }
    sizes = bench.dense.counts, found.counts
    return {
        **figures(model, found.request, sizes, bench.dense.input_size, timed),
        "scores": truth,
        "plan": found.plan_hash,
        "training": found.training and dict(found.training),
        "warnings": list(found.warnings),
        "seconds": {**found.seconds, "latency": timed.seconds},
    }


def nuclei_summary(bench: "Bench", found: "Outcome") -> dict[str, Any]:
    """Return what ``--json`` prints of the nuclei."""
    return {
        "nuclei": {
            "dense": bench.dense.prediction.count,
            "pruned": found.prediction.count,
        },
        **detection_of(bench, found),
    }


def lines_of(result: dict[str, Any], found: "Outcome") -> list[str]:
    """Return a result for people."""
    agreement = result["scores"]["agreement"]
    lines = [
        *figure_lines(result),
        f"nuclei      {result['nuclei']['dense']} to {result['nuclei']['pruned']}",
        f"calibration {', '.join(result['calibration']['tiles'])}",
    ]
    lines += [*damage_lines(result, found.changes), *detection_lines(result)]
    lines += way_lines(result)
    if result["training"]:
        lines.append(training_line(result["training"]))
    rows = [("agreement with dense", agreement)]
    rows += [("dense against truth", result["scores"]["dense"])]
    rows += [("pruned against truth", result["scores"]["pruned"])]
    for caption, scores in rows:
        if scores is not None:
            words = "  ".join(
                f"{row.title} {shown(scores[row.key])}"
                for row in metrics_for("nuclei", usual=True)
            )
            lines.append(f"{caption}: {words}")
    return lines + [f"note: {warning}" for warning in found.warnings]


def trial_rows(
    trials: "Sequence[Trial]",
) -> tuple[tuple[str, ...], list[tuple[str, ...]]]:
    """Return the header and the rows of a table of trials, curve by curve.

    Parameters
    ----------
    trials
        Finished ones. A score is shown when some trial has it.
    """
    found = {name for trial in trials for name in trial.scores}
    shown = [row for row in METRICS.values() if row.usual and row.key in found]
    header = (
        *("heuristic", "scope", "recovery", "asked", "params gone", "MACs left"),
        *(row.title for row in shown),
        "faster by",
    )
    ordered = sorted(
        trials, key=lambda t: (t.request.key(without=SPARSITY), t.request.sparsity)
    )
    rows = []
    for trial in ordered:
        ask, timed = trial.request, trial.measured
        rows.append(
            (
                *(ask.heuristic, ask.scope, ask.recovery),
                text.percent(ask.sparsity, 1),
                text.percent(trial.removed, 1),
                text.percent(trial.macs_left, 1),
                *(text.score(trial.scores.get(m.key, math.nan)) for m in shown),
                text.DASH if timed is None else text.speedup(timed.speedup),
            )
        )
    return header, rows
