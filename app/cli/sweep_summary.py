"""One round as a JSON object, and as lines for people."""

from typing import TYPE_CHECKING, Any

from app.cli.end_to_end import way_lines
from app.cli.nucleus_changes import damage_lines
from app.cli.summary import defined, figure_lines, figures, shown, training_line
from core.tables import metrics_for

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.results import Comparison, Outcome


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
        }
    }


def lines_of(result: dict[str, Any], found: "Outcome") -> list[str]:
    """Return a result for people."""
    agreement = result["scores"]["agreement"]
    lines = [
        *figure_lines(result),
        f"nuclei      {result['nuclei']['dense']} to {result['nuclei']['pruned']}",
    ]
    lines += [*damage_lines(result, found.changes), *way_lines(result)]
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
