"""How wrong the network's heads are."""

import torch
from torch import Tensor
from torch.nn import functional

from core.training.targets import UNKNOWN


def dice_loss(probability: Tensor, truth: Tensor) -> Tensor:
    """1 - Dice over the whole batch.

    Parameters
    ----------
    probability, truth
        Same shape, 0 to 1.
    """
    overlap = (probability * truth).sum()
    return 1 - (2 * overlap + 1) / (probability.sum() + truth.sum() + 1)


def total_loss(outputs: dict[str, Tensor], targets: dict[str, Tensor]) -> Tensor:
    """Sum of the heads' losses.

    Parameters
    ----------
    outputs
        ``np`` and ``dist`` (n, 1, h, w), optionally ``tp`` (n, 1 + types, h, w).
    targets
        ``inside``, ``distance`` and ``weight`` float (n, h, w), ``kind`` int64
        (n, h, w) with `UNKNOWN` where types are not known.

    Returns
    -------
    Tensor
        Weighted cross-entropy and Dice of ``np``, squared and absolute error of
        ``dist`` (double in nuclei), half the cross-entropy of ``tp``.
    """
    inside, weight = targets["inside"], targets["weight"]
    logit = outputs["np"][:, 0].float()
    entropy = functional.binary_cross_entropy_with_logits(logit, inside, weight=weight)
    loss = entropy + 0.7 * dice_loss(logit.sigmoid(), inside)
    error = outputs["dist"][:, 0].float() - targets["distance"]
    importance = (1 + inside) * weight
    loss = loss + (importance * (2.0 * error.square() + 0.3 * error.abs())).mean()
    kind = targets["kind"]
    if "tp" in outputs and bool((kind != UNKNOWN).any()):
        scores = outputs["tp"].float()
        balance = torch.full((scores.shape[1],), 1.0)
        balance[0] = 0.5
        loss = loss + 0.5 * functional.cross_entropy(
            scores, kind, weight=balance.to(scores.device), ignore_index=UNKNOWN
        )
    return loss
