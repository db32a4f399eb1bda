"""The report as one HTML page. To read this file, start from `page`."""

from typing import Any

from app.export.report.charts import report_charts
from app.export.report.facts import Facts
from app.export.report.pictures import pictures
from app.export.report.template import ReportTable, fill_template
from app.rendering.palette import KIND_COLOUR, KIND_SENTENCE, type_colour
from app.state.trials import predictor
from app.state.values import KINDS
from app.text import format as text
from app.text import story
from app.text.changes import describe_count, describe_partition
from app.text.speed import describe_latency, describe_speedup
from core.export.writing import write_text
from core.tables import METRICS, metric_titles, metrics_for
from core.types import SPARSITY, PruneRequest

_LAYERS = 12  # of the costliest ones
_METRICS = metric_titles(row.key for row in metrics_for("nuclei", usual=True))


def write_report(path: str, facts: Facts) -> None:
    """Write a report, whole or not at all.

    Raises
    ------
    InputError
        When nothing can be written there.
    """
    write_text(path, page(facts))


def page(facts: Facts) -> str:
    """Return a report as HTML."""
    return fill_template(
        {
            "title": f"{facts.opened.model.name} on {facts.picture.name}",
            "when": facts.when,
            **_lead(facts),
            **_found(facts),
            "sizes": _sizes(facts),
            "timed": facts.measured is not None,
            "costs": _costs(facts),
            "scores": _scores(facts),
            "charts": report_charts(facts),
            "points": _points(facts),
            "settings": _settings(facts),
            "command": facts.command,
        }
    )


def _lead(facts: Facts) -> dict[str, Any]:
    """Return what is said first."""
    left = facts.outcome.counts.macs / max(facts.opened.counts.macs, 1)
    timed = facts.measured
    return {
        "headline": story.headline(facts.opened, facts.outcome, timed),
        "speed": describe_latency(timed, predictor(facts.trials)(left)),
        "reason": timed.reason if timed is not None else "",
        "warnings": facts.outcome.warnings,
    }


def _found(facts: Facts) -> dict[str, Any]:
    """Return the pictures, and what became of the nuclei."""
    drawn, changes = pictures(facts), facts.outcome.changes
    captions = {
        name: f"{title}: {text.counted(nuclei.count, 'nucleus', 'nuclei')}"
        for name, title, nuclei in (
            ("dense", "Dense", facts.dense),
            ("pruned", "Pruned", facts.pruned),
        )
    }
    captions["difference"] = "What became of each nucleus"
    typed = facts.dense.classes is not None
    return {
        "pictures": [{"data": drawn[n], "caption": c} for n, c in captions.items()],
        "types": [
            {"colour": type_colour(number), "name": name}
            for number, name in enumerate(facts.opened.model.classes, 1)
            if typed
        ],
        "changes": [
            {
                "colour": KIND_COLOUR[kind],
                "name": kind,
                "events": describe_count(kind, changes.count(kind)),
                "meaning": KIND_SENTENCE[kind],
            }
            for kind in KINDS
        ],
        "partition": describe_partition(changes),
        "scale": _scale(facts),
    }


def _scale(facts: Facts) -> str:
    """Return how large the tile is, or nothing when that is not known."""
    mpp, scale = facts.picture.mpp, facts.opened.scale
    if mpp is None:
        return scale.sentence
    width, height = (text.length(round(side * mpp)) for side in facts.picture.size)
    said = f"The tile is {width} by {height}, {mpp:g} \N{MICRO SIGN}m per pixel."
    return f"{said} {scale.sentence}".strip()


def _sizes(facts: Facts) -> ReportTable:
    """Return what is left of the model, and how fast it is."""
    titles = {
        "params": "Parameters",
        "macs": f"Multiply-accumulates {text.per_input(facts.opened.input_size)}",
        "channels": "Channels",
    }
    rows = []
    for name, title in titles.items():
        before = getattr(facts.opened.counts, name)
        after = getattr(facts.outcome.counts, name)
        gone = text.percent(1 - after / max(before, 1), 1)
        rows.append((title, f"{before:,}", f"{after:,}", gone))
    timed = facts.measured
    if timed is not None:
        pruned = text.milliseconds(timed.pruned_ms) if timed.measurable else text.DASH
        dense = text.milliseconds(timed.dense_ms)
        rows.append(("Latency of the network", dense, pruned, describe_speedup(timed)))
    return ReportTable(("", "dense", "pruned", "removed, or faster by"), tuple(rows))


def _costs(facts: Facts) -> ReportTable | None:
    """Return where the time goes: the costliest layers, dense and as they are left."""
    timed = facts.measured
    if timed is None or not timed.layers:
        return None
    dearest = sorted(timed.layers, key=lambda each: -max(each.left_ms, each.dense_ms))
    rows = (
        (
            each.name,
            text.milliseconds(each.dense_ms),
            text.milliseconds(each.left_ms),
            str(each.kept),
            each.words or text.DASH,
        )
        for each in dearest[:_LAYERS]
    )
    return ReportTable(
        ("layer", "dense", "pruned", "channels left", "the next step"), tuple(rows)
    )


def _scores(facts: Facts) -> ReportTable:
    """Return scores against truth and against the dense model."""
    columns = {
        "dense against truth": facts.opened.scores,
        "pruned against truth": facts.outcome.scores,
        "pruned against dense": facts.outcome.agreement,
    }
    known = {title: scores for title, scores in columns.items() if scores is not None}
    names = dict.fromkeys(name for scores in known.values() for name in scores)
    rows = (
        (
            METRICS[name].title,
            *(text.score(s.get(name, float("nan"))) for s in known.values()),
        )
        for name in names
    )
    return ReportTable(("score", *known), tuple(rows))


def _points(facts: Facts) -> ReportTable | None:
    """Return the table of everything that was tried."""
    if not facts.trials:
        return None
    header = (
        *("heuristic", "scope", "of", "recovery", "parameters removed", "MACs left"),
        *(*_METRICS.values(), "nuclei kept", "latency", "faster by"),
    )
    rows = []
    ordered = sorted(
        facts.trials, key=lambda t: (t.request.key(without=SPARSITY), t.removed)
    )
    for trial in ordered:
        ask, timed = trial.request, trial.latency
        scores = [text.score(trial.scores.get(n, float("nan"))) for n in _METRICS]
        latency = text.milliseconds(timed.pruned_ms) if timed else text.DASH
        faster = text.speedup(timed.speedup) if timed else text.DASH
        if trial.measured is not None and timed is None:
            faster = trial.measured.verdict
        rows.append(
            (
                ask.heuristic,
                ask.scope,
                ask.count,
                ask.recovery,
                text.percent(trial.removed, 1),
                text.percent(trial.macs_left, 1),
                *scores,
                text.percent(trial.kept, 1),
                latency,
                faster,
            )
        )
    here = (n for n, t in enumerate(ordered) if t.request == facts.outcome.request)
    return ReportTable(header, tuple(rows), marked=next(here, -1))


def _steps(ask: PruneRequest) -> str:
    if ask.count == "latency" and ask.round_to == 1:
        return "those that this computer computes well"
    return f"multiples of {ask.round_to}"


def _settings(facts: Facts) -> ReportTable:
    """Return how it was made, and where."""
    ask, card = facts.outcome.request, facts.opened.model
    tile = facts.opened.source
    rows = {
        "Model": f"{card.name}, opened from {card.source}",
        "About it": card.about,
        "Tile": f"{facts.picture.name}, opened from {tile.pair}",
        "Heuristic": ask.heuristic,
        "Scope": ask.scope,
        "Asked for": f"{text.percent(ask.sparsity, 1)} of {ask.count}",
        "Recovery": ask.recovery,
        "Widths": f"{_steps(ask)}, at least {ask.min_channels}",
        "Locked layers": ", ".join(ask.locked) or "none",
        "Fixed shares": ", ".join(f"{n} {text.percent(v)}" for n, v in ask.ratios),
        "Steps": str(ask.steps),
        "Seed": str(ask.seed),
        "Plan": facts.outcome.plan_hash or "nothing removed",
        "Device": f"{card.device}, {text.counted(card.threads, 'thread')}",
        **facts.machine,
    }
    shown = tuple(item for item in rows.items() if item[1])
    return ReportTable(("", ""), shown, "words")
