"""How wrong the network's heads are: against ground truth, and against a teacher.

Start with `total_loss`; `distillation_loss` is its counterpart without labels.
"""

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn import functional

from core.errors import InputError
from core.training.targets import UNKNOWN

Outputs = dict[str, Tensor] | Tensor
"""Maps by head, or the class logits of a patch classifier."""


def dice_loss(probability: Tensor, truth: Tensor) -> Tensor:
    """1 - Dice over the whole batch.

    Parameters
    ----------
    probability, truth
        Same shape, 0 to 1.
    """
    overlap = (probability * truth).sum()
    return 1 - (2 * overlap + 1) / (probability.sum() + truth.sum() + 1)


def total_loss(
    outputs: Outputs,
    targets: dict[str, Tensor],
    type_weights: Sequence[float] = (),
) -> Tensor:
    """Sum of the heads' losses.

    Parameters
    ----------
    outputs
        ``np`` (n, 1 or 2, h, w) logits; ``dist`` (n, 1, h, w) or ``hv`` (n, 2, h,
        w); optionally ``tp`` (n, 1 + types, h, w) logits. Or class logits (n, k) of
        a patch classifier.
    targets
        ``inside``, ``distance`` and ``weight`` float (n, H, W), ``kind`` int64
        (n, H, W) with `UNKNOWN` where types are not known, ``hv`` float (n, 2, H,
        W) for networks with that head, ``patch`` int64 (n,) for patch classifiers.
        Where H and W are more than h and w, their middles are taken.
    type_weights
        See `Settings`.

    Returns
    -------
    Tensor
        Weighted cross-entropy and Dice of ``np``, squared and absolute error of
        ``dist`` (double in nuclei), squared error of ``hv`` and of its slopes
        (Graham et al. 2019, equation 3), half the cross-entropy of ``tp``; for
        patches the cross-entropy.
    """
    if isinstance(outputs, Tensor):
        return functional.cross_entropy(
            outputs.float(), targets["patch"], ignore_index=UNKNOWN
        )
    targets = _middle(targets, outputs["np"])
    inside, weight = targets["inside"], targets["weight"]
    logit = _foreground(outputs["np"])
    entropy = functional.binary_cross_entropy_with_logits(logit, inside, weight=weight)
    loss = entropy + 0.7 * dice_loss(logit.sigmoid(), inside)
    if "dist" in outputs:
        error = outputs["dist"][:, 0].float() - targets["distance"]
        importance = (1 + inside) * weight
        loss = loss + (importance * (2.0 * error.square() + 0.3 * error.abs())).mean()
    if "hv" in outputs:
        loss = loss + _offset_loss(outputs["hv"].float(), targets["hv"], inside)
    kind = targets["kind"]
    if "tp" in outputs and bool((kind != UNKNOWN).any()):
        scores = outputs["tp"].float()
        loss = loss + 0.5 * functional.cross_entropy(
            scores, kind, _balance(scores, type_weights), ignore_index=UNKNOWN
        )
    return loss


def distillation_loss(outputs: Outputs, goals: Outputs) -> Tensor:
    """How far a network is from what its teacher says of the same input.

    Hinton et al. 2015 (arXiv 1503.02531) for dense outputs: probabilities are
    compared as wholes, so the teacher's doubt is learned as well.

    Parameters
    ----------
    outputs, goals
        Of student and teacher, both as in `total_loss`.

    Returns
    -------
    Tensor
        Divergence of the foreground probability, squared and absolute error of
        ``dist`` or the `total_loss` of ``hv``, half the divergence of types; for
        patches the divergence of the classes. 0 where both agree.
    """
    if isinstance(outputs, Tensor) or isinstance(goals, Tensor):
        assert isinstance(outputs, Tensor)
        assert isinstance(goals, Tensor)
        return _divergence(outputs, goals).mean()
    soft = _foreground(goals["np"]).sigmoid()
    logit = _foreground(outputs["np"])
    entropy = functional.binary_cross_entropy_with_logits
    least = functional.binary_cross_entropy(soft, soft)
    loss = entropy(logit, soft) - least + 0.7 * _soft_dice(logit.sigmoid(), soft)
    if "dist" in outputs:
        error = (outputs["dist"] - goals["dist"])[:, 0].float()
        importance = 1 + soft
        loss = loss + (importance * (2.0 * error.square() + 0.3 * error.abs())).mean()
    if "hv" in outputs:
        loss = loss + _offset_loss(outputs["hv"].float(), goals["hv"].float(), soft)
    if "tp" in outputs:
        apart = _divergence(outputs["tp"], goals["tp"])
        loss = loss + 0.5 * ((0.5 + soft) * apart).mean()
    return loss


def _foreground(logits: Tensor) -> Tensor:
    """One logit (n, h, w) from one channel or two; the same probability."""
    logits = logits.float()
    return logits[:, 0] if logits.shape[1] == 1 else logits[:, 1] - logits[:, 0]


def _soft_dice(probability: Tensor, goal: Tensor) -> Tensor:
    """Dice loss that is 0 at a soft goal, unlike `dice_loss`."""
    overlap = 2 * (probability * goal).sum() + 1
    return 1 - overlap / (probability.square().sum() + goal.square().sum() + 1)


def _divergence(outputs: Tensor, goals: Tensor) -> Tensor:
    """Kullback-Leibler divergence over dimension 1, from the teacher's side."""
    said = functional.log_softmax(outputs.float(), dim=1)
    meant = functional.log_softmax(goals.float(), dim=1)
    return (meant.exp() * (meant - said)).sum(dim=1)


def _balance(scores: Tensor, weights: Sequence[float]) -> Tensor:
    types = scores.shape[1] - 1
    if weights and len(weights) != types + 1:
        raise InputError(
            f"There are {len(weights)} type weights: give {types + 1}, one for "
            f"background and one for each of the {types} types."
        )
    return torch.tensor(tuple(weights) or (0.5, *[1.0] * types), device=scores.device)


def _middle(targets: dict[str, Tensor], like: Tensor) -> dict[str, Tensor]:
    """Cut targets to what unpadded convolutions leave of the input."""
    height, width = like.shape[-2:]
    down, along = targets["inside"].shape[-2:]
    if (down, along) == (height, width):
        return targets
    top, left = (down - height) // 2, (along - width) // 2
    return {
        name: value[..., top : top + height, left : left + width]
        if value.ndim > 2
        else value
        for name, value in targets.items()
    }


def _offset_loss(offsets: Tensor, goals: Tensor, inside: Tensor) -> Tensor:
    """Squared error of both maps, and of each map's slope along its own axis."""
    error = (offsets - goals).square().mean()
    slopes = (_slopes(offsets) - _slopes(goals)).square().mean(dim=1)
    return error + (inside * slopes).sum() / (2 * inside.sum() + 1e-6)


def _slopes(offsets: Tensor) -> Tensor:
    """Slope of the horizontal map along rows and of the vertical one along columns.

    A 5 x 5 kernel that weighs by one over the squared distance, as HoVer-Net's.
    """
    place = torch.arange(-2.0, 3.0, device=offsets.device)
    across = place / (place.square() + place.square()[:, None]).clamp_min(1e-9)
    horizontal = functional.conv2d(offsets[:, :1], across[None, None], padding=2)
    vertical = functional.conv2d(offsets[:, 1:], across.T[None, None], padding=2)
    return torch.cat([horizontal, vertical], dim=1)
