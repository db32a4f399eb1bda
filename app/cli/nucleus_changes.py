"""What pruning did to nuclei, types and branches of one tile."""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.cli.summary import defined, shown
from app.text.changes import describe_count, describe_partition

if TYPE_CHECKING:
    from core.benchmark import Bench, WholeWay
    from core.metrics import Kind, NucleusChanges
    from core.results import Outcome


def damage_of(bench: "Bench", found: "Outcome", way: "WholeWay") -> dict[str, Any]:
    """Return what became of nuclei, by kind and by type, and of the raw outputs.

    Parameters
    ----------
    bench, found
        The round.
    way
        Has the raw outputs of both networks.

    Returns
    -------
    dict
        ``changes`` counts events; ``fates`` counts each of the dense model's
        nuclei once, and new ones; ``types`` says what became of the dense model's
        nuclei of each type, the one that keeps least first (empty where the model
        tells none apart); ``branches`` as `core.benchmark.branches` gives them.
    """
    from core.benchmark import branches
    from core.metrics import KINDS, damage_by_type

    before = bench.dense.prediction
    names, types = bench.prunable.model.spec.classes, []
    if names and before.classes is not None:
        damage = damage_by_type([found.changes], [before.classes], len(names))
        fates = ("before", "kept", "retyped", "lost", "merged", "split")
        types = [
            {"type": names[each.kind - 1], **{n: getattr(each, n) for n in fates}}
            for each in damage
        ]
    scores = branches(way.dense_maps, way.pruned_maps, bench.labels)
    return {
        "changes": {kind: found.changes.count(kind).events for kind in KINDS},
        "fates": {kind: found.changes.count(kind).alone for kind in KINDS},
        "types": types,
        "branches": {name: defined(each.as_dict()) for name, each in scores.items()},
    }


def damage_lines(result: Mapping[str, Any], changes: "NucleusChanges") -> list[str]:
    """Return the damage for people."""
    lines = [f"what became {describe_partition(changes)}"]
    kinds: tuple[Kind, ...] = ("merged", "split")
    counts = {kind: changes.count(kind) for kind in kinds}
    events = [describe_count(kind, count) for kind, count in counts.items()]
    if any(count.events for count in counts.values()):
        lines.append(f"events      {', '.join(events)}")
    worst = [each for each in result["types"] if each["before"]]
    if worst:
        words = ", ".join(
            f"{each['type']} {each['kept']} of {each['before']}" for each in worst
        )
        lines.append(f"types kept  {words}")
    agreement = result["branches"]["agreement"]
    lines.append(
        f"branches    foreground Dice {shown(agreement['dice'])}, mean error of the "
        f"shape map {shown(agreement['mae'])}, both against dense"
    )
    return lines
