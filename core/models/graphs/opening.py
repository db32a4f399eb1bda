"""From a file with a graph to a network and what must be known to use it.

A graph says little of how it is fed and what its outputs mean; what it does not say
is found out by running it: which sizes it takes, what shapes and values come out.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import torch

from core.errors import ModelError
from core.models.graphs.network import GraphNetwork
from core.models.outputs import choose_reader
from core.models.specs import spec_from_json
from core.types import ModelSpec

if TYPE_CHECKING:
    from collections.abc import Sequence
    from pathlib import Path

    from core.models.graphs.file import GraphFile
    from core.models.loaded import Found

ARCHITECTURE = "graph"
_STRIDES = (8, 16, 32, 64)
_MOST_SIDE = 4096


def describe_graph(file: GraphFile, path: Path) -> Found:
    """Return the description of a network, and its weights.

    Raises
    ------
    ModelError
        When it takes no picture, or does not run on one.
    """
    channels, last = _channels(file.shape, path)
    sides = file.shape[1:3] if last else file.shape[2:]
    example = _example(file, channels, last)
    graph = file.builder.finish(file.outputs, example)
    network = _on_meta(graph)
    network.check_growth()
    config: dict[str, Any] = {"graph": graph}
    config |= {"channels": channels} if channels != 3 else {}
    config |= {"last": True} if last else {}
    own = _own_spec(file, config)
    if own is not None:
        return own, file.builder.state
    cut = _without_padding(network)
    sizes = cut or _sizes(network, channels, last, sides)
    spec = ModelSpec(
        name=path.stem,
        task="nuclei",
        architecture=ARCHITECTURE,
        config=config,
        stride=sizes[0],
        window=sizes[1],
        reader="hv" if cut else "mask",
        input_range=(0.0, 255.0) if _takes_bytes(file) else (0.0, 1.0),
    )
    return choose_reader(spec, file.builder.state), file.builder.state


def _channels(shape: Sequence[int], path: Path) -> tuple[int, bool]:
    """Return channels of the input, and whether they come last."""
    if len(shape) == 4 and shape[1] in {1, 3}:
        return shape[1], False
    if len(shape) == 4 and shape[3] in {1, 3}:
        return shape[3], True
    if len(shape) == 4 and shape[1] == 0:
        return 3, False
    raise ModelError(
        f"{path.name} takes an input of shape {[s or 'any' for s in shape]}; a network "
        "that is opened here takes pictures of 1 or 3 channels"
    )


def _example(file: GraphFile, channels: int, last: bool) -> list[int]:
    """Return a shape that the file says the network takes."""
    sides = file.shape[1:3] if last else file.shape[2:]
    height, width = (side or 256 for side in sides)
    return [1, height, width, channels] if last else [1, channels, height, width]


def _on_meta(graph: dict[str, Any]) -> GraphNetwork:
    with torch.device("meta"):
        return GraphNetwork(graph).eval()


def _sizes(
    network: GraphNetwork, channels: int, last: bool, sides: Sequence[int]
) -> tuple[int, tuple[int, int]]:
    """Return the step of sizes that a network takes, and its window.

    A network that takes one size only has that for both.
    """
    for stride in _STRIDES:
        if all(
            _keeps_size(network, channels, last, side)
            for side in ((5 * stride, 3 * stride), (4 * stride, 7 * stride))
        ):
            side = max(512 // stride * stride, stride)
            return max(stride, 16), (side, side - 64)
    height, width = sides
    if not height or height != width or height > _MOST_SIDE:
        raise ModelError(
            "the graph takes no picture whose sides are multiples of 64 pixels, and no "
            "square one; export it with free height and width"
        )
    if not _keeps_size(network, channels, last, (height, width)):
        raise ModelError(
            "the graph gives no map of the size of its picture; a network that is "
            "opened here gives a value for each pixel, or one for each class"
        )
    return height, (height, height - height // 8 // 2 * 2)


def _without_padding(network: GraphNetwork) -> tuple[int, tuple[int, int]] | None:
    """Return step and window of a HoVer-Net, whose outputs lack a border."""
    for side, step in ((256, 8), (270, 2)):
        try:
            shapes = [network.shapes_for([1, 3, s, s]) for s in (side, side + 8)]
        except ModelError:
            continue
        kept = [found["hv"][-1] if "hv" in found else 0 for found in shapes]
        if 0 < kept[0] < side and kept[1] == kept[0] + 8:
            return step, (side, kept[0])
    return None


def _keeps_size(
    network: GraphNetwork, channels: int, last: bool, side: tuple[int, int]
) -> bool:
    """Whether the network runs on a size and gives as much, or one value a class."""
    shape = [1, *side, channels] if last else [1, channels, *side]
    try:
        found = network.shapes_for(shape)
    except ModelError:
        return False
    first, last_side = (1, 3) if last else (2, 4)
    return all(
        len(each) == 2 or tuple(each[first:last_side]) in {side, (1, 1)}
        for each in found.values()
    )


def _takes_bytes(file: GraphFile) -> bool:
    """Whether a graph itself brings pixels of 0 to 255 to its range."""
    name = file.builder.input_name
    first = [n for n in file.builder.nodes if name in n["inputs"]]
    scaled = any(
        n["op"] in {"Div", "Mul"} and _is_bytes(file, n["inputs"]) for n in first
    )
    return file.whole or scaled


def _is_bytes(file: GraphFile, names: Sequence[str]) -> bool:
    for name in names:
        value = file.builder.known.get(name)
        if value is not None and getattr(value, "size", 0) == 1:
            number = abs(float(value.item()))
            return number > 100 or 0 < number < 0.01
    return False


def _own_spec(file: GraphFile, config: dict[str, Any]) -> ModelSpec | None:
    """Return the description that an export of this program carries."""
    values = file.about.get("spec")
    if not isinstance(values, dict):
        return None
    spec = spec_from_json(values | {"config": {}})
    return replace(spec, architecture=ARCHITECTURE, config=config)
