"""``prunescope repeat``: a trial again, from its record alone."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.text import format as text
from core.errors import InputError
from core.job import Job

if TYPE_CHECKING:
    from core.store import Record

_KEY = 8  # characters of a key that are shown


def repeat(
    store: str, row: str, data: str, job: Job, calibration: str = ""
) -> tuple[bool, str]:
    """Run a trial again and compare plan and scores; nothing is stored.

    Parameters
    ----------
    store
        A store, or what ``sweep --json`` wrote.
    row
        Key of the trial (the first column of ``--csv``), or how it begins.
    data
        The tiles it was run on.
    job
        Progress.
    calibration
        What it was calibrated on; empty for the default.

    Returns
    -------
    same, sentence
        Whether plan and scores are the record's, and what to tell the user.

    Raises
    ------
    InputError
        When there is no such row, or tiles or weights are others than then.
    """
    from core.sweep import read_folder, rerun

    record = _find(store, row)
    again = rerun(record, read_folder(data), job, calibration)
    request, name = record.trial.request, record.trial.key[:_KEY]
    what = f"{name} ({request.heuristic} at {text.percent(request.sparsity)})"
    if record.status == "impossible" or again.status == "impossible":
        same = record.status == again.status
        cannot = "could not be met either time" if same else "could be met only once"
        return same, f"{what} {cannot}: {record.reason or again.reason}"
    if again.plan_hash != record.plan_hash:
        return False, (
            f"{what} gave another plan, {again.plan_hash}, than the record's "
            f"{record.plan_hash}: other versions or another processor."
        )
    if _scores(again, record) != _scores(record, record):
        return False, (
            f"{what} gave the same plan, {record.plan_hash}, and other scores: other "
            "versions or another processor."
        )
    count = text.counted(len(record.tiles), "tile")
    return True, f"{what} gave the same plan, {record.plan_hash}, and scores on {count}"


def _find(store: str, row: str) -> "Record":
    from core.store import read_json, read_store

    if Path(store).suffix.lower() == ".json":
        records = read_json(store)
    else:
        records = read_store(store).records
    found = [each for each in records if row and each.trial.key.startswith(row)]
    if len(found) == 1:
        return found[0]
    if found:
        raise InputError(
            f"{len(found)} trials of {store} begin with '{row}'; write more of the key."
        )
    raise InputError(
        f"{store} has no trial '{row}'; keys are in the first column of sweep --csv."
    )


def _scores(record: "Record", like: "Record") -> tuple[Any, Any]:
    """Return scores as they are stored, where what is undefined is equal to itself.

    Scores over all tiles together are left out where ``like`` was written by a version
    that had none.
    """
    stored = json.loads(record.to_json())
    return stored["tiles"], stored.get("overall") if like.overall else None
