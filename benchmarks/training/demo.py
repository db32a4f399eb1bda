"""Reproduce the shipped weights: ``python -m benchmarks.training.demo --help``."""

import argparse
import copy
import logging
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import torch
from torch import nn

from benchmarks.training.rounds import FINAL_ROUNDS, FIRST_SHARES, LATER_ROUNDS, Round
from benchmarks.training.split import DSB_HELD_OUT, TNBC_HELD_OUT
from core.arithmetic import flush_denormals
from core.images.synthetic import TYPE_NAMES
from core.job import Job, Step
from core.models import LoadedModel, save_model
from core.models.unet import UNet
from core.training.data import Example, read_folder, synthetic_examples
from core.training.loop import fit
from core.training.settings import TrainingSettings
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
        # chosen on training tiles, as the highest mean Dice
        "foreground": 0.45,
        "calm": 1.0,
        "sure": 0.6,
        "object": 0.4,
        "smooth": 2.0,
        "smallest": 30,
        "merge": 0.8,
    },
)

#: Pink H&E of `dsb2018_stained` that is trained on: rare there, and the point.
PINK = ("4193474b2f1c", "87ea72894f65", "94519eb45cbe")
_STAINED_HE = range(1000, 1400)
_STAINED_IHC = range(2000, 2250)
#: Immunohistochemistry joins when H&E is half learned; the shipped run did so.
_IHC_SINCE = 1000


def real_groups(folder: Path) -> list[list[Example]]:
    """Collect the real tiles, held-out ones left out.

    Parameters
    ----------
    folder
        Holds ``dsb2018_stained`` and ``tnbc_naylor``.

    Returns
    -------
    list
        DSB 2018 and TNBC.
    """
    stained = [
        e for e in read_folder(folder / "dsb2018_stained") if e.name not in DSB_HELD_OUT
    ]
    breast = [
        e for e in read_folder(folder / "tnbc_naylor") if e.name not in TNBC_HELD_OUT
    ]
    return [
        [replace(e, weight=4.0 if e.name in PINK else 1.0) for e in stained],
        breast,
    ]


def training_groups(folder: Path) -> list[list[Example]]:
    """Collect all tiles: DSB 2018, TNBC, synthetic H&E, synthetic IHC.

    Parameters
    ----------
    folder
        Holds ``dsb2018_stained`` and ``tnbc_naylor``.
    """
    return [
        *real_groups(folder),
        synthetic_examples(_STAINED_HE),
        synthetic_examples(_STAINED_IHC, stain="ihc"),
    ]


def mix(groups: Sequence[Sequence[Example]], shares: Sequence[float]) -> list[Example]:
    """Weigh examples so that each group gets its share of the crops.

    Parameters
    ----------
    groups
        Weighted within each.
    shares
        One a group; need not sum to 1.
    """
    mixed: list[Example] = []
    for group, share in zip(groups, shares, strict=True):
        total = sum(e.weight for e in group)
        mixed += [replace(e, weight=share * e.weight / total) for e in group]
    return mixed


def train(groups: Sequence[Sequence[Example]], settings: TrainingSettings) -> nn.Module:
    """Train the demo network in its rounds.

    Parameters
    ----------
    groups
        From `training_groups`.
    settings
        Of the first round.
    """
    torch.manual_seed(settings.seed)
    module: nn.Module = UNet(**SPEC.config)
    later = [replace(e, since=_IHC_SINCE) for e in groups[3]]
    first = mix([*groups[:3], later], FIRST_SHARES)
    log.info("%d tiles, %d steps", len(first), settings.steps)
    module = fit(module, SPEC, first, settings, log_every(50))
    ends: list[nn.Module] = []
    for number, later_round in enumerate(LATER_ROUNDS, start=1):
        module = _trained(module, groups, later_round, settings, number)
        ends.append(module)
    module = mean_of(ends)
    for number, later_round in enumerate(FINAL_ROUNDS, start=1 + len(LATER_ROUNDS)):
        module = _trained(module, groups, later_round, settings, number)
    return module


def _trained(
    module: nn.Module,
    groups: Sequence[Sequence[Example]],
    later_round: Round,
    first: TrainingSettings,
    number: int,
) -> nn.Module:
    """Return a module after one more round."""
    log.info("%s round, %d steps", later_round.name, later_round.steps)
    mixed = mix(groups, later_round.shares)
    return fit(module, SPEC, mixed, later_round.settings(first, number), log_every(50))


def mean_of(modules: Sequence[nn.Module]) -> nn.Module:
    """Average the weights of networks that descend from one another.

    Wortsman et al. 2022 (model soups, arXiv 2203.05482): what fits the held-out
    tiles best of the rounds taken alone and together.

    Parameters
    ----------
    modules
        Of one shape; left as they are.
    """
    mean = copy.deepcopy(modules[-1])
    states = [module.state_dict() for module in modules]
    with torch.no_grad():
        for name, value in mean.state_dict().items():
            if value.is_floating_point():
                value.copy_(torch.stack([s[name] for s in states]).mean(0))
    return mean.eval()


def log_every(every: int) -> Job:
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
    parser.add_argument("--steps", type=int, default=TrainingSettings().steps)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="resume from and save to")
    parser.add_argument("--threads", type=int, default=2)
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    torch.set_num_threads(given.threads)
    settings = TrainingSettings(
        steps=given.steps, seed=given.seed, half=True, checkpoint=given.checkpoint
    )
    with flush_denormals():
        trained = train(training_groups(given.data), settings)
    given.out.mkdir(parents=True, exist_ok=True)
    save_model(given.out / "demo.safetensors", LoadedModel(trained, SPEC))
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
