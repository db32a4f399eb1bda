"""Fine-tuning of a pruned network: with labels, from the dense network, or both.

Start with `finetune`.
"""

from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
from torch import nn

from core.errors import InputError
from core.job import Job
from core.models import LoadedModel
from core.training.augment import Augmentation
from core.training.callbacks import Callbacks, Trained
from core.training.data import Example, read_classes, read_folder, unlabelled
from core.training.device import fast_in_half, pick_device
from core.training.loop import train
from core.training.settings import TrainingSettings
from core.types import FineTune, ModelSpec, Tile

GENTLE = Augmentation(
    scale=(0.8, 1.25), stain=0.04, brown=0.04, blur=0.1, noise=0.1, strength=0.4
)
"""A network that is trained already is shown tissue nearly as it looks."""

_HELD_OUT = 0.2  # of the tiles, for early stopping
_NO_LIMIT = 1_000_000  # steps, where time is the limit
_LABELLED_SHARE = 0.7  # of the crops, where there are tiles of both kinds


def finetune(  # noqa: PLR0913 - the two networks, the tiles, and how
    pruned: nn.Module,
    model: LoadedModel,
    tiles: Sequence[Tile],
    options: FineTune,
    job: Job | None = None,
    aids: Callbacks | None = None,
    *,
    scored: Sequence[Tile] = (),
    checkpoint: Path | None = None,
) -> Trained:
    """Train what is left of a network after pruning.

    Parameters
    ----------
    pruned
        Best repaired in closed form first; left as it is.
    model
        The dense network, which teaches, and its spec.
    tiles
        Unlabelled tiles to learn the dense network's outputs on.
    options
        How long, from what, how fast.
    job
        Progress with the time left, and cancelling.
    aids
        Masks, and who looks on; teacher and validation tiles are chosen here.
    scored
        Tiles that the result is judged on: left out of the labelled ones.
    checkpoint
        Where the state is written when the training ends, and read from to go on
        with one that was stopped; None keeps none.

    Returns
    -------
    Trained
        Never worse on the tiles of the checks than `pruned`, where there are any:
        see `split`.

    Raises
    ------
    InputError
        When there is nothing to learn from, or `options` are impossible.
    Cancelled
        When the job was cancelled.
    """
    aids = aids or Callbacks()
    _check(options)
    labelled = labelled_examples(model.spec, options, scored)
    bare = unlabelled(tiles) if options.distil or not labelled else []
    data, validation = split(labelled, bare, options.seed)
    teacher = model.module if options.distil or not labelled else None
    chosen = replace(aids, teacher=teacher, validation=validation)
    settings = settings_for(model.spec, options)
    if checkpoint is not None:  # written once, at the end
        settings = replace(settings, checkpoint=checkpoint, save_every=_NO_LIMIT)
    return train(pruned, model.spec, data, settings, job, chosen)


def _check(options: FineTune) -> None:
    if options.steps <= 0 and options.minutes <= 0:
        raise InputError(
            "Fine-tuning needs an end: give it a number of minutes or of steps."
        )
    if options.rate <= 0:
        raise InputError("Fine-tuning needs a rate above 0, such as 0.001.")


def settings_for(spec: ModelSpec, options: FineTune) -> TrainingSettings:
    """Return the settings of the run that `options` ask for.

    Parameters
    ----------
    spec
        Says which crops the network takes.
    options
        See `FineTune`.
    """
    device = pick_device(options.device)
    steps = options.steps or _NO_LIMIT
    return TrainingSettings(
        steps=steps,
        batch=options.batch,
        crop=crop_side(spec, options.crop),
        rate=options.rate,
        warmup=10,
        cooldown=0.8,
        average=0.98,
        seed=options.seed,
        half=fast_in_half(device),
        augmentation=GENTLE,
        minutes=options.minutes,
        patience=options.patience,
        check_every=20,
        device=str(device),
    )


def crop_side(spec: ModelSpec, wanted: int) -> int:
    """Side of training crops that a network takes.

    Parameters
    ----------
    spec
        Networks without padding, and patch classifiers, are given their window.
    wanted
        Pixels, for all others; rounded down to a multiple of the stride.
    """
    if spec.reader in {"hv", "patch"}:
        return spec.window[0]
    return max(wanted // spec.stride, 1) * spec.stride


def labelled_examples(
    spec: ModelSpec, options: FineTune, scored: Sequence[Tile] = ()
) -> list[Example]:
    """Read the tiles with ground truth that fine-tuning may learn from.

    Parameters
    ----------
    spec
        Patch classifiers have one sub-folder for each class.
    options
        Name the folder, or none.
    scored
        Left out where they occur, by their pixels.

    Raises
    ------
    InputError
        When the folder holds nothing to learn from.
    """
    if not options.data:
        return []
    folder = Path(options.data)
    if not folder.is_dir():
        raise InputError(
            f"{folder} is not a folder: name one with images/ and labels/ in it."
        )
    if spec.task == "patch":
        found = read_classes(folder, spec.classes)
    else:
        found = read_folder(folder, spec=spec)
    seen = [tile.pixels for tile in scored]
    left = [e for e in found if not any(np.array_equal(e.pixels, p) for p in seen)]
    if not left:
        raise InputError(
            f"All tiles of {folder} are among those that are scored: give other tiles "
            "to learn from."
        )
    return left


def split(
    labelled: Sequence[Example], bare: Sequence[Example], seed: int
) -> tuple[list[Example], list[Example]]:
    """Divide tiles into those to learn from and those to check on.

    Parameters
    ----------
    labelled, bare
        With and without ground truth. Checks are made on labelled tiles where there
        are any. The first of the bare ones is always learned from.
    seed
        Of the choice.

    Returns
    -------
    learn, check
        Weighted so that labelled tiles get most of the crops. Of fewer than three
        tiles, bare ones are learned from and checked on (unchanged, where there is
        no truth to learn by heart), and labelled ones are not checked on.
    """
    if not labelled and len(bare) < 3:
        return list(bare), list(bare)
    pool = list(labelled) or list(bare)
    first = 0 if labelled else 1
    count = max(round(_HELD_OUT * len(pool)), 1) if len(pool) > 2 else 0
    rng = np.random.default_rng(seed)
    places = rng.permutation(np.arange(first, len(pool)))[:count]
    check = [pool[place] for place in sorted(places)]
    learn = [e for place, e in enumerate(pool) if place not in places]
    if not labelled or not bare:
        return learn, check
    mixed = _weighted(learn, _LABELLED_SHARE)
    return mixed + _weighted(bare, 1 - _LABELLED_SHARE), check


def _weighted(examples: Sequence[Example], share: float) -> list[Example]:
    total = sum(e.weight for e in examples)
    return [replace(e, weight=share * e.weight / total) for e in examples]
