"""Whose time it is: training that several points rest on is charged to each."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import torch

from benchmarks.studies.statistics import Entry


def charged(entries: Sequence[Entry], cache: Path, scale: str) -> list[Entry]:
    """Charge network slimming's own training to every point that is cut from it.

    The study trains it once for each network, during the first such point, and the
    training's checkpoint remembers how long it took. A point whose time is at least
    that long and that came first has it already.

    Parameters
    ----------
    entries
        Of the study's log, in its order.
    cache
        Where the checkpoints are.
    scale
        Name of the run's scale.

    Returns
    -------
    list
        Entries of slimming have their time in ``recovery_seconds`` and, again, in
        ``shared_seconds``; all others are as they were.
    """
    spent: dict[str, float] = {}
    found: list[Entry] = []
    for entry in entries:
        if entry.get("heuristic") != "slimming":
            found.append(entry)
            continue
        name = entry["network"]
        first = name not in spent
        if first:
            spent[name] = _seconds(cache / f"{name}-slimmed-{scale}.pt")
        own = entry.get("recovery_seconds", 0.0)
        added = 0.0 if first and own >= spent[name] else spent[name]
        extra = {"recovery_seconds": own + added, "shared_seconds": spent[name]}
        found.append({**entry, **extra})
    return found


def _seconds(path: Path) -> float:
    """Return how long a training took; 0 when its checkpoint is gone."""
    if not path.is_file():
        return 0.0
    state: dict[str, Any] = torch.load(path, weights_only=True, map_location="cpu")
    return float(state.get("spent", 0.0))
