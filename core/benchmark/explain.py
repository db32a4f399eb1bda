"""What a user gains: the whole way of a tile, why it is not more, what breaks first.

To read this file, start from `whole_way`, `explain` and `branches`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from time import monotonic, perf_counter
from typing import TYPE_CHECKING

import numpy as np

from core.job import Job
from core.latency import (
    Comparison,
    EndToEnd,
    LayerTime,
    StageClock,
    TimingSettings,
    compare_times,
    profile_layers,
    why_not_faster,
)
from core.latency.sampling import Watch, take_blocks
from core.metrics import BranchScores, score_branches
from core.nuclei import (
    Maps,
    instances,
    maps_to_tile_grid,
    raw_maps,
    to_input,
    to_model_grid,
    to_tile_grid,
)

if TYPE_CHECKING:
    from collections.abc import Callable

    from numpy.typing import NDArray
    from torch import nn

    from core.models import LoadedModel
    from core.types import Tile

    Draw = Callable[[Tile, NDArray[np.int32]], object]

_FOREGROUND = 0.5  # probability
WHOLE_WAY = TimingSettings(seconds=4.0, precision=0.02, confidence=0.98)
"""How long the way of a tile is timed."""
_SIDE = 256  # of the part that layers are timed on: shares hardly depend on it


@dataclass(frozen=True, slots=True)
class WholeWay:
    """From the file to the picture, dense beside pruned.

    Parameters
    ----------
    dense, pruned
        Median milliseconds by stage, by the clock on the wall.
    timed
        All stages together, measured in turns: paired ratios, their interval and the
        verdict, as of the network alone.
    dense_maps, pruned_maps
        Raw outputs on the way, on the tile's pixels; see `core.nuclei.raw_maps`.
    """

    dense: EndToEnd
    pruned: EndToEnd
    timed: Comparison
    dense_maps: Maps
    pruned_maps: Maps


def whole_way(
    model: LoadedModel,
    pruned: nn.Module,
    read: Callable[[], Tile],
    draw: Draw,
    job: Job | None = None,
    *,
    settings: TimingSettings = WHOLE_WAY,
) -> WholeWay:
    """Time reading, network, instances and drawing, both networks in turns.

    Parameters
    ----------
    model, pruned
        The dense model, and its pruned network.
    read
        Reads the tile anew.
    draw
        Makes the picture of a tile and its nuclei, int32 (height, width).
    job
        Progress and cancel.
    settings
        How long to measure: at least `TimingSettings.min_blocks` blocks of four runs,
        unless these take four times as long. Threads are those of this process.

    Raises
    ------
    Cancelled
        When the job was cancelled.
    """
    job = job or Job()
    sides = (model, replace(model, module=pruned))
    clocks, maps = (StageClock(), StageClock()), [Maps(), Maps()]
    at = [0, settings.min_blocks]
    shapes: list[tuple[int, int]] = []

    def step(done: int, total: int) -> None:
        at[:] = done, total

    def run(side: int) -> float:
        job.step(at[0], at[1], "timing from file to picture")
        clock, start = clocks[side], perf_counter()
        with clock.stage("read"):
            tile = read()
        shape = tile.pixels.shape[0], tile.pixels.shape[1]
        shapes.append(shape)
        with clock.stage("network"):
            maps[side] = raw_maps(sides[side], to_model_grid(tile, model.spec))
        with clock.stage("instances"):
            found = to_tile_grid(instances(maps[side], model.spec), shape)
        with clock.stage("draw"):
            draw(tile, found.labels)
        return (perf_counter() - start) * 1e3

    start = monotonic()
    times = take_blocks(
        lambda: run(0),
        lambda: run(1),
        settings,
        Watch(monotonic, step),
        start + settings.seconds,
    )
    timed = compare_times(*times, settings.confidence, seconds=monotonic() - start)
    own = [maps_to_tile_grid(each, shapes[-1]) for each in maps]
    return WholeWay(clocks[0].result(), clocks[1].result(), timed, *own)


def explain(
    model: LoadedModel,
    pruned: nn.Module,
    tile: Tile,
    timed: Comparison,
    network_share: float | None = None,
) -> tuple[tuple[str, ...], tuple[LayerTime, ...]]:
    """Say why a pruned network is not faster, and where its time goes.

    Parameters
    ----------
    model, pruned
        The dense model, and its pruned network, in evaluation mode.
    tile
        A part of it is what the layers are timed on.
    timed
        The comparison of the two.
    network_share
        Share of the network in the whole way, 0 to 1, where it is known.

    Returns
    -------
    reasons
        Sentences, most telling first; empty when it is clearly faster.
    layers
        Of the pruned network, in the order they run.
    """
    tile = to_model_grid(tile, model.spec)
    side = min(_SIDE, *tile.pixels.shape[:2])
    part = np.ascontiguousarray(tile.pixels[:side, :side])
    example = to_input(model, replace(tile, pixels=part))
    layers = profile_layers(pruned, example, repeats=2)
    return why_not_faster(timed, layers, network_share=network_share), layers


def branches(
    dense: Maps, pruned: Maps, labels: NDArray[np.int32] | None = None
) -> dict[str, BranchScores]:
    """Score the outputs that nuclei are made of, before any are made.

    Parameters
    ----------
    dense, pruned
        Raw outputs of both networks on one tile.
    labels
        Ground truth, int32 (height, width), or None.

    Returns
    -------
    scores
        ``agreement`` of pruned with dense, a distance (or HV) map included; with
        ground truth ``dense`` and ``pruned``, foreground only.
    """
    shape = next((key for key in ("dist", "hv") if key in dense), "")
    # where the dense network sees foreground is what the pruned one is held to
    seen = (dense["np"] >= _FOREGROUND).astype(np.uint8)
    forms = (dense[shape], pruned[shape]) if shape else ()
    found = {"agreement": score_branches(seen, pruned["np"], *forms)}
    if labels is not None:
        found["dense"] = score_branches(labels, dense["np"])
        found["pruned"] = score_branches(labels, pruned["np"])
    return found
