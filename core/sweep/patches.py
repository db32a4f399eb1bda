"""Scores of a patch classifier on a folder: one tissue class for each tile."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import nn

from core.errors import InputError
from core.metrics import score_patches
from core.models import LoadedModel
from core.nuclei import to_input
from core.store import Overall, TileResult
from core.sweep.class_labels import class_numbers
from core.sweep.folder import SweepTile

Floats = NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class PatchTruth:
    """Which tiles have a class, and which.

    Parameters
    ----------
    where
        int64 (m,), indices of the tiles.
    kinds
        int64 (m,), classes as the network numbers its outputs.
    """

    where: NDArray[np.int64]
    kinds: NDArray[np.int64]


def patch_truth(model: LoadedModel, tiles: Sequence[SweepTile]) -> PatchTruth:
    """Number the classes of a folder as a classifier does.

    Raises
    ------
    InputError
        When the tiles have label images of nuclei, or classes that the model
        does not know.
    """
    if any(tile.labels is not None for tile in tiles):
        raise InputError(
            f"{model.spec.name} classifies whole tiles, but these have label images "
            "of nuclei; give labels.csv or one folder for each class."
        )
    named = [(index, tile.target) for index, tile in enumerate(tiles) if tile.target]
    if not named:
        return PatchTruth(np.zeros(0, np.int64), np.zeros(0, np.int64))
    numbers = class_numbers({kind for _, kind in named}, model.spec.classes)
    return PatchTruth(
        np.array([index for index, _ in named]),
        np.array([numbers[kind] for _, kind in named]),
    )


def classify(model: LoadedModel, module: nn.Module, tile: SweepTile) -> Floats:
    """Probabilities of the classes, float64 (k,), which sum to 1."""
    with torch.inference_mode():
        logits = module(to_input(model, tile.tile))
    return np.asarray(logits[0].double().softmax(0).cpu().numpy(), np.float64)


def patch_results(
    tiles: Sequence[SweepTile], truth: PatchTruth, dense: Floats, pruned: Floats
) -> tuple[tuple[TileResult, ...], Overall]:
    """Score probabilities before and after pruning.

    Parameters
    ----------
    tiles
        n of them.
    truth
        Classes of those that have one.
    dense, pruned
        Probabilities, (n, k).

    Returns
    -------
    tiles
        Each with ``accuracy`` (1 when the class is right, else 0) and the
        ``confidence`` of the most likely class.
    overall
        `PatchScores` over all tiles: AUC, for one, is not a mean over tiles.
        Agreement takes the dense model's classes for the truth.
    """
    before, after = dense.argmax(axis=1), pruned.argmax(axis=1)
    kinds = dict(zip(truth.where.tolist(), truth.kinds.tolist(), strict=True))

    def one(index: int) -> TileResult:
        kind = kinds.get(index)
        return TileResult(
            tiles[index].name,
            None if kind is None else _single(dense[index], kind),
            None if kind is None else _single(pruned[index], kind),
            _single(pruned[index], int(before[index])),
        )

    overall = {"agreement": score_patches(before, pruned).as_dict()}
    overall["agreement"]["changed"] = int((before != after).sum())
    if kinds:
        for name, shares in (("dense", dense), ("pruned", pruned)):
            part = score_patches(truth.kinds, shares[truth.where])
            overall[name] = part.as_dict()
    return tuple(one(index) for index in range(len(tiles))), overall


def _single(shares: Floats, kind: int) -> dict[str, float]:
    right = float(int(shares.argmax()) == kind)
    return {"accuracy": right, "confidence": float(shares.max())}
