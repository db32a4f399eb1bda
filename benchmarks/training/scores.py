"""Scores by data set with intervals: ``python -m benchmarks.training.scores --help``.

Instance scores are means over tiles. Detection and types are pooled over the nuclei
of all tiles, as HoVer-Net's published evaluation does. Intervals are percentile
bootstraps over tiles: two tiles of one slide are not independent, so they are too
narrow rather than too wide.
"""

import argparse
import json
import sys
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import partial, reduce
from operator import add
from pathlib import Path

import numpy as np
import torch

from benchmarks.training import tiles as splits
from benchmarks.training.tiles import TYPES, common_types
from core.arithmetic import flush_denormals
from core.metrics import Detection, Scores, score_detection, score_instances
from core.models import load_model
from core.nuclei import predict
from core.nuclei.preprocess import Model
from core.training.data import Example
from core.types import Tile

_SHOWN = ("aji", "dice", "pq")
_DRAWS = 1000
_TAILS = (0.025, 0.975)

Groups = Mapping[str, Sequence[Example]]
Value = tuple[float, float, float]
"""A score, and the ends of its 95 % interval; nan where not defined."""


@dataclass(frozen=True, slots=True)
class TileResult:
    """What was found in one tile.

    Parameters
    ----------
    name
        Of the tile.
    instances
        Scores of its label map.
    detection
        Nuclei paired by centroid within 12 pixels, with their types.
    typed
        Whether the ground truth has types.
    """

    name: str
    instances: Scores
    detection: Detection
    typed: bool


def score_tile(model: Model, example: Example) -> TileResult:
    """Compare one prediction with its ground truth.

    Parameters
    ----------
    model
        Predicts.
    example
        With ground truth.
    """
    found = predict(model, Tile(example.pixels))
    true = found.classes is not None and example.classes is not None
    kinds = common_types(model.spec.classes)
    detection = score_detection(
        example.labels,
        found.labels,
        # an unknown type scores nowhere: 0 in `core.metrics`
        None if example.classes is None else np.maximum(example.classes, 0),
        None if found.classes is None else kinds[found.classes],
    )
    scores = score_instances(example.labels, found.labels)
    return TileResult(example.name, scores, detection, true)


def summary(results: Sequence[TileResult], seed: int = 0) -> dict[str, Value]:
    """Scores of one data set with their intervals.

    Parameters
    ----------
    results
        One a tile.
    seed
        Of the draws.

    Returns
    -------
    dict
        ``aji``, ``dice``, ``pq``, ``detection f1`` and, where there are types,
        ``TYPE f1``.
    """
    found = {name: interval(results, partial(_mean, name), seed) for name in _SHOWN}
    found["detection f1"] = interval(results, lambda r: _pooled(r).f1, seed)
    typed = [result for result in results if result.typed]
    if typed:
        for kind, name in enumerate(TYPES, start=1):
            found[f"{name} f1"] = interval(typed, partial(_type_f1, kind), seed)
    return found


def interval(
    results: Sequence[TileResult],
    score: Callable[[Sequence[TileResult]], float],
    seed: int = 0,
) -> Value:
    """Bootstrap one score over tiles.

    Parameters
    ----------
    results
        One a tile.
    score
        Of any selection of tiles.
    seed
        Of the draws.
    """
    if len(results) < 2:  # one tile says nothing about others
        return (score(results) if results else np.nan, np.nan, np.nan)
    rng = np.random.default_rng(seed)
    draws = rng.integers(0, len(results), (_DRAWS, len(results)))
    values = np.array([score([results[i] for i in draw]) for draw in draws])
    known = values[~np.isnan(values)]
    if not len(known):
        return (score(results), np.nan, np.nan)
    low, high = np.quantile(known, _TAILS)
    return (score(results), float(low), float(high))


def _mean(name: str, results: Sequence[TileResult]) -> float:
    values = [float(getattr(result.instances, name)) for result in results]
    known = [value for value in values if not np.isnan(value)]
    return float(np.mean(known)) if known else float("nan")


def _type_f1(kind: int, results: Sequence[TileResult]) -> float:
    return _pooled(results).type_f1(kind)


def _pooled(results: Sequence[TileResult]) -> Detection:
    return reduce(add, (result.detection for result in results))


def score_groups(
    model: Model, groups: Groups, told: Callable[[str], None] = lambda _: None
) -> dict[str, list[TileResult]]:
    """Score every tile of every data set.

    Parameters
    ----------
    model
        Predicts.
    groups
        By name of the data set.
    told
        Called with the name of each tile that is done.
    """

    def scored(examples: Iterable[Example]) -> list[TileResult]:
        results = []
        for example in examples:
            results.append(score_tile(model, example))
            told(example.name)
        return results

    with flush_denormals():
        return {name: scored(examples) for name, examples in groups.items()}


def table(groups: Mapping[str, Mapping[str, Value]]) -> str:
    """Write the scores as a Markdown table.

    Parameters
    ----------
    groups
        By data set: what `summary` returned.
    """
    names = list(dict.fromkeys(n for scores in groups.values() for n in scores))
    rule = "| --- " * (1 + len(names)) + "|"
    lines = [f"| tiles | {' | '.join(names)} |", rule]
    for group, scores in groups.items():
        cells = [_cell(scores.get(name)) for name in names]
        lines.append(f"| {group} | {' | '.join(cells)} |")
    return "\n".join(lines)


def _cell(value: Value | None) -> str:
    if value is None or np.isnan(value[0]):
        return "none"
    if np.isnan(value[1]):
        return f"{value[0]:.3f}"
    return f"{value[0]:.3f} ({value[1]:.3f} to {value[2]:.3f})"


def main(arguments: Sequence[str] | None = None) -> int:
    """Print the table, and write every score as JSON when asked to."""
    parser = argparse.ArgumentParser(description="Score a model by data set.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="demo", help="name or file")
    parser.add_argument("--split", choices=("validation", "test"), default="validation")
    parser.add_argument("--only", help="one data set by name")
    parser.add_argument("--out", type=Path, help="JSON file")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    torch.set_num_threads(given.threads)
    model = load_model(given.model)
    groups = getattr(splits, given.split)(given.data)
    if given.only:
        groups = {name: tiles for name, tiles in groups.items() if name == given.only}
    results = score_groups(model, groups, lambda name: print(name, file=sys.stderr))
    summaries = {name: summary(found) for name, found in results.items()}
    print(table(summaries))
    if given.out:
        found = {
            "model": given.model,
            "split": given.split,
            "scores": summaries,
            "tiles": {n: [_row(r) for r in found] for n, found in results.items()},
        }
        given.out.write_text(json.dumps(found, indent=1), encoding="utf-8")
    return 0


def _row(result: TileResult) -> dict[str, float | str]:
    scores: dict[str, float | str] = {
        name: float(getattr(result.instances, name)) for name in _SHOWN
    }
    return {"tile": result.name} | scores | {"detection f1": result.detection.f1}


if __name__ == "__main__":
    raise SystemExit(main())
