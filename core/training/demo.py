"""Reproduce the shipped weights: ``python -m core.training.demo --help``."""

import argparse
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch

from core.images.synthetic import TYPE_NAMES
from core.job import Job, Step
from core.models import LoadedModel, save_model
from core.models.unet import UNet
from core.training.data import Example, read_folder, synthetic_examples
from core.training.loop import fit
from core.training.settings import Settings
from core.training.split import DSB_HELD_OUT, TNBC_HELD_OUT
from core.types import ModelSpec

log = logging.getLogger(__name__)

SPEC = ModelSpec(
    name="demo",
    task="nuclei",
    architecture="unet",
    config={"base": 24, "depth": 5, "types": len(TYPE_NAMES), "up": "bilinear"},
    stride=16,
    input_range=(-1.0, 1.0),
    classes=TYPE_NAMES,
    mpp=0.25,
    reader="distance",
    window=(512, 384),
    threshold={
        "foreground": 0.5,
        "object": 0.4,
        "smooth": 2.0,
        "marker": 8,
        "smallest": 30,
    },
)

#: Pink H&E of `dsb2018_stained` that is trained on: rare there, and the point.
_PINK = ("4193474b2f1c", "87ea72894f65", "94519eb45cbe")
_STAINED_HE = range(1000, 1400)
_STAINED_IHC = range(2000, 2250)
#: Immunohistochemistry joins when H&E is half learned; the shipped run did so.
_IHC_SINCE = 1000


def training_data(folder: Path) -> list[Example]:
    """Collect the tiles and how often each is drawn.

    Of the crops 42 % are DSB 2018 tissue, 17 % TNBC, 25 % synthetic H&E and 15 %
    synthetic immunohistochemistry.

    Parameters
    ----------
    folder
        Holds ``dsb2018_stained`` and ``tnbc_naylor``.
    """
    stained = [
        e for e in read_folder(folder / "dsb2018_stained") if e.name not in DSB_HELD_OUT
    ]
    stained = [replace(e, weight=4.0 if e.name in _PINK else 1.0) for e in stained]
    breast = [
        e for e in read_folder(folder / "tnbc_naylor") if e.name not in TNBC_HELD_OUT
    ]
    made = synthetic_examples(_STAINED_HE)
    brown = synthetic_examples(_STAINED_IHC, stain="ihc")
    brown = [replace(e, since=_IHC_SINCE) for e in brown]
    mixed: list[Example] = []
    for group, share in ((stained, 0.5), (breast, 0.2), (made, 0.3), (brown, 0.18)):
        total = sum(e.weight for e in group)
        mixed += [replace(e, weight=share * e.weight / total) for e in group]
    return mixed


def _logger(every: int) -> Job:
    """Write a line every few steps."""
    start = time.monotonic()

    def report(step: Step) -> None:
        if step.done % every == 0 or step.done == step.total:
            spent = time.monotonic() - start
            log.info("%d/%d %s, %.0f s", step.done, step.total, step.what, spent)

    return Job(report)


def main(arguments: Sequence[str] | None = None) -> int:
    """Train the demo model and save it."""
    parser = argparse.ArgumentParser(description="Train the demo model.")
    parser.add_argument("--data", type=Path, required=True)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--steps", type=int, default=Settings().steps)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="resume from and save to")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    torch.set_flush_denormal(True)
    settings = Settings(
        steps=given.steps, seed=given.seed, half=True, checkpoint=given.checkpoint
    )
    torch.manual_seed(given.seed)
    module = UNet(**SPEC.config)
    data = training_data(given.data)
    log.info("%d tiles, %d steps", len(data), settings.steps)
    trained = fit(module, SPEC, data, settings, _logger(50))
    given.out.mkdir(parents=True, exist_ok=True)
    save_model(given.out / "demo.safetensors", LoadedModel(trained, SPEC))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
