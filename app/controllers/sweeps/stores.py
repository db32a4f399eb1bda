"""Stores of sweeps as values that are light enough to draw.

What charts are made from is in `app.plots.store_data`.
"""

import re
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

from app.state.sweep_values import StoreContents
from app.text import format as text
from core.store import Record, read_store


def read_results(path: Path, before: StoreContents | None = None) -> StoreContents:
    """Read a store, or what was added to it since (worker thread).

    Parameters
    ----------
    path
        Of the store; nothing in it is changed.
    before
        What was read earlier.

    Raises
    ------
    StoreError
        When it cannot be read.
    """
    known = before or StoreContents(path)
    batch = read_store(path, known.last)
    done = [record for record in batch.records if record.status == "done"]
    failed = len(batch.records) - len(done)
    return replace(
        known,
        machine=known.machine or next(map(machine_of, batch.records), ""),
        trials=(*known.trials, *(record.to_trial() for record in done)),
        tiles=max([known.tiles, *(len(record.tiles) for record in done)]),
        impossible=known.impossible + failed,
        last=batch.last,
    )


def machine_of(record: Record) -> str:
    """Name the hardware of a record in a few words."""
    facts = record.provenance
    name = re.sub(r"\((R|TM|r|tm)\)|\bCPU\b|\bProcessor\b|@.*", "", _words(facts))
    cores = facts.get("cores")
    parts = [" ".join(name.split()) or "unknown machine"]
    if cores:
        parts.append(text.counted(int(cores), "core"))
    return ", ".join(parts)


def _words(facts: Mapping[str, object]) -> str:
    return str(facts.get("processor", ""))
