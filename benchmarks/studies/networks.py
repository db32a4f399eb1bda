"""The networks of the studies: shipped, or trained here once and kept."""

import logging
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from benchmarks.studies.scale import Scale
from benchmarks.studies.tiles import DSB, SYNTHETIC, TNBC, TYPES, Tiles
from benchmarks.training.demo import SPEC
from benchmarks.training.iterative import slim
from core.job import Job, Step
from core.models import LoadedModel, build, load_model, save_model
from core.training import Callbacks, Example, TrainingSettings, fit
from core.training.device import fast_in_half, pick_device
from core.training.finetune import crop_side
from core.types import ModelSpec

log = logging.getLogger(__name__)

_PRESSURE = 0.5


@dataclass(frozen=True, slots=True)
class Recipe:
    """A network that is trained here.

    Parameters
    ----------
    spec
        What is built.
    sources
        Of the tiles that it is trained, calibrated and recovered on.
    rate
        Highest learning rate.
    share
        Of the steps that others are trained for: some take longer for each.
    """

    spec: ModelSpec
    sources: tuple[str, ...] = (DSB, TNBC, SYNTHETIC)
    rate: float = 1e-3
    share: float = 1.0


def _spec(name: str, architecture: str, classes: int, **config: Any) -> ModelSpec:
    names = TYPES if classes else ()
    return replace(
        SPEC, name=name, architecture=architecture, config=config, classes=names
    )


RECIPES = {
    "hovernet-narrow": Recipe(
        replace(
            _spec("HoVer-Net, narrow", "hovernet", 1, mode="fast", types=5, width=0.25),
            stride=8,
            input_range=(0.0, 255.0),
            reader="hv",
            window=(256, 164),
            threshold={"foreground": 0.5, "object": 0.4, "smallest": 30},
        ),
        share=0.5,
    ),
    "dual-decoder": Recipe(
        _spec("Dual-decoder U-Net", "dual-decoder", 0, base=16, depth=5)
    ),
    # trained on one source only, so that the other is unseen tissue
    "unet-dsb": Recipe(
        _spec("U-Net, one source", "unet", 0, base=16, depth=4, types=0), (DSB,)
    ),
    "unet-mini": Recipe(_spec("U-Net, mini", "unet", 4, base=4, depth=3, types=4)),
    "dual-mini": Recipe(_spec("Dual decoder", "dual-decoder", 0, base=4, depth=3)),
}


def sources_of(name: str) -> tuple[str, ...]:
    """Sources that a network knows."""
    return RECIPES[name].sources if name in RECIPES else (DSB, TNBC, SYNTHETIC)


def training_settings(
    spec: ModelSpec, scale: Scale, steps: int, rate: float, seed: int = 0
) -> TrainingSettings:
    """Settings that all trainings of a study share."""
    return TrainingSettings(
        steps=steps,
        # networks without padding take crops of their whole window
        batch=max(scale.batch // 2, 1) if spec.reader == "hv" else scale.batch,
        crop=crop_side(spec, scale.crop),
        rate=rate,
        warmup=min(30, max(steps // 4, 1)),
        cooldown=0.6,
        average=0.99,
        seed=seed,
        half=fast_in_half(pick_device("auto")),
        save_every=50,
        device="auto",
    )


def network(name: str, tiles: Tiles, scale: Scale, cache: Path) -> LoadedModel:
    """Return a dense network; what has to be trained is kept in a folder.

    Parameters
    ----------
    name
        Key of `RECIPES`, or what `load_model` opens.
    tiles
        To train on.
    scale
        How long.
    cache
        Weights and checkpoints; a training that was stopped goes on.
    """
    if name not in RECIPES:
        return load_model(name)
    recipe = RECIPES[name]
    path = cache / f"{name}-{scale.name}.safetensors"
    if path.is_file():
        return load_model(str(path))
    steps = max(round(recipe.share * scale.train_steps), 1)
    log.info("training %s, %d steps", name, steps)
    settings = training_settings(recipe.spec, scale, steps, recipe.rate)
    settings = replace(settings, checkpoint=path.with_suffix(".pt"))
    module = fit(
        build(recipe.spec.architecture, recipe.spec.config),
        recipe.spec,
        _typed(tiles.learned(recipe.sources)),
        settings,
        _telling(name),
    )
    return _kept(LoadedModel(module, recipe.spec), path)


def slimmed(
    model: LoadedModel, name: str, tiles: Tiles, scale: Scale, cache: Path
) -> LoadedModel:
    """Return a network after training under pressure on its batch-norm scales."""
    path = cache / f"{name}-slimmed-{scale.name}.safetensors"
    if path.is_file():
        return load_model(str(path))
    log.info("slimming %s, %d steps", name, scale.slim_steps)
    settings = training_settings(model.spec, scale, scale.slim_steps, 3e-4)
    settings = replace(settings, pressure=_PRESSURE, checkpoint=path.with_suffix(".pt"))
    learn = tiles.learned(sources_of(name))
    aids = Callbacks(teacher=model.module)
    module = slim(model.module, model.spec, learn, settings, _telling(name), aids)
    return _kept(replace(model, module=module), path)


def _kept(model: LoadedModel, path: Path) -> LoadedModel:
    path.parent.mkdir(parents=True, exist_ok=True)
    save_model(str(path), model)
    return model


def _typed(examples: Sequence[Example]) -> list[Example]:
    """Half of the crops from real tiles, half from those that know their types."""
    real = [e for e in examples if e.classes is None]
    drawn = [e for e in examples if e.classes is not None]
    if not real or not drawn:
        return list(examples)
    return [
        *(replace(e, weight=0.65 / len(real)) for e in real),
        *(replace(e, weight=0.35 / len(drawn)) for e in drawn),
    ]


def _telling(name: str) -> Job:
    def report(step: Step) -> None:
        if step.done % 50 == 0:
            log.info("%s %d/%d %s", name, step.done, step.total, step.what)

    return Job(report)
