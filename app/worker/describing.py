"""What is open, in values that windows and reports show.

To read this file, start from `describe_opened`.
"""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from app.state.training import Training
from app.state.values import (
    CalibrationTile,
    ModelCard,
    Nuclei,
    Opened,
    Picture,
    Session,
    TileScale,
)
from app.worker.drawing import draw_nuclei
from core.sources import DEFAULT_TILE, Source
from core.tables import ARCHITECTURES
from core.types import PruneRequest

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.models import LoadedModel
    from core.results import DenseOutcome
    from core.training import Progress
    from core.types import Tile


def describe_opened(
    bench: "Bench", sources: tuple[str, Source], session: Session, picture: Picture
) -> Opened:
    """Return what is open, as windows and reports show it.

    Parameters
    ----------
    bench
        Model and tile.
    sources
        What the model and the tile were opened from.
    session
        Computes what is asked for next.
    picture
        The tile.
    """
    from core.images.samples import DEFAULT_SAMPLE

    found, labels, tile = bench.dense, bench.labels, sources[1]
    if tile == DEFAULT_TILE:
        tile = Source("sample", DEFAULT_SAMPLE)
    card, used = describe_model(bench.prunable.model, sources[0]), bench.calibration
    return Opened(
        session=session,
        model=replace(card, about=f"{card.about} · calibrated on {used.words}"),
        picture=picture,
        prediction=found.prediction,
        nuclei=_draw_dense(found),
        counts=found.counts,
        input_size=found.input_size,
        scores=found.scores,
        notes=found.notes,
        layers=bench.prunable.layers,
        heuristics=bench.prunable.heuristics,
        truth=draw_nuclei(labels, None) if labels is not None else None,
        calibration=used.words,
        calibration_tiles=tuple(map(_describe_tile, used.names, used.tiles)),
        calibration_digest=used.digest,
        source=tile,
        scale=describe_scale(bench),
        seconds=found.seconds,
        part=found.part,
        patches=bench.patches,
    )


def with_dense(opened: Opened, bench: "Bench") -> Opened:
    """Return what is open with what the dense model has found by now."""
    found = bench.dense
    return replace(
        opened,
        prediction=found.prediction,
        nuclei=_draw_dense(found),
        scores=found.scores,
        notes=found.notes,
        seconds=found.seconds,
        part=found.part,
    )


def _describe_tile(name: str, tile: "Tile") -> CalibrationTile:
    source = "comes with the program" if name == tile.source else tile.source
    return CalibrationTile(name, source or "the open tile", tile.pixels)


def _draw_dense(found: "DenseOutcome") -> Nuclei:
    prediction = found.prediction
    return draw_nuclei(prediction.labels, prediction.classes, found.part)


def describe_scale(bench: "Bench") -> TileScale:
    """Return the pixel sizes of tile and model, as the window says them."""
    scale = bench.scale
    sentence = scale.describe().replace(" (--tile-mpp)", "")
    return TileScale(scale.tile, scale.model, scale.resampled, sentence)


def training_of(request: PruneRequest, progress: "Progress") -> Training:
    """Return how far a training is, as the window shows it."""
    return Training(
        request=request,
        step=progress.step,
        left=progress.left,
        losses=progress.losses,
        checks=progress.checks,
        best=progress.best,
        peak_memory=progress.peak_memory,
    )


def describe_model(loaded: "LoadedModel", source: str) -> ModelCard:
    """Return a model in words."""
    import torch

    from core.export import card_beside, find_types_note

    spec = loaded.spec
    known = ARCHITECTURES.get(spec.architecture)
    words = [known.title if known else spec.architecture]
    if spec.classes:
        kind = "nucleus types" if spec.task == "nuclei" else "classes of patches"
        words.append(f"{len(spec.classes)} {kind}")
    if spec.mpp:
        words.append(f"{spec.mpp:g} µm per pixel")
    if loaded.plan is not None:
        words.append(_pruned_by(loaded.plan.request))
    device = next(loaded.module.parameters()).device
    return ModelCard(
        source=source,
        name=spec.name[:1].upper() + spec.name[1:],
        about=" · ".join(words),
        classes=_class_names(loaded),
        device=str(device).upper(),
        threads=torch.get_num_threads(),
        task=spec.task,
        pruned=loaded.plan is not None,
        types_note=find_types_note(card_beside(source)) if spec.classes else "",
        reader=spec.reader,
        threshold=tuple(spec.threshold.items()),
    )


def _pruned_by(asked: Mapping[str, object]) -> str:
    """Return how a model was pruned before it was saved."""
    share = asked.get("sparsity")
    if not isinstance(share, float) or asked.get("count", "params") != "params":
        return "already pruned"
    return f"already pruned, {share:.0%} of the parameters removed"


def _class_names(loaded: "LoadedModel") -> tuple[str, ...]:
    """Return the names that colours stand for; a classifier always has some."""
    if loaded.spec.task == "nuclei":
        return tuple(loaded.spec.classes)
    from core.benchmark.tasks import class_names

    return class_names(loaded, max(len(loaded.spec.classes), 2))
