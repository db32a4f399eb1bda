"""Nuclei: a network's maps become instances, which are scored by overlap.

To read this file, start from `NucleiTask.predict`.
"""

from __future__ import annotations

from contextlib import contextmanager
from dataclasses import dataclass, field, replace
from time import perf_counter
from typing import TYPE_CHECKING

from core.benchmark.sanity import describe_doubt, find_signs
from core.benchmark.tasks.pooled import pooled_scores
from core.benchmark.tasks.protocol import Judgement
from core.errors import InputError
from core.metrics import (
    nucleus_changes,
    overlap,
    score_instances,
    score_intervals,
    score_overlap,
)
from core.nuclei import (
    instances,
    maps_to_tile_grid,
    raw_maps,
    to_model_grid,
    to_tile_grid,
)
from core.nuclei.quantised import moved, quantised
from core.store import Overall, TileResult
from core.tables import TASKS, TaskRow
from core.types import Prediction

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping, Sequence

    import numpy as np
    from numpy.typing import NDArray
    from torch import nn

    from core.job import Job
    from core.metrics import Scores
    from core.models import LoadedModel
    from core.nuclei import Maps
    from core.results import ScoreMap
    from core.tables.metrics import TaskName
    from core.types import LabelledTile, ModelSpec, Tile


_MOST_KEPT = 16_000_000  # pixels of a tile whose raw outputs are kept


@dataclass(frozen=True, slots=True)
class NucleiAnswer:
    """What a network finds in one tile.

    Parameters
    ----------
    prediction
        Instances.
    maps
        Raw outputs in 8 bits, see `core.nuclei.quantised`; empty unless kept.
    raw
        Raw outputs as they are, at the model's pixel size; empty unless kept.
    """

    prediction: Prediction
    maps: Mapping[str, NDArray[np.uint8]] = field(default_factory=dict)
    raw: Maps = field(default_factory=dict)


UNTRAINED = (
    "This model has random weights, it was never trained: its nuclei and scores mean "
    "nothing. Use it to time a network, or to try the program."
)


class NucleiTask:
    """Finds nuclei in tiles.

    Parameters
    ----------
    model
        Dense.
    tiles
        At least one.
    keep_maps
        Whether raw outputs are kept for drawing; worth it for a single tile.

    Raises
    ------
    InputError
        When tiles have tissue classes, or labels of another size.
    """

    name: TaskName = "nuclei"

    def __init__(
        self,
        model: LoadedModel,
        tiles: Sequence[LabelledTile],
        *,
        keep_maps: bool = False,
    ) -> None:
        self.model, self.tiles = model, tuple(tiles)
        self._keeps_maps = keep_maps
        self._seen: Tile | None = None  # the only tile at the model's pixel size
        for each in self.tiles:
            _check(model, each)

    @property
    def picture(self) -> Tile:
        """The first tile."""
        return self.tiles[0].tile

    def predict(
        self,
        module: nn.Module,
        index: int,
        job: Job | None = None,
        seconds: dict[str, float] | None = None,
    ) -> NucleiAnswer:
        """Run a network over a tile and read nuclei from its maps.

        The network sees the tile at its own pixel size; the answer lies on the
        tile's pixels.
        """
        tile = self.seen_by_model(index)
        seconds = {} if seconds is None else seconds
        with timed(seconds, "network"):
            maps = raw_maps(replace(self.model, module=module), tile, job)
        return self.read(maps, index, seconds)

    def read(self, maps: Maps, index: int, seconds: dict[str, float]) -> NucleiAnswer:
        """Read nuclei from the maps of a whole tile; see `predict`."""
        spec, (height, width) = self.model.spec, self.tiles[index].tile.pixels.shape[:2]
        with timed(seconds, "maps"):
            own = (height, width)
            kept = quantised(maps_to_tile_grid(maps, own)) if self._keeps_maps else {}
        with timed(seconds, "instances"):
            found = to_tile_grid(instances(maps, spec), own)
        whole = self._keeps_maps and height * width <= _MOST_KEPT
        return NucleiAnswer(found, kept, maps if whole else {})

    def read_again(
        self, answer: NucleiAnswer, index: int, spec: ModelSpec
    ) -> NucleiAnswer | None:
        """Find the nuclei of a tile with other thresholds, without the network.

        Parameters
        ----------
        answer
            From `predict`.
        index
            Of the tile.
        spec
            With the thresholds that are wanted; its reader is that of the answer.

        Returns
        -------
        NucleiAnswer or None
            None when raw outputs were not kept.
        """
        if not answer.raw or spec.reader != self.model.spec.reader:
            return None
        height, width = self.tiles[index].tile.pixels.shape[:2]
        found = to_tile_grid(instances(answer.raw, spec), (height, width))
        return replace(answer, prediction=found)

    def seen_by_model(self, index: int) -> Tile:
        """Return a tile at the model's pixel size; that of the only one is kept."""
        if len(self.tiles) > 1:
            return to_model_grid(self.tiles[index].tile, self.model.spec)
        if self._seen is None:
            self._seen = to_model_grid(self.tiles[0].tile, self.model.spec)
        return self._seen

    def compare(
        self, index: int, dense: NucleiAnswer, pruned: NucleiAnswer
    ) -> TileResult:
        """Score one tile by the overlap of its nuclei."""
        tile = self.tiles[index]
        before, after = dense.prediction, pruned.prediction
        agreement = score_instances(
            before.labels, after.labels, types=(before.classes, after.classes)
        )
        sides = [_scores(tile, found) for found in (before, after)]
        known = [None if each is None else each.as_dict() for each in sides]
        return TileResult(tile.name, known[0], known[1], agreement.as_dict())

    def aggregate(
        self, dense: Sequence[NucleiAnswer], pruned: Sequence[NucleiAnswer]
    ) -> Overall:
        """Return what is pooled over tiles; other scores are means over them.

        Detection by centroid, mPQ+ and, of several tiles, R2 of the number of nuclei;
        for agreement, the dense network's nuclei are taken for the truth. A side is
        left out when no tile has ground truth.
        """
        before, after = ([each.prediction for each in side] for side in (dense, pruned))
        overall = {"agreement": pooled_scores(list(zip(before, after, strict=True)))}
        for name, side in (("dense", before), ("pruned", after)):
            pairs = [
                (Prediction(tile.labels, tile.classes), found)
                for tile, found in zip(self.tiles, side, strict=True)
                if tile.labels is not None
            ]
            if pairs:
                overall[name] = pooled_scores(pairs)
        return overall

    def doubts(self, answers: Sequence[NucleiAnswer]) -> tuple[str, ...]:
        """Return why the first tile may be unlike what the dense model knows.

        Of a model with random weights only that is said.
        """
        if not self.model.trained:
            return (UNTRAINED,)
        said = describe_doubt(find_signs(answers[0].prediction, answers[0].maps))
        return (said,) if said else ()

    def drawn(self, answers: Sequence[NucleiAnswer]) -> Prediction:
        """Return the nuclei of the first tile."""
        return answers[0].prediction

    def against_truth(self, answers: Sequence[NucleiAnswer]) -> ScoreMap | None:
        """Score the first tile."""
        found = _scores(self.tiles[0], answers[0].prediction)
        return None if found is None else found.by_name()

    def judge(
        self, dense: Sequence[NucleiAnswer], pruned: Sequence[NucleiAnswer]
    ) -> Judgement:
        """Compare both networks on the first tile; overlaps are counted once."""
        tile = self.tiles[0]
        truth = None if tile.labels is None else Prediction(tile.labels, tile.classes)
        return compare_answers(dense[0], pruned[0], truth)

    def describe(self) -> TaskRow:
        """Return the words for nuclei."""
        return TASKS[self.name]


def score_part(found: Prediction, truth: Prediction | None) -> ScoreMap | None:
    """Score nuclei of a part of a tile; None without ground truth."""
    if truth is None:
        return None
    types = truth.classes, found.classes
    return score_instances(truth.labels, found.labels, types=types).by_name()


def compare_answers(
    dense: NucleiAnswer, pruned: NucleiAnswer, truth: Prediction | None
) -> Judgement:
    """Compare two networks on the same pixels; overlaps are counted once.

    Parameters
    ----------
    dense, pruned
        Of one size.
    truth
        Of the same size, or None without ground truth.
    """
    before, after = dense.prediction, pruned.prediction
    pairs = overlap(before.labels, after.labels)
    types = before.classes, after.classes
    agreement = score_overlap(pairs, types=types).by_name()
    scores = None
    if truth is not None:
        pairs = overlap(truth.labels, after.labels)
        scores = score_overlap(pairs, types=(truth.classes, after.classes)).by_name()
    changes = nucleus_changes(
        before.labels, after.labels, before.classes, after.classes
    )
    return Judgement(
        scores=scores,
        agreement=agreement,
        changes=changes,
        intervals=score_intervals(pairs),
        moved=moved(dense.maps, pruned.maps),
    )


@contextmanager
def timed(seconds: dict[str, float], stage: str) -> Iterator[None]:
    """Add the duration of a stage to those that are known."""
    start = perf_counter()
    yield
    seconds[stage] = seconds.get(stage, 0.0) + perf_counter() - start


def _scores(tile: LabelledTile, found: Prediction) -> Scores | None:
    if tile.labels is None:
        return None
    types = tile.classes, found.classes
    return score_instances(tile.labels, found.labels, types=types)


def _check(model: LoadedModel, each: LabelledTile) -> None:
    if each.target:
        raise InputError(
            f"{model.spec.name} finds nuclei, but these tiles have tissue classes; "
            "give a folder with label images in labels/, or without any."
        )
    labels = each.labels
    if labels is not None and labels.shape != each.tile.pixels.shape[:2]:
        height, width = each.tile.pixels.shape[:2]
        raise InputError(
            f"The label image is {labels.shape[1]}x{labels.shape[0]} and the tile "
            f"{width}x{height}: pass the labels of this tile."
        )
