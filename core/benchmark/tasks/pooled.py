"""Scores of nuclei that are pooled over tiles rather than averaged.

To read this file, start from `pooled_scores`.
"""

from __future__ import annotations

import math
from functools import reduce
from operator import add
from typing import TYPE_CHECKING

import numpy as np

from core.metrics import count_r2, pooled_pq, score_detection, tally_classes

if TYPE_CHECKING:
    from collections.abc import Sequence

    from numpy.typing import NDArray

    from core.metrics import Detection
    from core.types import Prediction

    Pairs = Sequence[tuple[Prediction, Prediction]]


def pooled_scores(pairs: Pairs) -> dict[str, float]:
    """Score nuclei over all tiles together.

    Parameters
    ----------
    pairs
        True and predicted nuclei of each tile, at least one. Scores by type are
        there when every tile has types on both sides.

    Returns
    -------
    scores
        Those that are defined, by their key in `core.tables.METRICS`.
    """
    types = count_types(pairs)
    found = detect(pairs).by_name(types)
    found["count_r2"] = count_r2(*_counts(pairs, types))
    if types:
        tallies = [
            tally_classes(t.labels, p.labels, _kinds(t), _kinds(p), types)
            for t, p in pairs
        ]
        found["mpq_plus"] = pooled_pq(tallies).mean_pq
    return {name: score for name, score in found.items() if not math.isnan(score)}


def detect(pairs: Pairs) -> Detection:
    """Pair nuclei by centroid within 12 pixels, all tiles added together."""
    typed = count_types(pairs) > 0
    tiles = [
        score_detection(
            true.labels,
            pred.labels,
            true.classes if typed else None,
            pred.classes if typed else None,
        )
        for true, pred in pairs
    ]
    return reduce(add, tiles)


def count_types(pairs: Pairs) -> int:
    """Return the highest type that occurs; 0 when a side of a tile has no types."""
    sides = [side for pair in pairs for side in pair]
    if any(side.classes is None for side in sides):
        return 0
    return max(int(_kinds(side).max(initial=0)) for side in sides)


def _counts(pairs: Pairs, types: int) -> list[NDArray[np.int64]]:
    """Return two tables int64 (tiles, types): true and predicted numbers of nuclei.

    One column where types are not known.
    """
    return [
        np.array([_count(side, types) for side in sides])
        for sides in zip(*pairs, strict=True)
    ]


def _count(side: Prediction, types: int) -> NDArray[np.int64]:
    ids = np.unique(side.labels)
    ids = ids[ids > 0].astype(np.int64)
    if not types:
        return np.array([len(ids)])
    return np.bincount(_kinds(side)[ids - 1], minlength=types + 1)[1:]


def _kinds(side: Prediction) -> NDArray[np.int64]:
    assert side.classes is not None
    return np.asarray(side.classes, np.int64)
