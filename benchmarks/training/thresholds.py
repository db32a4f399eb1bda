"""Choose the reader's thresholds on validation tiles: run with ``--help``.

Maps are computed once. Thresholds are then changed one at a time, round by round,
and a change is kept when the mean panoptic quality rises: data sets weigh the same,
whatever their number of tiles.
"""

import argparse
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray

from benchmarks.training.tiles import validation
from core.arithmetic import flush_denormals
from core.metrics import score_instances
from core.models import LoadedModel, load_model, save_model
from core.nuclei import READERS, Maps, raw_maps
from core.training.data import Example
from core.types import ModelSpec, Tile

STEPS: Mapping[str, tuple[float, ...]] = {
    "foreground": (0.35, 0.4, 0.45, 0.5, 0.55, 0.6),
    "object": (0.3, 0.35, 0.4, 0.45, 0.5, 0.55),
    "merge": (0.6, 0.7, 0.75, 0.8, 0.85, 0.9),
    "smooth": (1.0, 1.5, 2.0, 2.5),
    "sure": (0.0, 0.5, 0.6, 0.65),
    "calm": (0.0, 0.7, 1.0, 1.5),
    "smallest": (20, 30, 45, 60),
}
"""What is tried, in this order: what decides most comes first."""


@dataclass(frozen=True, slots=True)
class Case:
    """Maps of one tile and its ground truth.

    Parameters
    ----------
    maps
        Of the network.
    labels
        int32 (h, w).
    """

    maps: Maps
    labels: NDArray[np.int32]


Cases = Mapping[str, Sequence[Case]]


def cases(model: LoadedModel, groups: Mapping[str, Sequence[Example]]) -> Cases:
    """Compute the maps of every tile.

    Parameters
    ----------
    model
        Predicts.
    groups
        Tiles with ground truth, by data set.
    """
    with flush_denormals():
        return {
            name: [Case(raw_maps(model, Tile(e.pixels)), e.labels) for e in examples]
            for name, examples in groups.items()
        }


def quality(found: Cases, spec: ModelSpec) -> float:
    """Mean panoptic quality of tiles, then of data sets.

    Parameters
    ----------
    found
        By data set.
    spec
        Names the reader and the thresholds.
    """
    read = READERS[spec.reader]
    means = []
    for group in found.values():
        scores = [
            score_instances(case.labels, read(case.maps, spec.threshold)).pq
            for case in group
        ]
        means.append(float(np.nanmean(scores)))
    return float(np.mean(means))


def choose(
    found: Cases,
    spec: ModelSpec,
    steps: Mapping[str, Sequence[float]] = STEPS,
    rounds: int = 2,
) -> tuple[ModelSpec, float]:
    """Choose thresholds.

    Parameters
    ----------
    found
        By data set.
    spec
        Where to start.
    steps
        Values to try of each threshold.
    rounds
        Times that all thresholds are gone through; ends early when nothing changes.

    Returns
    -------
    tuple
        The spec with the best thresholds, and their `quality`.
    """
    best, reached = spec, quality(found, spec)
    for _ in range(rounds):
        before = best
        for name, values in steps.items():
            for value in values:
                if best.threshold.get(name) == value:
                    continue
                tried = replace(best, threshold={**best.threshold, name: value})
                score = quality(found, tried)
                if score > reached:
                    best, reached = tried, score
        if best is before:
            break
    return best, reached


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the thresholds, and save the model with them when asked to."""
    parser = argparse.ArgumentParser(description="Choose the reader's thresholds.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="demo", help="name or file")
    parser.add_argument("--out", type=Path, help="the model with these thresholds")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    model = load_model(given.model)
    found = cases(model, validation(given.data))
    before = quality(found, model.spec)
    spec, reached = choose(found, model.spec)
    print(f"mean PQ {before:.4f} -> {reached:.4f}")
    print(dict(spec.threshold))
    if given.out:
        save_model(given.out, LoadedModel(model.module, spec))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
