"""The second model of a run: a file, or a plan that is applied and repaired here."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from core.benchmark import calibration_inputs, counting_input
from core.benchmark.calibration import spread_out
from core.benchmark.model import to_inference_layout
from core.errors import InputError
from core.images import read_slide
from core.job import Job
from core.models import load_model, save_model
from core.models.rebuilding import plan_from_json
from core.pruning import apply_plan, calibrate, trace
from core.types import Tile
from core.wholeslide.grid import build_grid
from core.wholeslide.tissue import find_tissue

if TYPE_CHECKING:
    from core.models import LoadedModel
    from core.wholeslide.settings import SlideSettings

_CALIBRATION_PATCHES = 8


def open_pruned(
    source: str,
    dense: LoadedModel,
    slide: Path,
    folder: Path,
    settings: SlideSettings,
    job: Job | None = None,
) -> LoadedModel:
    """Open the pruned model of a run.

    A plan is applied to the dense model and repaired by refit, on a few patches of
    the slide's own tissue. What comes of it is kept in the folder, so that a run that
    is resumed has the very same model.

    Parameters
    ----------
    source
        Catalogue name, file of a model, or plan (``.json``).
    dense
        That the plan was made for.
    slide
        Path of the slide.
    folder
        Of the results.
    settings
        Of the run.
    job
        Progress and cancel.

    Raises
    ------
    ModelError, PruningError, InputError
        When it cannot be used.
    """
    device = next(dense.module.parameters()).device
    path = Path(source)
    if path.suffix.lower() != ".json":
        return load_model(source, device=device)
    try:
        text = path.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        raise InputError(f"{path} cannot be read ({error}); name a plan.") from error
    plan = plan_from_json(text, path.name)
    kept = folder / f"pruned-{plan.hash[:12]}.safetensors"
    if not kept.is_file():
        job = job or Job()
        job.step(0, 0, "repairing the pruned model")
        inputs = calibration_inputs(dense, _patches(slide, dense, settings))
        graph = trace(dense.module, counting_input(dense))
        statistics = calibrate(dense.module, graph, inputs)
        module = apply_plan(dense.module, plan, statistics=statistics)
        save_model(kept, replace(dense, module=module, plan=plan), plan)
    found = load_model(kept, device=device)
    to_inference_layout(found.module)
    return found


def _patches(path: Path, model: LoadedModel, settings: SlideSettings) -> list[Tile]:
    """Patches evenly spread over the tissue."""
    with read_slide(path) as slide:
        grid = build_grid(slide, model.spec, settings.mpp, resample=settings.resample)
        tissue, _ = find_tissue(slide, grid)
        numbers = np.flatnonzero(tissue.ravel()).tolist() or [0]
        chosen = spread_out(numbers, _CALIBRATION_PATCHES)
        return [Tile(grid.read(slide, number)) for number in chosen]
