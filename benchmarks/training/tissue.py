"""Train the classifier of tissue patches, a ResNet-18: run with ``--help``."""

import argparse
import json
import logging
from collections.abc import Sequence
from dataclasses import asdict, replace
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from benchmarks.training.demo import log_every
from benchmarks.training.split import CONSEP_VALIDATION
from benchmarks.training.tiles import consep
from benchmarks.training.tissue_patches import CLASSES, SIDE, balanced, patches_of
from core.arithmetic import flush_denormals
from core.metrics import PatchScores, score_patches
from core.models import LoadedModel, load_model, save_model
from core.models.resnet import ResNet18
from core.training import Augmentation, Callbacks, Example, TrainingSettings, train
from core.training.batches import stack
from core.types import ModelSpec

log = logging.getLogger(__name__)

TRAIN_STRIDE, TEST_STRIDE = 92, 276

SETTINGS = TrainingSettings(
    steps=1200,
    batch=16,
    crop=SIDE,
    rate=5e-4,
    decay=1e-2,
    warmup=40,
    cooldown=0.6,
    average=0.99,
    seed=3,
    save_every=20,
    check_every=1_000_000,
    keep_best=False,
    watch_every=240.0,
    augmentation=Augmentation(scale=(0.85, 1.2), brown=0.0, strength=0.7),
)


def spec_of(base: int) -> ModelSpec:
    """What must be known to feed the network.

    Parameters
    ----------
    base
        Channels of the first stage; 64 is the published network.
    """
    return replace(
        load_model("resnet18").spec,
        name="tissue",
        config={"classes": len(CLASSES), "base": base},
        classes=CLASSES,
    )


def patches(folder: Path) -> dict[str, list[Example]]:
    """Cut the published parts into patches.

    Parameters
    ----------
    folder
        Of CoNSeP.

    Returns
    -------
    dict
        ``train``, ``validation`` (tiles of the training part) and ``test``.
    """
    learned: list[Example] = []
    checked: list[Example] = []
    for tile in consep(folder / "train"):
        if tile.name in CONSEP_VALIDATION:
            checked += patches_of(tile, TEST_STRIDE)
        else:
            learned += patches_of(tile, TRAIN_STRIDE)
    tested = [
        patch
        for tile in consep(folder / "test")
        for patch in patches_of(tile, TEST_STRIDE)
    ]
    return {"train": learned, "validation": checked, "test": tested}


def probabilities(
    module: nn.Module, spec: ModelSpec, examples: Sequence[Example], batch: int = 16
) -> NDArray[np.float64]:
    """Class probabilities of patches.

    Parameters
    ----------
    module
        Gives class logits.
    spec
        How pixels are scaled.
    examples
        Of equal size.
    batch
        Patches at once.

    Returns
    -------
    array
        float64 (n, classes).
    """
    found = []
    with torch.inference_mode(), flush_denormals():
        for first in range(0, len(examples), batch):
            inputs, _ = stack(examples[first : first + batch], spec)
            found.append(module(inputs).softmax(1).double().numpy())
    return np.concatenate(found)


def score(model: LoadedModel, examples: Sequence[Example]) -> PatchScores:
    """Score a classifier on patches.

    Parameters
    ----------
    model
        With `CLASSES`.
    examples
        With classes.
    """
    true = np.array([example.patch for example in examples])
    return score_patches(true, probabilities(model.module, model.spec, examples))


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, save the model, and print its scores."""
    parser = argparse.ArgumentParser(description="Train the tissue classifier.")
    parser.add_argument("--data", type=Path, required=True, help="folder of CoNSeP")
    parser.add_argument("--out", type=Path, required=True, help="the model's file")
    parser.add_argument("--checkpoint", type=Path, help="resume from and save to")
    parser.add_argument("--steps", type=int, default=SETTINGS.steps)
    parser.add_argument("--base", type=int, default=64, help="channels, first stage")
    parser.add_argument("--test", action="store_true", help="score test tiles as well")
    parser.add_argument("--threads", type=int, default=1)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    groups = patches(given.data)
    for name, group in groups.items():
        counts = np.bincount([e.patch for e in group], minlength=len(CLASSES))
        log.info("%s: %s", name, dict(zip(CLASSES, counts.tolist(), strict=True)))
    torch.manual_seed(SETTINGS.seed)
    spec = spec_of(given.base)
    module = ResNet18(len(CLASSES), given.base)
    settings = replace(SETTINGS, steps=given.steps, checkpoint=given.checkpoint)

    def save(average: nn.Module) -> None:
        save_model(given.out, LoadedModel(average, spec))

    with flush_denormals():
        trained = train(
            module,
            spec,
            balanced(groups["train"]),
            settings,
            log_every(10),
            Callbacks(on_snapshot=save),
        )
    save(trained.module)
    model = LoadedModel(trained.module, spec)
    judged = ("validation", "test") if given.test else ("validation",)
    print(json.dumps({name: asdict(score(model, groups[name])) for name in judged}))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
