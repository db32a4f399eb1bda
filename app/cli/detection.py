"""Detection by centroid in one tile, for ``prune``.

To read this file, start from `detection_of`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING, Any

from app.cli.summary import defined, shown

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.results import Outcome
    from core.types import Prediction

_CAPTIONS = {
    "agreement": "against dense",
    "dense": "dense against truth",
    "pruned": "pruned against truth",
}


def detection_of(bench: "Bench", found: "Outcome") -> dict[str, Any]:
    """Return what ``--json`` prints of detection.

    Parameters
    ----------
    bench, found
        The round.

    Returns
    -------
    dict
        ``detection``: ``radius`` in pixels and, for ``agreement``, ``dense`` and
        ``pruned`` (None without ground truth), ``f1``, ``precision`` and ``recall``,
        and ``types``: F1 by name of the type; empty where either side has none.
    """
    from core.metrics.detection import RADIUS
    from core.types import Prediction

    before, after = bench.dense.prediction, found.prediction
    sides: dict[str, Any] = {"agreement": _scores(bench, before, after)}
    tile = bench.task.tiles[0]
    if tile.labels is None:
        sides |= {"dense": None, "pruned": None}
    else:
        truth = Prediction(tile.labels, tile.classes)
        sides |= {
            "dense": _scores(bench, truth, before),
            "pruned": _scores(bench, truth, after),
        }
    return {"detection": {"radius": RADIUS, **sides}}


def _scores(bench: "Bench", true: "Prediction", pred: "Prediction") -> dict[str, Any]:
    from core.benchmark.tasks.pooled import count_types, detect

    pair = [(true, pred)]
    scored, typed = detect(pair), count_types(pair) > 0
    names = bench.prunable.model.spec.classes if typed else ()
    own = {"f1": scored.f1, "precision": scored.precision, "recall": scored.recall}
    types = {name: scored.type_f1(kind) for kind, name in enumerate(names, start=1)}
    return {**(defined(own) or {}), "types": defined(types)}


def detection_lines(result: Mapping[str, Any]) -> list[str]:
    """Return detection for people, a line for each side."""
    found = result["detection"]
    lines = []
    for side, caption in _CAPTIONS.items():
        scores = found[side]
        if scores is not None:
            types = [f"{name} {shown(f1)}" for name, f1 in scores["types"].items()]
            lines.append(
                f"detection   {caption}: F1 {shown(scores['f1'])}  precision "
                f"{shown(scores['precision'])}  recall {shown(scores['recall'])}"
                + (f"  ({', '.join(types)})" if types else "")
            )
    return lines
