"""Sizes, times and settings of one pruned model: what all results have in common."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.text import format as text
from core.tables import COUNTS

if TYPE_CHECKING:
    from core.latency import Comparison
    from core.types import Counts, PruneRequest

_COUNTS = tuple(row.key for row in COUNTS.values() if not row.predicted)


def figures(
    model: str,
    request: "PruneRequest",
    counts: tuple["Counts", "Counts"],
    input_size: tuple[int, int],
    timed: "Comparison",
) -> dict[str, Any]:
    """Return what ``--json`` prints of any pruned model.

    Parameters
    ----------
    model
        As asked for.
    request
        What was pruned.
    counts
        Dense and pruned.
    input_size
        Height and width that multiply-accumulates are counted for.
    timed
        The network alone.
    """
    dense, left = counts
    return {
        "model": model,
        "heuristic": request.heuristic,
        "scope": request.scope,
        "count": request.count,
        "recovery": request.recovery,
        "sparsity": {
            name: 1 - getattr(left, name) / max(getattr(dense, name), 1)
            for name in _COUNTS
        },
        "params": {"dense": dense.params, "pruned": left.params},
        "macs": {
            "dense": dense.macs,
            "pruned": left.macs,
            "input": list(input_size),
        },
        "latency_ms": timed.summary(),
    }


def figure_lines(result: Mapping[str, Any]) -> list[str]:
    """Return `figures` for people."""
    params, macs = result["params"], result["macs"]
    timed, shares = result["latency_ms"], result["sparsity"]
    return [
        f"{result['heuristic']}, {result['scope']}, recovery {result['recovery']}",
        f"parameters  {text.quantity(params['dense'])} to "
        f"{text.quantity(params['pruned'])}  (-{text.percent(shares['params'], 1)})",
        f"MACs        {text.quantity(macs['dense'])} to "
        f"{text.quantity(macs['pruned'])} {text.per_input(macs['input'])}  "
        f"(-{text.percent(shares['macs'], 1)})",
        f"latency     {latency_words(timed)}",
    ]


def latency_words(timed: Mapping[str, Any]) -> str:
    """Return `core.results.Comparison.summary` for people."""
    if timed["dense"] is None:
        return "not measured"
    dense = text.milliseconds(timed["dense"])
    if timed["speedup"] is None:
        return f"{timed['verdict']} ({dense} dense)"
    return f"{dense} to {text.milliseconds(timed['pruned'])}  {ratio_words(timed)}"


def ratio_words(timed: Mapping[str, Any]) -> str:
    """Return speed-up, interval and verdict; of a noisy measurement the last alone."""
    if timed["speedup"] is None:
        return str(timed["verdict"])
    low, high = timed["interval"]
    ratio = text.speedup(timed["speedup"])
    return f"{ratio} ({low:.2f} to {high:.2f}): {timed['verdict']}"


def defined(scores: Mapping[str, float] | None) -> dict[str, float | None] | None:
    """Return scores with None for those that are undefined."""
    if scores is None:
        return None
    # what is not a number is not equal to itself
    return {n: None if value != value else value for n, value in scores.items()}


def shown(score: float | None) -> str:
    """Return one of the scores that `defined` gives, for people."""
    return text.score(float("nan") if score is None else score)


def training_line(training: Mapping[str, Any]) -> str:
    """Return how fine-tuning went."""
    words = (
        f"fine-tuning {text.counted(training['steps'], 'step')} in "
        f"{text.duration(training['seconds'])} on {training['device']}, "
        f"{text.memory(training['peak_memory'])} on top"
    )
    before, after = training["validation_before"], training["validation_after"]
    if before is None or after is None:
        return words
    return f"{words}, validation loss {before:.3f} to {after:.3f}"
