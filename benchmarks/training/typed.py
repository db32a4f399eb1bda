"""Go on training the demo model on real nucleus types: run with ``--help``.

The run starts from published weights, is resumed from its checkpoint after a kill,
and saves the averaged weights as a model every few minutes, so that there is a
usable model at any time. Until half of its steps are done their number may still be
changed: the learning rate is constant up to there.
"""

import argparse
import logging
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from benchmarks.training.demo import log_every, mix
from benchmarks.training.tiles import TYPES, common_types, training_groups
from core.arithmetic import flush_denormals
from core.models import LoadedModel, load_model, save_model
from core.training import Augmentation, Callbacks, TrainingSettings, train
from core.types import ModelSpec

log = logging.getLogger(__name__)

SHARES = (0.42, 0.10, 0.38, 0.04, 0.06)
"""Of crops: CoNSeP, TNBC, DSB 2018, synthetic H&E, synthetic immunohistochemistry."""

WEIGHTS = (0.5, 3.0, 1.4, 1.0, 1.2)
"""Of background and `TYPES`: one nucleus in forty is of another kind, lymphocytes are
small, and spindles thin."""

SETTINGS = TrainingSettings(
    steps=1600,
    batch=4,
    crop=224,
    rate=8e-4,
    warmup=15,
    cooldown=0.7,
    average=0.99,
    seed=11,
    save_every=10,
    check_every=1_000_000,
    keep_best=False,
    watch_every=240.0,
    augmentation=Augmentation(
        scale=(0.75, 1.35),
        far=0.2,
        stain=0.05,
        brown=0.12,
        blur=0.15,
        noise=0.15,
        strength=0.6,
    ),
    type_weights=WEIGHTS,
)


def start(model: LoadedModel) -> tuple[nn.Module, ModelSpec]:
    """Give a model the types of CoNSeP, each from its nearest type.

    Parameters
    ----------
    model
        A U-Net whose types all have a counterpart in `TYPES`, as the first demo model.

    Returns
    -------
    tuple
        Its module with the outputs of the type head in the order of `TYPES`, and the
        spec that says so.

    Raises
    ------
    ValueError
        When a type has no counterpart, or two have the same.
    """
    number = common_types(model.spec.classes).tolist()
    if sorted(number) != list(range(len(TYPES) + 1)):
        raise ValueError(f"{model.spec.classes} cannot be brought to {TYPES}")
    order = [number.index(kind) for kind in range(len(number))]
    head = model.module.get_submodule("heads.tp")
    with torch.no_grad():
        for value in head.parameters():
            value.copy_(value[order].clone())
    return model.module, replace(model.spec, classes=TYPES)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, and save the model."""
    parser = argparse.ArgumentParser(description="Train the demo model on real types.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True, help="the model's file")
    parser.add_argument("--start", default="demo", help="name or file")
    parser.add_argument("--checkpoint", type=Path, help="resume from and save to")
    parser.add_argument("--steps", type=int, default=SETTINGS.steps)
    parser.add_argument("--crop", type=int, default=SETTINGS.crop)
    parser.add_argument("--rate", type=float, default=SETTINGS.rate)
    parser.add_argument("--threads", type=int, default=1)
    parser.add_argument("--seed", type=int, default=SETTINGS.seed, help="of the crops")
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    module, spec = start(load_model(given.start))
    settings = replace(
        SETTINGS,
        steps=given.steps,
        crop=given.crop,
        rate=given.rate,
        seed=given.seed,
        checkpoint=given.checkpoint,
    )

    def save(average: nn.Module) -> None:
        save_model(given.out, LoadedModel(average, spec))

    data = mix(training_groups(given.data), SHARES)
    with flush_denormals():
        trained = train(
            module, spec, data, settings, log_every(10), Callbacks(on_snapshot=save)
        )
    save(trained.module)
    log.info("%d steps, %.0f s", trained.steps, trained.seconds)
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
