"""Trials on disk: one row each, safe from crashes, ready for export."""

from core.results.trials import Trial, TrialIdentity
from core.store.database import FORMAT, TrialStore
from core.store.export import read_json, to_row, write_csv, write_json
from core.store.reading import Batch, read_store
from core.store.records import Overall, Record, TileResult, Which

__all__ = [
    "FORMAT",
    "Batch",
    "Overall",
    "Record",
    "TileResult",
    "Trial",
    "TrialIdentity",
    "TrialStore",
    "Which",
    "read_json",
    "read_store",
    "to_row",
    "write_csv",
    "write_json",
]
