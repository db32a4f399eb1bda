"""Trials for spreadsheets and scripts: one flat row each."""

import csv
import json
import math
import tempfile
from collections.abc import Iterable
from pathlib import Path
from typing import Any

from core.errors import StoreError
from core.printable import to_cell
from core.store.records import Record
from core.tables import METRICS

_SCORES = tuple(METRICS)
_COUNTS = ("params", "macs", "channels")


def to_row(record: Record) -> dict[str, Any]:
    """Flatten a record; undefined numbers are nan, raw times are left out.

    Returns
    -------
    row
        The same keys in the same order for every record.
    """
    request, latency, timed = record.trial.request, record.latency, record.comparison
    latency = latency or {}
    said = {} if timed is None else timed.summary()
    row: dict[str, Any] = {
        "key": record.trial.key,
        "status": record.status,
        "reason": record.reason,
        "created": record.created,
        "model": record.trial.model,
        "heuristic": request.heuristic,
        "scope": request.scope,
        "count": request.count,
        "sparsity": request.sparsity,
        "recovery": request.recovery,
        "round_to": request.round_to,
        "min_channels": request.min_channels,
        "seed": request.seed,
        "plan_hash": record.plan_hash,
        "tiles": len(record.tiles),
    }
    for name in _COUNTS:
        dense, pruned = (
            getattr(each, name, 0) for each in (record.dense, record.pruned)
        )
        row[f"{name}_dense"], row[f"{name}_pruned"] = dense, pruned
        row[f"{name}_sparsity"] = 1 - pruned / dense if dense else math.nan
    size = record.provenance.get("input_size", ())
    row["macs_input"] = "x".join(map(str, size))
    for which in ("dense", "pruned", "agreement"):
        for name in _SCORES:
            row[f"{which}_{name}"] = record.mean(which, name)
    for side in ("dense", "pruned"):
        timing = latency.get(side, {})
        row[f"latency_{side}_ms"] = _known(said.get(side))
        row[f"latency_{side}_p90_ms"] = timing.get("p90", math.nan)
        row[f"latency_{side}_wall_ms"] = timing.get("wall_median", math.nan)
    row["latency_clock"] = latency.get("clock", "wall" if latency else "")
    row["speedup"] = _known(said.get("speedup"))
    row["speedup_low"], row["speedup_high"] = said.get("interval") or (math.nan,) * 2
    row["verdict"] = said.get("verdict", "")
    row["peak_memory"] = record.peak_memory
    used = record.provenance.get("calibration", ())
    row["calibration"] = " ".join(map(str, used))
    row["revision"] = record.provenance.get("revision", "")
    return row


def _known(value: float | None) -> float:
    return math.nan if value is None else value


def write_csv(records: Iterable[Record], path: str | Path) -> int:
    """Write one row for each record, in place of the file only when all is well.

    Returns
    -------
    rows
        How many were written.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    rows = [to_row(record) for record in records]

    def write(file: Any) -> None:
        if rows:
            writer = csv.DictWriter(file, list(rows[0]))
            writer.writeheader()
            writer.writerows(_cells(row) for row in rows)

    _replace(Path(path), write)
    return len(rows)


def write_json(records: Iterable[Record], path: str | Path) -> int:
    """Write whole records, raw times included, as a JSON list.

    Returns
    -------
    rows
        How many were written.

    Raises
    ------
    StoreError
        When the file cannot be written.
    """
    texts = [record.to_json() for record in records]
    _replace(Path(path), lambda file: file.write("[" + ",\n".join(texts) + "]\n"))
    return len(texts)


def read_json(path: str | Path) -> tuple[Record, ...]:
    """Read what `write_json` wrote.

    Raises
    ------
    StoreError
        When the file is no such list.
    """
    try:
        rows = json.loads(Path(path).read_text(encoding="utf-8"))
    except (OSError, ValueError) as error:
        raise StoreError(f"{path} cannot be read ({error}); check the file.") from error
    if not isinstance(rows, list):
        raise StoreError(f"{path} holds no list of trials; check the file.")
    return tuple(Record.from_json(json.dumps(row)) for row in rows)


def _cells(row: dict[str, Any]) -> dict[str, Any]:
    """Leave undefined numbers empty, and texts without effect, for spreadsheets."""
    cells = {}
    for key, value in row.items():
        blank = isinstance(value, float) and math.isnan(value)
        shown = to_cell(value) if isinstance(value, str) else value
        cells[key] = "" if blank else shown
    return cells


def _replace(path: Path, write: Any) -> None:
    try:
        with tempfile.NamedTemporaryFile(
            "w", dir=path.parent, delete=False, encoding="utf-8", newline=""
        ) as file:
            try:
                write(file)
            except BaseException:
                file.close()
                Path(file.name).unlink()
                raise
        Path(file.name).replace(path)
    except OSError as error:
        raise StoreError(
            f"{path} cannot be written ({error.strerror or error}); "
            "choose another place."
        ) from error
