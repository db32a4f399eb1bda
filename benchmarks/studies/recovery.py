"""Training after a cut, as the studies do it."""

from dataclasses import replace

from torch import nn

from benchmarks.studies.networks import sources_of, training_settings
from benchmarks.studies.scale import Scale
from benchmarks.studies.tiles import Tiles
from core.models import LoadedModel
from core.pruning import MaskPlan
from core.training import Callbacks, train
from core.training.callbacks import Trained
from core.training.finetune import GENTLE, split

_RATE = 1e-3
_FAST_RATE = 3e-3  # what is left of a network is small, and there is time to come down
_NO_LIMIT = 1_000_000  # steps, where time is the limit


def recover(  # noqa: PLR0913 - the network, the tiles, and how long
    pruned: nn.Module,
    model: LoadedModel,
    name: str,
    tiles: Tiles,
    scale: Scale,
    seed: int,
    *,
    share: float = 1.0,
    masks: MaskPlan | None = None,
) -> Trained:
    """Fine-tune a pruned network on labelled tiles and on the dense one's outputs.

    Parameters
    ----------
    pruned
        After the cut.
    model
        The dense network: the teacher.
    name
        Of the network: says which tiles it may see.
    tiles
        Of the study.
    scale
        Steps, and the limit of time.
    seed
        Of everything random.
    share
        Of steps and time: iterative pruning divides them among its cuts, and one cut
        that is compared with several gets as many times as much.
    masks
        Weights that stay at zero.
    """
    learn, check = split(tiles.learned(sources_of(name)), [], seed)
    steps = max(round(scale.recover_steps * share), 1)
    settings = training_settings(model.spec, scale, steps, _RATE, seed)
    settings = replace(
        settings,
        minutes=scale.minutes * share,
        augmentation=GENTLE,
        # the checks are on tiles that the network knows by heart: they show progress
        keep_best=False,
        patience=0,
        check_every=50,
        average=0.98,
    )
    aids = Callbacks(teacher=model.module, validation=check, masks=masks)
    return train(pruned, model.spec, learn, settings, aids=aids)


def recover_longer(
    pruned: nn.Module,
    model: LoadedModel,
    name: str,
    tiles: Tiles,
    scale: Scale,
    seed: int,
) -> Trained:
    """Fine-tune until the time is up that the claim about speed allows.

    Parameters
    ----------
    pruned, model, name, tiles, scale, seed
        See `recover`.
    """
    learn, check = split(tiles.learned(sources_of(name)), [], seed)
    steps = scale.fast_steps or _NO_LIMIT
    settings = training_settings(model.spec, scale, steps, _FAST_RATE, seed)
    settings = replace(
        settings,
        minutes=scale.fast_minutes,
        warmup=min(30, steps),
        cooldown=0.8,
        augmentation=GENTLE,
        keep_best=False,
        patience=0,
        check_every=200,
        average=0.99,
    )
    aids = Callbacks(teacher=model.module, validation=check)
    return train(pruned, model.spec, learn, settings, aids=aids)
