"""The pruned model and all that goes with it, as files; runs on the worker.

To read this file, start from `write_folder`.
"""

import csv
import io
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from app.rendering.mask_files import by_type, kinds_of, write_masks
from app.state.session.sources import FORMATS
from app.text.format import counted
from app.worker.drawing import draw_nuclei
from core.errors import InputError, ModelError
from core.job import Job
from core.printable import to_cell
from core.sources import DEFAULT_TILE, Source
from core.types import PruneRequest

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.models import LoadedModel
    from core.pruning import Plan
    from core.results import Comparison, Outcome

STEM = "pruned"


@dataclass(frozen=True, slots=True)
class ExportJob:
    """One pruned model that is to be written.

    Parameters
    ----------
    bench
        Model and tile.
    source
        What the model was opened from.
    request
        Which pruned model.
    timed
        Its latency, or None when it was not measured.
    tile
        What the tile was opened from, as text.
    """

    bench: "Bench"
    source: str
    request: PruneRequest
    timed: "Comparison | None" = None
    tile: Source = DEFAULT_TILE


def write_model(path: str, leaving: ExportJob, job: Job) -> str:
    """Write the pruned model as one file of the kind that its ending names.

    Returns
    -------
    str
        What to tell the user.

    Raises
    ------
    BenchError
        When it cannot be exported or written.
    """
    kind = Path(path).suffix.removeprefix(".").lower()
    if kind not in FORMATS:
        raise InputError(
            f"{Path(path).name} is no kind of model: end it with .safetensors, "
            ".onnx or .pt2."
        )
    job.step(0, 0, "exporting the model")
    model = leaving.bench.export(leaving.request, job)
    return f"Saved the pruned model as {_write(Path(path), model)}."


def _write(path: Path, model: "LoadedModel") -> Path:
    """Write one file of a model, with the script that runs it where there is one."""
    from core.export import export_onnx, export_program, output_names, write_script
    from core.models import save_model

    if path.suffix == ".safetensors":
        save_model(path, model, model.plan)
        return path
    export = export_onnx if path.suffix == ".onnx" else export_program
    export(path, model)
    write_script(path, model.spec, output_names(model))
    return path


def write_folder(
    folder: Path,
    leaving: ExportJob,
    job: Job,
    formats: Sequence[str] = FORMATS,
    found: "Outcome | None" = None,
) -> list[str]:
    """Write model, plan, card and masks into a folder.

    Parameters
    ----------
    folder
        Is made when it is not there; files of the same names are replaced.
    leaving
        What to write.
    job
        Progress and cancel.
    formats
        Of the model, out of `FORMATS`.
    found
        The round, where it is known already.

    Returns
    -------
    list of str
        Sentences about what could not be written.

    Raises
    ------
    BenchError
        When nothing can be written there.
    """
    from core.export.writing import write_text

    model = leaving.bench.export(leaving.request, job)
    plan = leaving.bench.pruned(leaving.request, job)[1]
    notes = write_files(folder, model, plan, job, formats)
    job.step(len(formats), len(formats) + 1, "writing masks")
    found = found or leaving.bench.prune(leaving.request, job)
    write_text(folder / f"{STEM}.md", _card(leaving, found))
    if found.patches:
        write_text(folder / "patches.csv", _patch_table(found))
    else:
        _write_masks(folder, leaving, found, job)
    return notes


def write_files(
    folder: Path, model: "LoadedModel", plan: "Plan", job: Job, formats: Sequence[str]
) -> list[str]:
    """Write a pruned model and its plan into a folder; see `write_folder`."""
    from core.export.writing import write_text

    _make(folder)
    notes = []
    for number, kind in enumerate(formats):
        job.step(number, len(formats) + 1, f"exporting the model as {kind}")
        try:
            _write(folder / f"{STEM}.{kind}", model)
        except ModelError as error:
            if kind == "safetensors":
                raise
            notes.append(str(error))
    if model.plan is not None:
        write_text(folder / model.plan.file_name, model.plan.to_json())
    if plan is not model.plan:  # which weights were chosen; zeros are in the model
        plan.save(folder / plan.file_name)
    return notes


def _make(folder: Path) -> None:
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write into {folder} ({reason}): choose another folder."
        ) from error


def _write_masks(folder: Path, leaving: ExportJob, found: "Outcome", job: Job) -> None:
    """Write the nuclei of both models as label images and for QuPath."""
    bench = leaving.bench
    names, mpp = bench.prunable.model.spec.classes, bench.tile.mpp
    for side, prediction in (
        ("dense", bench.dense.prediction),
        ("pruned", found.prediction),
    ):
        nuclei = draw_nuclei(prediction.labels, prediction.classes)
        became = kinds_of(found.changes, dense=side == "dense")
        described = by_type(nuclei, names, mpp, became)
        write_masks(str(folder / f"{side}_labels.tif"), nuclei, described, job)
        write_masks(str(folder / f"{side}.geojson"), nuclei, described, job)


def _patch_table(found: "Outcome") -> str:
    """Return class and probability of each patch, before and after, as CSV."""
    table = io.StringIO()
    rows = csv.writer(table)
    rows.writerow(
        ["patch", "class", "dense", "probability", "pruned", "probability", "changed"]
    )
    for one in found.patches:
        dense, pruned = f"{max(one.dense):.6f}", f"{max(one.pruned):.6f}"
        changed = "yes" if one.changed else "no"
        sides = [to_cell(one.before), dense, to_cell(one.after), pruned]
        rows.writerow([to_cell(one.name), to_cell(one.target or ""), *sides, changed])
    return table.getvalue()


def _card(leaving: ExportJob, found: "Outcome") -> str:
    """Return the model card."""
    from core.export import Card, card_beside, model_card

    bench, timed = leaving.bench, leaving.timed
    scores = {
        "dense against truth": bench.dense.scores,
        "pruned against truth": found.scores,
        "pruned against dense": found.agreement,
    }
    return model_card(
        Card(
            spec=bench.prunable.model.spec,
            source=leaving.source,
            request=leaving.request,
            plan_hash=found.plan_hash,
            dense=bench.dense.counts,
            pruned=found.counts,
            input_size=bench.dense.input_size,
            tile=_judged_by(leaving),
            scores={title: s for title, s in scores.items() if s},
            latency=timed.summary() if timed is not None else {},
            machine=machine(),
            parent=card_beside(leaving.source),
            calibration=bench.calibration.words,
        )
    )


def _judged_by(leaving: ExportJob) -> str:
    """Return what the scores were taken on, in words: with part and pixel size."""
    bench = leaving.bench
    tiles, words, scale = bench.task.tiles, bench.task.describe(), bench.scale
    if len(tiles) == 1:
        name = leaving.tile.text or tiles[0].tile.source
        if not scale.resampled:
            return name
        sizes = f"{scale.tile:.4g} µm per pixel, resampled to {scale.model:.4g} µm"
        return f"{name} ({sizes})"
    place = Path(tiles[0].tile.source).parent
    return f"{counted(len(tiles), words.one, words.many)} of {place}"


def machine() -> dict[str, str]:
    """Return this machine and what runs on it, in words."""
    from core.sweep.provenance import provenance

    known = provenance()
    versions = ", ".join(f"{name} {v}" for name, v in known["versions"].items() if v)
    words = {
        "Processor": f"{known['processor']}, {known['cores']} cores",
        "Memory": f"{known['memory'] / 2**30:.0f} GiB",
        "System": known["system"],
        "Versions": versions,
        "Revision": known["revision"],
    }
    return {name: text for name, text in words.items() if text}
