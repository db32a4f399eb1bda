"""Make the pruned models that ship beside the demo model.

    python -m benchmarks.shipped --data ../shared/data --out resources --minutes 30 \
        --threads 2 --checkpoint runs/shipped.pt

Each model is cut by `reconstruction` and repaired in closed form, then trained on the
tiles that the demo model was trained on, with the demo model as its teacher, and
scored on tiles that no training saw. ``--checkpoint`` makes a run that was stopped go
on; models that are finished are not made again. To read this file, start from `make`.
"""

import argparse
import logging
import sys
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch
from torch import nn

from benchmarks.shipped_card import Made, card
from benchmarks.training.demo import mix, training_groups
from benchmarks.training.evaluate import evaluate, held_out
from core.arithmetic import flush_denormals
from core.benchmark import PrunableModel, calibration_inputs
from core.benchmark.model import to_inference_layout
from core.errors import BenchError
from core.job import Job, Step
from core.latency import LatencyProcess
from core.models import LoadedModel, load_model, save_model
from core.models.catalogue import PRUNED
from core.pruning import PruningPlan
from core.training import Augmentation, Callbacks, Example, TrainingSettings, train
from core.training.data import synthetic_examples
from core.training.device import fast_in_half, pick_device
from core.types import PruneRequest, Tile

log = logging.getLogger(__name__)

#: Name of each model and the share of parameters that goes.
SHIPPED = {name: percent / 100 for name, percent in PRUNED.items()}

_SHARES = (0.64, 0.20, 0.10, 0.06)  # of the demo model's last round
_GENTLE = Augmentation(stain=0.04, brown=0.05, blur=0.08, noise=0.08, strength=0.4)
_CHECKED = 6  # tiles of the first group that are not learned from
_CALIBRATION = 24  # patches
_NO_LIMIT = 1_000_000  # steps, where time is the limit

Groups = list[list[Example]]


@dataclass(frozen=True, slots=True)
class Plenty:
    """How much is run.

    Parameters
    ----------
    minutes, steps
        Of training, for each model; whichever ends first, 0 sets no limit.
    rate
        Highest learning rate.
    batch, crop
        Crops a step, and their side in pixels.
    checkpoint
        File name that those of the models are derived from, or None.
    timed
        Whether latency is measured.
    seed
        Of crops, augmentation and calibration tiles.
    """

    minutes: float
    steps: int = 0
    rate: float = 6e-4  # higher, it takes hundreds of steps to be back at the start
    batch: int = 4
    crop: int = 192
    checkpoint: Path | None = None
    timed: bool = True
    seed: int = 0

    def settings(self, name: str) -> TrainingSettings:
        """Return the settings of one model's training."""
        path = self.checkpoint
        return TrainingSettings(
            steps=self.steps or _NO_LIMIT,
            batch=self.batch,
            crop=self.crop,
            rate=self.rate,
            warmup=30,
            cooldown=0.8,
            average=0.995,
            seed=self.seed,
            half=fast_in_half(pick_device("cpu")),
            checkpoint=None if path is None else path.with_stem(f"{path.stem}-{name}"),
            save_every=50,
            augmentation=_GENTLE,
            minutes=self.minutes,
            check_every=50,
            keep_best=False,
        )


def make(
    name: str, groups: Groups, tests: dict[str, list[Example]], how: Plenty, out: Path
) -> Path:
    """Prune, train, score and write one model.

    Parameters
    ----------
    name
        Key of `SHIPPED`.
    groups
        Tiles to learn from, as `training_groups` orders them.
    tests
        Tiles to score on, by source.
    how
        How much is run.
    out
        Folder of the three files.

    Returns
    -------
    Path
        The model; its plan and its card lie beside it.
    """
    dense = load_model("demo")
    to_inference_layout(dense.module)
    learn, check = divided(groups)
    settings = how.settings(name)
    tiles = calibration_tiles(groups, how.seed)
    inputs = calibration_inputs(dense, tiles, min(_CALIBRATION, len(tiles)))
    prunable = PrunableModel(dense, inputs[0], inputs)
    start, plan = pruned(prunable, SHIPPED[name], settings.checkpoint)
    aids = Callbacks(teacher=dense.module, validation=check)
    trained = train(start, dense.spec, learn, settings, _telling(name), aids)
    module = to_inference_layout(trained.module)
    result = replace(
        _measured(name, prunable, module, plan, tests, how),
        checked=len(check),
        trained=trained,
    )
    path = out / f"{name}.safetensors"
    out.mkdir(parents=True, exist_ok=True)
    small = LoadedModel(module, replace(dense.spec, name=name))
    save_model(path, small, plan)
    path.with_suffix(".plan.json").write_text(plan.to_json() + "\n", encoding="utf-8")
    path.with_suffix(".md").write_text(card(result), encoding="utf-8")
    return path


def divided(groups: Groups) -> tuple[list[Example], list[Example]]:
    """Divide tiles into those to learn from and those to check on.

    Parameters
    ----------
    groups
        The checks are made on evenly spaced tiles of the first one, the largest of
        real tissue.

    Returns
    -------
    learn, check
        The demo model was trained on all of them and knows their labels by heart, and
        so does at first what is cut from it. So the checks show how the training goes,
        and no weights are chosen by them: chosen by labels they would always be those
        of the start, while the last ones are better on tiles that nobody saw.
    """
    first = groups[0]
    places = _kept_back(len(first))
    check = [first[place] for place in places]
    rest = [e for place, e in enumerate(first) if place not in places]
    return mix([rest, *groups[1:]], _SHARES), check


def _kept_back(count: int) -> list[int]:
    """Return evenly spaced places, so that all looks of tissue are among them."""
    kept = min(_CHECKED, count // 2)
    return [int((k + 0.5) * count / max(kept, 1)) for k in range(kept)]


def pruned(
    prunable: PrunableModel, sparsity: float, checkpoint: Path | None
) -> tuple[nn.Module, PruningPlan]:
    """Cut and repair; a run that goes on cuts as it did when it began.

    Parameters
    ----------
    prunable
        The demo model.
    sparsity
        Share of its parameters.
    checkpoint
        The plan is kept beside it.
    """
    request = PruneRequest("reconstruction", sparsity, recovery="sequential")
    kept = None if checkpoint is None else checkpoint.with_suffix(".plan.json")
    if kept is not None and kept.is_file():
        plan = PruningPlan.from_json(kept.read_text(encoding="utf-8"))
    else:
        made = prunable.plan(request)
        assert isinstance(made, PruningPlan)
        plan = made
    if kept is not None:
        kept.parent.mkdir(parents=True, exist_ok=True)
        kept.write_text(plan.to_json(), encoding="utf-8")
    return to_inference_layout(prunable.build(request, plan)), plan


def calibration_tiles(groups: Groups, seed: int) -> list[Tile]:
    """Draw real tiles to learn from, without their labels.

    Parameters
    ----------
    groups
        As `training_groups` orders them; no tile of the checks is drawn.
    seed
        Of the draw.
    """
    kept = _kept_back(len(groups[0]))
    rest = [e for place, e in enumerate(groups[0]) if place not in kept]
    pool = [*rest, *groups[1]]
    order = torch.randperm(len(pool), generator=torch.Generator().manual_seed(seed))
    return [Tile(pool[i].pixels) for i in sorted(order[:_CALIBRATION].tolist())]


def _measured(
    name: str,
    prunable: PrunableModel,
    module: nn.Module,
    plan: PruningPlan,
    tests: dict[str, list[Example]],
    how: Plenty,
) -> Made:
    dense = prunable.model
    after = replace(dense, module=module)
    log.info("%s: scoring on %d tiles", name, sum(map(len, tests.values())))
    return Made(
        name=name,
        sparsity=SHIPPED[name],
        plan=plan,
        dense=prunable.counts,
        pruned=prunable.sizes(plan),
        before={source: evaluate(dense, tiles) for source, tiles in tests.items()},
        after={source: evaluate(after, tiles) for source, tiles in tests.items()},
        latency=_latency(dense.module, module) if how.timed else {},
        settings=how.settings(name),
        shares=_SHARES,
    )


def _latency(dense: nn.Module, module: nn.Module) -> dict[str, Any]:
    with LatencyProcess() as process:
        found = process.compare(dense, module, torch.zeros(1, 3, 512, 512))
    return {
        "dense": found.dense.median,
        "pruned": found.pruned.median,
        "speedup": found.speedup,
        "interval": found.interval,
        "threads": found.environment.threads,
        "processor": found.environment.processor,
    }


def _telling(name: str) -> Job:
    seen = -1

    def report(step: Step) -> None:
        nonlocal seen
        if step.done // 20 != seen:
            seen = step.done // 20
            log.info("%s %d/%d %s", name, step.done, step.total, step.what)

    return Job(report)


def miniature() -> tuple[Groups, dict[str, list[Example]], Plenty]:
    """Return synthetic tiles and a training of two steps: shows that all parts run."""
    groups = [synthetic_examples(range(k, k + 2), 64) for k in (1000, 1002, 1004)]
    groups.append(synthetic_examples(range(2000, 2002), 64, stain="ihc"))
    tests = {"synthetic": synthetic_examples(range(900_000, 900_002), 64)}
    return groups, tests, Plenty(0.0, steps=2, batch=1, crop=64, timed=False)


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(description="Make the pruned models that ship.")
    parser.add_argument("--data", type=Path, help="folder of the tiles")
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--names", nargs="+", choices=tuple(SHIPPED), default=[])
    parser.add_argument(
        "--minutes", type=float, default=30.0, help="of training, for each model"
    )
    parser.add_argument("--rate", type=float, default=Plenty(0.0).rate)
    parser.add_argument("--threads", type=int, default=2)
    parser.add_argument("--seed", type=int, default=0)
    parser.add_argument("--checkpoint", type=Path, help="resume from and save to")
    parser.add_argument("--miniature", action="store_true", help="seconds; for tests")
    return parser


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line; returns the exit code."""
    parser = _parser()
    given = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    if given.data is None and not given.miniature:
        parser.error("--data is needed: name the folder of the tiles")
    if not given.minutes > 0:
        parser.error("--minutes must be above 0")
    torch.set_num_threads(given.threads)
    try:
        with flush_denormals():
            if given.miniature:
                groups, tests, how = miniature()
            else:
                groups, tests = training_groups(given.data), held_out(given.data)
                how = Plenty(given.minutes, rate=given.rate)
            how = replace(how, checkpoint=given.checkpoint, seed=given.seed)
            for name in given.names or SHIPPED:
                log.info("wrote %s", make(name, groups, tests, how, given.out))
    except BenchError as error:
        sys.stderr.write(f"shipped: {error}\n")
        return 2
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
