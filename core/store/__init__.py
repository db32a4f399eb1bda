"""Trials on disk: one row each, safe from crashes, ready for export."""

from core.store.database import FORMAT, Store
from core.store.export import read_json, to_row, write_csv, write_json
from core.store.records import Record, TileResult, Trial

__all__ = [
    "FORMAT",
    "Record",
    "Store",
    "TileResult",
    "Trial",
    "read_json",
    "to_row",
    "write_csv",
    "write_json",
]
