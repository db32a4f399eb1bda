"""Where the blocks and arcs of a network's drawing go: numbers only, no painting.

A network goes down to its smallest resolution and up again, so a U-Net is a U:
across, layers stand in the order they run; down, by how often their resolution
was halved. Branches that serve one output lie above each other on the right.
A network of one resolution is a row.

To read this file, start from `arrange`.
"""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import QRectF

from core.results import Layer

_WIDEST_STEP = 30.0  # pixels from one block to the next
_THINNEST = 3.0  # pixels, of a block
_TALLEST = 0.46  # of the height; the rest shows how deep a layer is
_TALLEST_IN_ROW = 0.95


@dataclass(frozen=True, slots=True)
class Drawing:
    """A network arranged in a box.

    Parameters
    ----------
    blocks
        One for each layer, as high as the square root of its width.
    paths
        Pairs of places: what a layer reads right before it.
    skips
        Pairs of places: what a layer reads from further back.
    lanes
        Name and band of each branch.
    """

    blocks: tuple[QRectF, ...] = ()
    paths: tuple[tuple[int, int], ...] = ()
    skips: tuple[tuple[int, int], ...] = ()
    lanes: tuple[tuple[str, QRectF], ...] = ()


def arrange(layers: Sequence[Layer], box: QRectF) -> Drawing:
    """Place layers in a box.

    Parameters
    ----------
    layers
        In the order they run.
    box
        Where they may be, in pixels.
    """
    if not layers:
        return Drawing()
    lanes: dict[int, list[int]] = {}
    for index, layer in enumerate(layers):
        lanes.setdefault(layer.lane, []).append(index)
    trunk = lanes.pop(0, [])
    columns = len(trunk) + max(map(len, lanes.values()), default=0)
    step = min(box.width() / columns, _WIDEST_STEP)
    left = box.left() + (box.width() - step * columns) / 2
    blocks = [QRectF()] * len(layers)
    widest = max(layer.width for layer in layers)
    row = QRectF(left, box.top(), step * len(trunk), box.height())
    _fill(blocks, layers, trunk, row, step, widest)
    bands = []
    high = box.height() / max(len(lanes), 1)
    for number, lane in enumerate(sorted(lanes)):
        members = lanes[lane]
        band = QRectF(
            left + step * len(trunk),
            box.top() + number * high,
            step * len(members),
            high,
        )
        inner = band.adjusted(0, min(3.0, high / 8), 0, -min(3.0, high / 8))
        _fill(blocks, layers, members, inner, step, widest)
        bands.append((_lane_name([layers[index].name for index in members]), band))
    return Drawing(tuple(blocks), *_wires(layers), tuple(bands))


def _fill(
    blocks: list[QRectF],
    layers: Sequence[Layer],
    members: Sequence[int],
    area: QRectF,
    step: float,
    widest: int,
) -> None:
    """Place some layers in an area, the least halved ones at its top."""
    levels = [layers[index].level for index in members]
    low, deep = min(levels, default=0), max(levels, default=0)
    share = _TALLEST if deep > low else _TALLEST_IN_ROW
    heights = {
        index: max(
            area.height() * share * math.sqrt(layers[index].width / widest), _THINNEST
        )
        for index in members
    }
    top, bottom = (
        max((heights[i] for i in members if layers[i].level == level), default=0) / 2
        for level in (low, deep)
    )
    for column, index in enumerate(members):
        depth = (layers[index].level - low) / (deep - low) if deep > low else 0.5
        middle = area.top() + top + depth * (area.height() - top - bottom)
        if deep == low:
            middle = area.center().y()
        blocks[index] = QRectF(
            area.left() + column * step,
            middle - heights[index] / 2,
            max(step - 2.0, 1.5),
            heights[index],
        )


def _wires(
    layers: Sequence[Layer],
) -> tuple[tuple[tuple[int, int], ...], tuple[tuple[int, int], ...]]:
    """Return what is read right before a layer, and what from further back."""
    places = {layer.name: index for index, layer in enumerate(layers)}
    paths, skips = [], []
    for index, layer in enumerate(layers):
        sources = sorted(places[name] for name in layer.reads if name in places)
        if sources:
            paths.append((sources[-1], index))
            skips += [(source, index) for source in sources[:-1]]
    return tuple(paths), tuple(skips)


def _lane_name(names: Sequence[str]) -> str:
    """Return what the names of a branch have in common, in one word."""
    parts = [name.split(".") for name in names]
    common = []
    for column in zip(*parts, strict=False):
        if len(set(column)) > 1:
            break
        common.append(column[0])
    return common[-1] if common else ""
