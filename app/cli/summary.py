"""One round as a JSON object, and as lines for people."""

from typing import TYPE_CHECKING, Any

from app.words import format as text
from app.work.translating import scores_of

if TYPE_CHECKING:
    from core.benchmark import Bench, Round
    from core.latency import Comparison


def summary(
    model: str, bench: "Bench", found: "Round", timed: "Comparison"
) -> dict[str, Any]:
    """Return the result as the object that ``--json`` prints.

    Parameters
    ----------
    model
        As asked for.
    bench, found, timed
        The round. Undefined scores become None.
    """
    dense, left = bench.dense.counts, found.counts
    shares = {
        name: 1 - getattr(left, name) / max(getattr(dense, name), 1)
        for name in ("params", "macs", "channels")
    }
    truth = {
        "dense": _scores(bench.dense.scores),
        "pruned": _scores(found.scores),
        "agreement": _scores(found.agreement),
    }
    return {
        "model": model,
        "heuristic": found.request.heuristic,
        "scope": found.request.scope,
        "count": found.request.count,
        "recovery": found.request.recovery,
        "sparsity": shares,
        "params": {"dense": dense.params, "pruned": left.params},
        "macs": {"dense": dense.macs, "pruned": left.macs},
        "latency_ms": {
            "dense": timed.dense.median,
            "pruned": timed.pruned.median,
            "speedup": timed.speedup,
            "interval": list(timed.interval),
            "verdict": timed.verdict,
        },
        "scores": truth,
        "nuclei": {
            "dense": bench.dense.prediction.count,
            "pruned": found.prediction.count,
        },
        "plan": found.plan_hash,
        "training": found.training and dict(found.training),
        "warnings": list(found.warnings),
        "seconds": {**found.seconds, "latency": timed.seconds},
    }


def _scores(scores: Any) -> dict[str, float | None] | None:
    if scores is None:
        return None
    return {
        name: None if value != value else value
        for name, value in scores_of(scores).items()
    }


def lines_of(result: dict[str, Any], found: "Round") -> list[str]:
    """Return a result for people."""
    params, macs = result["params"], result["macs"]
    timed, shares = result["latency_ms"], result["sparsity"]
    low, high = timed["interval"]
    agreement = result["scores"]["agreement"]
    lines = [
        f"{result['heuristic']}, {result['scope']}, recovery {result['recovery']}",
        f"parameters  {text.quantity(params['dense'])} to "
        f"{text.quantity(params['pruned'])}  (-{text.percent(shares['params'], 1)})",
        f"MACs        {text.quantity(macs['dense'])} to "
        f"{text.quantity(macs['pruned'])}  (-{text.percent(shares['macs'], 1)})",
        f"latency     {text.milliseconds(timed['dense'])} to "
        f"{text.milliseconds(timed['pruned'])}  {text.speedup(timed['speedup'])} "
        f"({low:.2f} to {high:.2f}): {timed['verdict']}",
        f"nuclei      {result['nuclei']['dense']} to {result['nuclei']['pruned']}",
    ]
    if result["training"]:
        lines.append(_training_line(result["training"]))
    rows = [("agreement with dense", agreement)]
    rows += [("dense against truth", result["scores"]["dense"])]
    rows += [("pruned against truth", result["scores"]["pruned"])]
    for caption, scores in rows:
        if scores is not None:
            words = "  ".join(
                f"{name.upper()} {text.score(_number(scores[name]))}"
                for name in ("aji", "pq", "dice", "f1")
            )
            lines.append(f"{caption}: {words}")
    return lines + [f"note: {warning}" for warning in found.warnings]


def _training_line(training: dict[str, Any]) -> str:
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


def _number(value: float | None) -> float:
    return float("nan") if value is None else value
