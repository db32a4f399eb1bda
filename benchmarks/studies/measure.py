"""Scores of a network on the test tiles, and what became of whose nuclei."""

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import nn

from benchmarks.studies.tiles import TYPES
from core.metrics import (
    Change,
    ClassTally,
    centroids,
    nucleus_changes,
    pooled_pq,
    score_branches,
    score_instances,
    tally_classes,
)
from core.models import LoadedModel
from core.nuclei import instances, raw_maps
from core.training import Example
from core.training.targets import distance_map
from core.types import Prediction, Tile

SHOWN = ("aji", "pq", "dice", "f1")
_SMALL, _LARGE = 2 / 3, 3 / 2  # of the tile's median area
_FOUND = (Change.KEPT, Change.RETYPED)

Found = dict[str, Prediction]


def measure(
    module: nn.Module, model: LoadedModel, tests: Mapping[str, Sequence[Example]]
) -> tuple[dict[str, Any], Found]:
    """Score a network on every test tile.

    Parameters
    ----------
    module
        Dense or pruned.
    model
        The dense network with its spec.
    tests
        Tiles by source.

    Returns
    -------
    result, found
        Scores by source and tile (``branch_dice`` and ``branch_mse`` are those of the
        maps before instances are made of them), F1 by type over all tiles that
        know types; and the nuclei found by ``source/tile``.
    """
    scores: dict[str, dict[str, dict[str, float]]] = {}
    tallies: list[ClassTally] = []
    found: Found = {}
    running = replace(model, module=module)
    for source, examples in tests.items():
        scores[source] = {}
        for example in examples:
            maps = raw_maps(running, Tile(example.pixels))
            prediction = instances(maps, model.spec)
            found[f"{source}/{example.name}"] = prediction
            whole = score_instances(example.labels, prediction.labels)
            row = {name: float(getattr(whole, name)) for name in SHOWN}
            row |= _branches(example, maps)
            scores[source][example.name] = row
            if example.classes is not None and prediction.classes is not None:
                tallies.append(
                    tally_classes(
                        example.labels,
                        prediction.labels,
                        example.classes,
                        prediction.classes,
                        len(TYPES),
                    )
                )
    return {"tiles": scores, "types": _type_f1(tallies)}, found


def _branches(example: Example, maps: Mapping[str, Any]) -> dict[str, float]:
    has = "dist" in maps
    truth = distance_map(example.labels) if has else None
    scored = score_branches(
        example.labels, maps["np"], truth, maps["dist"] if has else None
    )
    return {"branch_dice": scored.dice, "branch_mse": scored.mse}


def _type_f1(tallies: Sequence[ClassTally]) -> dict[str, float]:
    if not tallies:
        return {}
    total = pooled_pq(list(tallies))
    half = total.hits + 0.5 * (total.extra + total.missed)
    return {
        name: float(total.hits[i] / half[i]) if half[i] else float("nan")
        for i, name in enumerate(TYPES)
    }


def damage(dense: Found, pruned: Found) -> dict[str, list[int]]:
    """Count which of the dense network's nuclei the pruned one still finds.

    Parameters
    ----------
    dense, pruned
        From `measure`, of the same tiles.

    Returns
    -------
    dict
        Group -> kept, all. Groups are sizes (relative to the tile's median), how
        many others are near (within two diameters), and types.
    """
    counts: dict[str, list[int]] = {}
    for name, before in dense.items():
        if not before.count:
            continue
        fate = nucleus_changes(before.labels, pruned[name].labels).before_kind
        for group, members in _groups(before).items():
            entry = counts.setdefault(group, [0, 0])
            entry[0] += int(np.isin(fate[members], _FOUND).sum())
            entry[1] += int(members.sum())
    return counts


def _groups(found: Prediction) -> dict[str, NDArray[np.bool_]]:
    _, places = centroids(found.labels)
    area = np.bincount(found.labels.ravel(), minlength=found.count + 1)[1:]
    middle = float(np.median(area))
    reach = 2 * 2 * np.sqrt(middle / np.pi)
    apart = np.linalg.norm(places[:, None] - places[None], axis=2)
    near = (apart < reach).sum(axis=1) - 1
    groups = {
        "size: small": area < _SMALL * middle,
        "size: middle": (area >= _SMALL * middle) & (area <= _LARGE * middle),
        "size: large": area > _LARGE * middle,
        "crowding: alone": near <= 1,
        "crowding: some": (near > 1) & (near <= 4),
        "crowding: dense": near > 4,
    }
    if found.classes is not None:
        groups |= {
            f"type: {name}": found.classes == kind
            for kind, name in enumerate(TYPES, start=1)
        }
    return groups
