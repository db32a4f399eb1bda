"""The whole way of a tile, from file to picture, and why it is not faster."""

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from app.cli.arguments import Arguments
from app.cli.summary import ratio_words
from app.rendering.overlay import Colours, compose, label_pyramid, picture_pyramid
from app.text import format as text
from core.job import Job
from core.results import LayerStep

if TYPE_CHECKING:
    from core.benchmark import Bench, WholeWay
    from core.latency import Comparison, EndToEnd
    from core.types import Tile

_SLOWEST = 5  # layers that are named
_SAID = 2  # layers whose next width is named


def timed_way(asked: Arguments, bench: "Bench", job: Job) -> "WholeWay":
    """Time both networks from file to picture."""
    from core.benchmark import whole_way

    model = bench.prunable.model
    pruned, _ = bench.pruned(asked.request, job)
    return whole_way(model, pruned, _reader(asked, bench), _draw, job)


def way_of(
    asked: Arguments, bench: "Bench", timed: "Comparison", way: "WholeWay"
) -> dict[str, Any]:
    """Explain the whole way.

    Returns
    -------
    dict
        ``end_to_end_ms`` by stage for both models, with speed-up, interval and verdict
        from paired runs; ``why`` the
        pruned network is not faster, if it is not; ``slowest_layers`` of it;
        ``layers``: milliseconds of each, dense and pruned, and the next lower width
        that this computer computes well, with what it would save.
    """
    from core.benchmark import explain

    model, share = bench.prunable.model, way.dense.network_share
    pruned, plan = bench.pruned(asked.request)
    reasons, layers = explain(model, pruned, bench.tile, timed, share)
    said = way.timed.summary()
    slowest = sorted(layers, key=lambda each: -each.ms)[:_SLOWEST]
    return {
        "end_to_end_ms": {
            **{name: said[name] for name in ("speedup", "interval", "verdict")},
            "dense": _stages(way.dense),
            "pruned": _stages(way.pruned),
        },
        "why": list(reasons),
        "slowest_layers": [
            {"name": each.name, "share": each.share, "channels": each.channels}
            for each in slowest
        ],
        "layers": [
            {
                "name": each.name,
                "ms": {"dense": each.dense_ms, "pruned": each.left_ms},
                "channels": each.kept,
                "lower": each.lower or None,
                "saves_ms": each.saves_ms,
            }
            for each in bench.prunable.layer_steps(plan)
        ],
    }


def way_lines(result: Mapping[str, Any]) -> list[str]:
    """Return the whole way for people."""
    way = result["end_to_end_ms"]
    parts = ", ".join(
        f"{name} {text.milliseconds(ms)}"
        for name, ms in way["pruned"].items()
        if name != "total"
    )
    dense = text.milliseconds(way["dense"]["total"])
    return [
        f"whole way   {dense} dense, {ratio_words(way)} (pruned: {parts})",
        *(f"why         {reason}" for reason in result["why"]),
        *_step_lines(result["layers"]),
    ]


def _step_lines(layers: list[dict[str, Any]]) -> list[str]:
    """Return the layers in which one step less would save most, two at most."""
    best = sorted(read_steps(layers), key=lambda step: -step.saves_ms)[:_SAID]
    return [f"{step.name:<11} {step.words}" for step in best if step.words]


def read_steps(layers: list[dict[str, Any]]) -> tuple[LayerStep, ...]:
    """Return ``layers`` of `way_of` as values again."""
    return tuple(
        LayerStep(e["name"], e["ms"]["dense"], e["ms"]["pruned"], e["channels"],
                  e["lower"] or 0, e["saves_ms"])
        for e in layers
    )  # fmt: skip


def _stages(way: "EndToEnd") -> dict[str, float]:
    return {**{str(name): ms for name, ms in way.ms.items()}, "total": way.total}


def _reader(asked: Arguments, bench: "Bench") -> "Callable[[], Tile]":
    """Return what reads the tile from its file; samples are not in one."""
    from core.images.opening import read_picture

    if asked.source.kind == "sample":
        return lambda: bench.tile
    return lambda: read_picture(asked.source)


def _draw(tile: "Tile", labels: NDArray[np.int32]) -> None:
    """Paint what a pane shows: the tile, and an outline around each nucleus."""
    picture_pyramid(tile.pixels)
    line = np.full(int(labels.max(initial=0)) + 1, 0xFFFFFFFF, np.uint32)
    line[0] = 0
    nothing = np.zeros_like(line)
    compose(label_pyramid(labels)[0], Colours(line, nothing, nothing))
