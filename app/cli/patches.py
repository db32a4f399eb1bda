"""``prune`` for patch classifiers: classes and probabilities in place of masks.

To read this file, start from `prune_patches`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import Arguments
from app.cli.summary import defined, figure_lines, figures, shown, training_line
from app.text import format as text
from app.worker.writing import STEM, machine, write_files
from core.job import Job
from core.tables import metrics_for

if TYPE_CHECKING:
    from core.latency import Comparison
    from core.models import LoadedModel
    from core.sweep import PatchBench, PatchRound

_SCORES = tuple(row.key for row in metrics_for("patch"))
_SHOWN = 12  # patches in the list for people; --json has all


def prune_patches(
    asked: Arguments, model: "LoadedModel", job: Job
) -> tuple[dict[str, Any], list[str]]:
    """Prune a classifier, and write it where that was asked for.

    Parameters
    ----------
    asked
        ``tile`` is one patch, or a folder of them.
    model
        The classifier.
    job
        Progress.

    Returns
    -------
    result, lines
        The object that ``--json`` prints, and the same for people.
    """
    from core.sweep import PatchBench, read_patches

    data = read_patches(asked.source)
    bench = PatchBench(model, data.tiles)
    found = bench.prune(asked.request, job)
    timed = bench.compare(asked.request, job)
    result = patch_summary(asked.model, bench, found, timed)
    notes = _write(asked, bench, found, result, job) if asked.out else []
    return result, patch_lines(result, [*data.notes, *notes])


def patch_summary(
    model: str, bench: "PatchBench", found: "PatchRound", timed: "Comparison"
) -> dict[str, Any]:
    """Return the result as the object that ``--json`` prints.

    Parameters
    ----------
    model
        As asked for.
    bench, found, timed
        The round. Undefined scores become None.
    """
    size = bench.subject.prunable.input_size
    agreement = dict(found.overall["agreement"])
    changed = agreement.pop("changed")
    return {
        **figures(model, found.request, (found.dense, found.counts), size, timed),
        "scores": {
            "dense": defined(found.overall.get("dense")),
            "pruned": defined(found.overall.get("pruned")),
            "agreement": defined(agreement),
        },
        "patches": {
            "count": len(found.patches),
            "changed": int(changed),
            "shift": found.shift,
            "each": [
                {
                    "name": each.name,
                    "class": each.target,
                    "dense": {"class": each.before, "probability": max(each.dense)},
                    "pruned": {"class": each.after, "probability": max(each.pruned)},
                    "shift": each.shift,
                }
                for each in found.patches
            ],
        },
        "plan": found.plan_hash,
        "training": found.training and dict(found.training),
        "warnings": list(found.warnings),
        "seconds": {**found.seconds, "latency": timed.seconds},
    }


def patch_lines(result: dict[str, Any], notes: Sequence[str] = ()) -> list[str]:
    """Return a result for people, the patches that moved most first."""
    lines = figure_lines(result)
    patches = result["patches"]
    lines.append(
        f"classes     {text.counted(patches['changed'], 'patch', 'patches')} of "
        f"{patches['count']:,} changed; probabilities moved by "
        f"{text.percent(patches['shift'], 1)}"
    )
    if result["training"]:
        lines.append(training_line(result["training"]))
    captions = {
        "agreement": "agreement with dense",
        "dense": "dense against truth",
        "pruned": "pruned against truth",
    }
    for side, caption in captions.items():
        scores = result["scores"][side]
        if scores is not None:
            words = "  ".join(f"{n} {shown(scores[n])}" for n in _SCORES)
            lines.append(f"{caption}: {words.replace('_', ' ')}")
    moved = sorted(patches["each"], key=lambda each: -float(each["shift"]))
    for each in moved[:_SHOWN]:
        before, after = each["dense"], each["pruned"]
        lines.append(
            f"  {each['name']}: {before['class']} {shown(before['probability'])} to "
            f"{after['class']} {shown(after['probability'])}"
            + (f"  (is {each['class']})" if each["class"] else "")
        )
    if len(moved) > _SHOWN:
        lines.append(f"  and {len(moved) - _SHOWN:,} that moved less; --json has all")
    return lines + [f"note: {each}" for each in [*result["warnings"], *notes]]


def _write(
    asked: Arguments,
    bench: "PatchBench",
    found: "PatchRound",
    result: dict[str, Any],
    job: Job,
) -> list[str]:
    """Write model, plan, card and result; returns notes."""
    import json

    from core.export import Card, card_beside, model_card
    from core.export.writing import write_text

    folder, plan = Path(asked.out), bench.pruned(asked.request, job)[1]
    model = bench.export(asked.request, job)
    notes = write_files(folder, model, plan, job, asked.formats)
    tiles = bench.subject.tiles
    card = Card(
        spec=bench.subject.model.spec,
        source=asked.model,
        request=asked.request,
        plan_hash=found.plan_hash,
        dense=found.dense,
        pruned=found.counts,
        input_size=bench.subject.prunable.input_size,
        tile=text.counted(len(tiles), "patch", "patches") + f" of {asked.tile}",
        scores={
            title: result["scores"][side]
            for side, title in (
                ("dense", "dense against truth"),
                ("pruned", "pruned against truth"),
                ("agreement", "pruned against dense"),
            )
            if result["scores"][side]
        },
        latency=result["latency_ms"],
        machine=machine(),
        parent=card_beside(asked.model),
    )
    write_text(folder / f"{STEM}.md", model_card(card))
    write_text(folder / "result.json", json.dumps(result, indent=2))
    return notes
