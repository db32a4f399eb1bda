"""``prunescope slide``: runs it, writes its files, and says what was found."""

import csv
import io
import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, cast

from app.cli.model_arguments import with_consent
from app.cli.slide_arguments import PRECISIONS, SlideArguments
from app.rendering.palette import PLAIN, type_colour
from app.rendering.slide_map import draw_map
from app.text.slide_result import SIDES, UNITS, lines
from core.errors import InputError
from core.job import Job

if TYPE_CHECKING:
    from core.export import NucleusStyle
    from core.models import LoadedModel
    from core.nuclei.batches import Precision
    from core.wholeslide import SlideRun, SlideSettings


def run_command(asked: SlideArguments, job: Job) -> list[str]:
    """Run a slide and return what to tell the user.

    Raises
    ------
    BenchError
        When the slide, a model or the folder cannot be used.
    """
    import torch

    from core.wholeslide import SlideSettings
    from core.wholeslide.regions import summarise

    settings = SlideSettings(
        asked.tile_mpp,
        asked.resample != "off",
        asked.everywhere,
        asked.batch,
        cast("Precision", asked.precision),
        asked.runtime,
        asked.threads,
    )
    if asked.threads:
        torch.set_num_threads(asked.threads)
    folder = Path(asked.out)
    models = _open_models(asked, settings, job)
    run = _run(models, asked, settings, job)
    try:
        result = summarise(run) | {"slide": str(Path(asked.slide).absolute())}
        _write(folder, run, result, job)
    finally:
        run.log.close()
    if asked.as_json:
        return json.dumps(result, indent=2, allow_nan=False).splitlines()
    return lines(result, folder)


def _run(
    models: "list[LoadedModel]",
    asked: SlideArguments,
    settings: "SlideSettings",
    job: Job,
) -> "SlideRun":
    """Run the slide here, or on workers where any were asked for."""
    from core.wholeslide import run_slide

    slide, folder = Path(asked.slide), Path(asked.out)
    if not asked.scheduler and not asked.workers:
        return run_slide(models, slide, folder, settings, job)
    from core.cluster import ClusterSettings, run_cluster_slide

    if asked.device != "cpu":
        raise InputError("Workers use their processors; leave out --device.")
    cluster = ClusterSettings(asked.scheduler, asked.workers)
    return run_cluster_slide(models, slide, folder, settings, cluster, job)


def _open_models(
    asked: SlideArguments, settings: "SlideSettings", job: Job
) -> "list[LoadedModel]":
    from core.benchmark.model import to_inference_layout
    from core.models import load_model
    from core.training.device import fast_in_half, pick_device
    from core.wholeslide.pruned import open_pruned

    device = pick_device(asked.device)
    if asked.precision != PRECISIONS[0] and not fast_in_half(device):
        raise InputError(
            f"The {device.type} here has no instructions for {asked.precision}, which "
            "would take many times as long; leave out --precision."
        )
    dense = with_consent(lambda: load_model(asked.model, device=device), asked.trust)
    models = [dense]
    if asked.plan:
        slide, folder = Path(asked.slide), Path(asked.out)
        models.append(open_pruned(asked.plan, dense, slide, folder, settings, job))
    for model in models:
        to_inference_layout(model.module)
    return models


def _write(folder: Path, run: "SlideRun", result: Mapping[str, Any], job: Job) -> None:
    from core.export.writing import whole_file, write_text
    from core.wholeslide.outputs import write_label_pyramid, write_slide_geojson

    for number, spec in enumerate(run.specs):
        side = SIDES[number]
        styles = _styles(spec.classes)
        write_slide_geojson(folder / f"{side}.geojson", run, number, styles, job)
        write_label_pyramid(folder / f"{side}_labels.ome.tif", run, number, job)
    if regions := result.get("regions"):
        write_text(folder / "regions.csv", _table(regions))
        if run.overview is not None:
            picture = draw_map(run.overview, regions, _size(run), UNITS[result["unit"]])
            with whole_file(folder / "map.png") as part:
                picture.save(part, format="PNG")
    write_text(folder / "summary.json", json.dumps(result, indent=2, allow_nan=False))


def _styles(names: Sequence[str]) -> "list[NucleusStyle]":
    from core.export import NucleusStyle

    unknown = NucleusStyle("Nucleus", type_colour(0) if names else PLAIN)
    known = [NucleusStyle(name, type_colour(n)) for n, name in enumerate(names, 1)]
    return [unknown, *known]


def _size(run: "SlideRun") -> tuple[float, float]:
    """Width and height of the slide in pixels of its finest level."""
    width, height = run.grid.size
    return width * run.grid.step, height * run.grid.step


def _table(regions: Sequence[Mapping[str, Any]]) -> str:
    file = io.StringIO()
    rows = csv.DictWriter(file, list(regions[0]), lineterminator="\n")
    rows.writeheader()
    rows.writerows(regions)
    return file.getvalue()
