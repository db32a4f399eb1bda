"""Scores on tiles no training saw: ``python -m benchmarks.training.evaluate``."""

import argparse
import json
import sys
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

import numpy as np

from benchmarks.training.split import DSB_HELD_OUT, TNBC_HELD_OUT
from core.arithmetic import flush_denormals
from core.images.synthetic import TYPE_NAMES
from core.metrics import score_instances
from core.models import load_model
from core.nuclei import predict
from core.nuclei.preprocess import Model
from core.training.data import Example, read_folder, synthetic_examples
from core.types import Prediction, Tile

_SYNTHETIC = range(900_000, 900_008)
_SHOWN = ("aji", "dice", "pq", "f1")


def held_out(folder: Path) -> dict[str, list[Example]]:
    """Collect the validation tiles by kind.

    Parameters
    ----------
    folder
        Holds ``dsb2018_stained`` and ``tnbc_naylor``.
    """
    stained = read_folder(folder / "dsb2018_stained")
    breast = read_folder(folder / "tnbc_naylor")
    return {
        "dsb2018_stained": [e for e in stained if e.name in DSB_HELD_OUT],
        "tnbc_naylor": [e for e in breast if e.name in TNBC_HELD_OUT],
        "synthetic": synthetic_examples(_SYNTHETIC, 512),
    }


def type_accuracy(example: Example, found: Prediction) -> float:
    """Share of the nuclei found (IoU above 0.5) whose type is right.

    Parameters
    ----------
    example
        With types.
    found
        With types.

    Returns
    -------
    float
        0 to 1, or nan when no nucleus was found or types are missing.
    """
    if example.classes is None or found.classes is None:
        return float("nan")
    right = []
    for label, kind in enumerate(example.classes, start=1):
        mask = example.labels == label
        hits = np.bincount(found.labels[mask], minlength=2)
        best = 1 + int(hits[1:].argmax())
        union = mask.sum() + np.count_nonzero(found.labels == best) - hits[best]
        if hits[best] > 0.5 * union:
            right.append(bool(found.classes[best - 1] == kind))
    return float(np.mean(right)) if right else float("nan")


def evaluate(model: Model, examples: Iterable[Example]) -> dict[str, dict[str, float]]:
    """Score each tile.

    Parameters
    ----------
    model
        Predicts.
    examples
        With ground truth.

    Returns
    -------
    dict
        Tile name -> score name -> value, nan where not defined.
    """
    table = {}
    for example in examples:
        found = predict(model, Tile(example.pixels))
        scores = score_instances(example.labels, found.labels)
        table[example.name] = {name: float(getattr(scores, name)) for name in _SHOWN}
        if example.classes is not None:
            table[example.name]["types"] = type_accuracy(example, found)
    return table


def means(table: Mapping[str, Mapping[str, float]]) -> dict[str, float]:
    """Mean of each score over tiles, nan left out; nan when nothing remains."""
    names = next(iter(table.values()), {})
    result = {}
    for name in names:
        values = [row[name] for row in table.values() if not np.isnan(row[name])]
        result[name] = float(np.mean(values)) if values else float("nan")
    return result


def main(arguments: Sequence[str] | None = None) -> int:
    """Write the scores as JSON."""
    parser = argparse.ArgumentParser(description="Score a model on held-out tiles.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--model", default="demo", help="name or file")
    given = parser.parse_args(arguments)
    model = load_model(given.model)
    with flush_denormals():
        groups = {
            name: evaluate(model, tiles) for name, tiles in held_out(given.data).items()
        }
    report = {
        "model": model.spec.name,
        "types": TYPE_NAMES,
        "mean": {name: means(table) for name, table in groups.items()},
        "tiles": groups,
    }
    sys.stdout.write(json.dumps(report, indent=2) + "\n")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
