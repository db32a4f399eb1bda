"""Patch classification: one class for a whole tile.

A classifier has no masks: what pruning does to it shows in the class of each patch,
in the probability of that class, and, where the patches' classes are known, in
accuracy and what goes with it. To read this file, start from `PatchTask.predict`.
"""

from __future__ import annotations

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import torch
from numpy.typing import NDArray

from core.benchmark.tasks.class_labels import class_numbers
from core.benchmark.tasks.nuclei import timed
from core.benchmark.tasks.protocol import Judgement
from core.benchmark.tasks.sheet import Sheet, make_sheet
from core.errors import InputError
from core.metrics import nucleus_changes, score_patches
from core.nuclei import to_input, to_model_grid
from core.results import PatchChange
from core.store import Overall, TileResult
from core.tables import TASKS, TaskRow
from core.tables.metrics import metrics_for
from core.types import Prediction

if TYPE_CHECKING:
    from collections.abc import Sequence

    from torch import nn

    from core.job import Job
    from core.metrics import PatchScores
    from core.models import LoadedModel
    from core.results import ScoreMap
    from core.tables.metrics import TaskName
    from core.types import LabelledTile, Tile

Floats = NDArray[np.float64]
UNTRAINED = (
    "This model has random weights, it was never trained: its classes mean nothing. "
    "Use it to time a network, or to try the program."
)
_RESAMPLES = 400
_ENOUGH = 5  # patches from which an interval is given


@dataclass(frozen=True, slots=True)
class _Truth:
    """Indices of the patches that have a class, and the number of it, int64 (m,)."""

    where: NDArray[np.int64]
    kinds: NDArray[np.int64]


class PatchTask:
    """Classifies patches.

    Parameters
    ----------
    model
        Dense.
    tiles
        At least one.

    Raises
    ------
    InputError
        When the tiles have label images of nuclei, or classes that the model does
        not know.
    """

    name: TaskName = "patch"

    def __init__(self, model: LoadedModel, tiles: Sequence[LabelledTile]) -> None:
        self.model, self.tiles = model, tuple(tiles)
        self._truth = _read_truth(model, self.tiles)

    @cached_property
    def sheet(self) -> Sheet:
        """All patches in one picture."""
        return make_sheet([each.tile for each in self.tiles])

    @property
    def picture(self) -> Tile:
        """The sheet."""
        return self.sheet.tile

    def predict(
        self,
        module: nn.Module,
        index: int,
        job: Job | None = None,
        seconds: dict[str, float] | None = None,
    ) -> Floats:
        """Return the probabilities of the classes, float64 (k,), which sum to 1.

        A network with a single output says how likely the second of two classes is.
        """
        seconds = {} if seconds is None else seconds
        with timed(seconds, "network"), torch.inference_mode():
            tile = to_model_grid(self.tiles[index].tile, self.model.spec)
            logits = module(to_input(self.model, tile))[0].double()
            if logits.numel() == 1:
                second = logits.sigmoid()
                shares = torch.cat([1 - second, second])
            else:
                shares = logits.softmax(0)
            return np.asarray(shares.cpu().numpy(), np.float64)

    def compare(self, index: int, dense: Floats, pruned: Floats) -> TileResult:
        """Return ``accuracy`` (1 when right, else 0) and ``confidence`` of a patch."""
        found = np.flatnonzero(self._truth.where == index)
        kind = int(self._truth.kinds[found[0]]) if found.size else None
        return TileResult(
            self.tiles[index].name,
            None if kind is None else _single(dense, kind),
            None if kind is None else _single(pruned, kind),
            _single(pruned, int(dense.argmax())),
        )

    def aggregate(self, dense: Sequence[Floats], pruned: Sequence[Floats]) -> Overall:
        """Return `PatchScores` over all patches: AUC, for one, is not a mean.

        Agreement takes the dense network's classes for the truth.
        """
        before, after = np.array(dense), np.array(pruned)
        agreement = score_patches(before.argmax(axis=1), after).as_dict()
        agreement["changed"] = int((before.argmax(1) != after.argmax(1)).sum())
        overall = {"agreement": agreement}
        for name, shares in (("dense", before), ("pruned", after)):
            scores = self._against_truth(shares)
            if scores is not None:
                overall[name] = scores.as_dict()
        return overall

    def doubts(self, answers: Sequence[Floats]) -> tuple[str, ...]:
        """Return what is to be said of a model with random weights."""
        return () if self.model.trained else (UNTRAINED,)

    def drawn(self, answers: Sequence[Floats]) -> Prediction:
        """Return the patches as instances of the sheet, each with its class."""
        kinds = np.array([int(each.argmax()) + 1 for each in answers], np.int64)
        return Prediction(self.sheet.labels, kinds)

    def against_truth(self, answers: Sequence[Floats]) -> ScoreMap | None:
        """Score a network where classes are known."""
        scores = self._against_truth(np.array(answers))
        return None if scores is None else _by_name(scores)

    def judge(self, dense: Sequence[Floats], pruned: Sequence[Floats]) -> Judgement:
        """Compare both networks patch by patch."""
        before, after = np.array(dense), np.array(pruned)
        old, new = self.drawn(dense), self.drawn(pruned)
        scores = self._against_truth(after)
        agreement = _by_name(score_patches(before.argmax(axis=1), after))
        where, kinds = self._truth.where, self._truth.kinds
        right = (
            after.argmax(1) == before.argmax(1)
            if scores is None
            else after[where].argmax(1) == kinds
        )
        return Judgement(
            scores=None if scores is None else _by_name(scores),
            agreement=agreement,
            changes=nucleus_changes(old.labels, new.labels, old.classes, new.classes),
            intervals=_interval(right),
            patches=self._changes(before, after),
        )

    def describe(self) -> TaskRow:
        """Return the words for patches."""
        return TASKS[self.name]

    def _against_truth(self, shares: Floats) -> PatchScores | None:
        if not self._truth.where.size:
            return None
        return score_patches(self._truth.kinds, shares[self._truth.where])

    def _changes(self, dense: Floats, pruned: Floats) -> tuple[PatchChange, ...]:
        names = class_names(self.model, dense.shape[1])
        return tuple(
            PatchChange(
                tile.name,
                tile.target,
                names[int(before.argmax())],
                names[int(after.argmax())],
                tuple(before.tolist()),
                tuple(after.tolist()),
            )
            for tile, before, after in zip(self.tiles, dense, pruned, strict=True)
        )


def class_names(model: LoadedModel, outputs: int) -> tuple[str, ...]:
    """Return one name for each class; numbers where the model has none of that many.

    Parameters
    ----------
    model
        A classifier.
    outputs
        Number of its classes: two for a network with a single output.
    """
    known = model.spec.classes
    if len(known) == outputs:
        return known
    if outputs == 2:
        return ("negative", "positive")
    return tuple(f"class {number}" for number in range(outputs))


def _read_truth(model: LoadedModel, tiles: Sequence[LabelledTile]) -> _Truth:
    """Number the classes of a folder as a classifier does."""
    if any(tile.labels is not None for tile in tiles):
        raise InputError(
            f"{model.spec.name} classifies whole tiles, but these have label images "
            "of nuclei; give labels.csv or one folder for each class."
        )
    named = [(index, tile.target) for index, tile in enumerate(tiles) if tile.target]
    if not named:
        return _Truth(np.zeros(0, np.int64), np.zeros(0, np.int64))
    classes = class_names(model, max(len(model.spec.classes), 2))
    numbers = class_numbers({kind for _, kind in named}, classes)
    return _Truth(
        np.array([index for index, _ in named]),
        np.array([numbers[kind] for _, kind in named]),
    )


def _single(shares: Floats, kind: int) -> dict[str, float]:
    right = float(int(shares.argmax()) == kind)
    return {"accuracy": right, "confidence": float(shares.max())}


def _by_name(scores: PatchScores) -> dict[str, float]:
    known = scores.as_dict()
    return {row.key: float(known[row.key]) for row in metrics_for("patch")}


def _interval(right: NDArray[np.bool_]) -> dict[str, tuple[float, float]]:
    """Return the 95 % interval of accuracy, by bootstrap over patches."""
    if right.size < _ENOUGH:
        return {}
    draws = np.random.default_rng(0).binomial(right.size, right.mean(), _RESAMPLES)
    low, high = np.percentile(draws / right.size, (2.5, 97.5))
    return {"accuracy": (float(low), float(high))}
