"""How a tile is divided into patches that a network takes."""

from dataclasses import dataclass

from core.nuclei.preprocess import fed_side, margin
from core.types import ModelSpec


@dataclass(frozen=True, slots=True)
class Span:
    """One patch along one axis, in pixels.

    Parameters
    ----------
    feed
        What the network is given.
    keep
        The part of its output that is used, counted from the output's start.
    place
        Where that goes in the tile.
    """

    feed: slice
    keep: slice
    place: slice


def spans(side: int, spec: ModelSpec) -> list[Span]:
    """Divide one axis of a tile into patches whose kept parts tile it exactly.

    Parameters
    ----------
    side
        Height or width of the tile.
    spec
        Its ``window`` is the largest patch and the part of it that is kept.

    Returns
    -------
    list of Span
        ``feed`` is relative to the tile mirrored on as by `to_input`.
    """
    patch, valid = spec.window
    lost = 2 * margin(spec)
    if fed_side(side, spec) <= patch:
        fed = fed_side(side, spec)
        return [Span(slice(0, fed), slice(0, side), slice(0, side))]
    around = (patch - valid) // 2
    cells = -(-(side if lost else side - 2 * around) // valid)
    cell = -(-side // cells) if lost else -(-(side - 2 * around) // cells)
    fed = patch if lost else fed_side(cell + 2 * around, spec)
    found = []
    done = 0
    for number in range(cells):
        last = number == cells - 1
        if lost:
            start, end = done, min(done + valid, side)
        else:
            start = min(number * cell, side - fed)
            end = side if last else start + around + cell
        found.append(
            Span(
                slice(start, start + fed),
                slice(done - start, end - start),
                slice(done, end),
            )
        )
        done = end
    return found
