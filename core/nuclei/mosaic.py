"""The maps of one tile, patch by patch in any order: what is looked at comes first.

However they are ordered, patches are the same, so the joined maps are, too. A part that
is looked at can be had before its patches are, by one pass over just that part: see
`Mosaic.preview`.

To read this file, start from `Mosaic`.
"""

import numpy as np
from numpy.typing import NDArray

from core.job import Job
from core.nuclei.outputs import Maps, cut, forward
from core.nuclei.preprocess import Model, fed_side, margin, pixels_to_input, to_input
from core.nuclei.spans import spans
from core.rects import Rect, crop_rect, overlaps
from core.stopping import stoppable
from core.types import Tile

HALO = 32
"""Pixels around a part that a preview sees; a patch sees half of what its window is
wider than the part of it that is kept."""

_LARGEST = 2.0  # windows, of a part that is still seen in one pass
_WORTH = 1.3  # times faster than its patches that a preview must be


class Mosaic:
    """A network's maps of one tile, as far as they are known.

    Parameters
    ----------
    model
        The network and its spec.
    tile
        At the model's pixel size.
    """

    def __init__(self, model: Model, tile: Tile) -> None:
        self.model, self.tile = model, tile
        height, width = tile.pixels.shape[:2]
        self.size = width, height
        rows, columns = (spans(side, model.spec) for side in (height, width))
        self._spans = [(row, column) for row in rows for column in columns]
        self.cells: list[Rect] = [
            (c.place.start, r.place.start, _length(c.place), _length(r.place))
            for r, c in self._spans
        ]
        self._middles = np.array([(x + w / 2, y + h / 2) for x, y, w, h in self.cells])
        self._left = np.ones(len(self.cells), bool)
        self._previews: list[Rect] = []
        self.maps: Maps = {}

    @property
    def total(self) -> int:
        """Number of patches."""
        return len(self.cells)

    @property
    def finished(self) -> int:
        """Number of patches that are done."""
        return self.total - int(self._left.sum())

    @property
    def complete(self) -> bool:
        """Whether all patches are done."""
        return not self._left.any()

    @property
    def done(self) -> tuple[Rect, ...]:
        """What is known, in pixels of the tile that the network sees."""
        patches = [self.cells[k] for k in np.flatnonzero(~self._left)]
        return (*patches, *self._previews)

    def has(self, cell: int) -> bool:
        """Return whether a patch is done."""
        return not self._left[cell]

    def find_next(self, seen: Rect | None, only: Rect | None = None) -> int | None:
        """Return the patch to do next: the nearest to the middle of what is seen.

        Parameters
        ----------
        seen
            None for the whole tile.
        only
            Patches that do not overlap this are left out.

        Returns
        -------
        int or None
            None when nothing is left to do.
        """
        x, y, width, height = seen or (0, 0, *self.size)
        away = self._middles - (x + width / 2, y + height / 2)
        far = np.square(away).sum(axis=1)
        for cell in np.argsort(far, kind="stable"):
            if self._left[cell] and (only is None or overlaps(self.cells[cell], only)):
                return int(cell)
        return None

    def add(self, cell: int, job: Job | None = None) -> None:
        """Let the network see one patch.

        Raises
        ------
        Cancelled
            Within a layer of the network, when the job was cancelled.
        """
        model = self.model
        with stoppable(model.module, job):
            if self.total == 1:
                shape = self.size[1], self.size[0]
                inputs = to_input(model, self.tile)
                self.maps = forward(model.module, model.spec, inputs, shape)
            else:
                row, column = self._spans[cell]
                around = margin(model.spec)
                pixels = take_pixels(
                    self.tile.pixels,
                    (row.feed.start - around, row.feed.stop - around),
                    (column.feed.start - around, column.feed.stop - around),
                )
                inputs = pixels_to_input(pixels, model)
                found = forward(model.module, model.spec, inputs)
                self._put(cut(found, (row.keep, column.keep)), self.cells[cell])
        self._left[cell] = False

    def _put(self, found: Maps, place: Rect) -> None:
        x, y, width, height = place
        for name, values in found.items():
            if name not in self.maps:
                shape = (*values.shape[:-2], self.size[1], self.size[0])
                self.maps[name] = np.zeros(shape, values.dtype)
            self.maps[name][..., y : y + height, x : x + width] = values

    def previews(self, part: Rect) -> bool:
        """Return whether a part is had faster by one pass over it than by patches."""
        side = self.model.spec.window[0] ** 2
        width, height = (fed_side(n + 2 * HALO, self.model.spec) for n in part[2:])
        if width * height > _LARGEST * side:
            return False
        own = [k for k, cell in enumerate(self.cells) if overlaps(cell, part)]
        needed = sum(self._fed(k) for k in own if self._left[k])
        return width * height * _WORTH < needed

    def _fed(self, cell: int) -> int:
        """Return how many pixels the network is given for a patch."""
        row, column = self._spans[cell]
        return _length(row.feed) * _length(column.feed)

    def preview(self, part: Rect, job: Job | None = None) -> Maps:
        """Return maps of a part of the tile, by one pass over just that part.

        They are nearly, not exactly, those of the joined patches, because the network
        sees `HALO` pixels around the part and not as many as around a patch. Patches
        that are done keep their values; others are exact when they have been done.

        Returns
        -------
        dict
            Maps of the part's height and width.
        """
        x, y, width, height = part = crop_rect(part, self.size)
        spec, (across, down) = self.model.spec, self.size
        rows, columns = (
            _find_feed(y, height, down, self),
            _find_feed(x, width, across, self),
        )
        pixels = take_pixels(self.tile.pixels, rows, columns)
        inputs = pixels_to_input(pixels, self.model)
        with stoppable(self.model.module, job):
            found = forward(self.model.module, spec, inputs)
        around = margin(spec)
        top, left = y - rows[0] - around, x - columns[0] - around
        own = cut(found, (slice(top, top + height), slice(left, left + width)))
        return self._with_patches(own, part)

    def _with_patches(self, own: Maps, part: Rect) -> Maps:
        """Return maps of a part with the values of the patches that are done."""
        known = [self.cells[k] for k in np.flatnonzero(~self._left)]
        known = [cell for cell in known if overlaps(cell, part)]
        kept: Maps = {name: values.copy() for name, values in own.items()}
        for x, y, width, height in known:
            top, left = max(y, part[1]), max(x, part[0])
            rows = slice(top, min(y + height, part[1] + part[3]))
            columns = slice(left, min(x + width, part[0] + part[2]))
            here = (
                slice(rows.start - part[1], rows.stop - part[1]),
                slice(columns.start - part[0], columns.stop - part[0]),
            )
            for name, values in kept.items():
                values[(..., *here)] = self.maps[name][(..., rows, columns)]
        return kept

    def restore(self, maps: Maps) -> None:
        """Take over the maps of the whole tile, as they were found before."""
        self.maps = maps
        self._left[:] = False

    def keep(self, maps: Maps, part: Rect) -> None:
        """Take over the maps of a preview until its patches are done."""
        if self.total > 1:
            self._put(maps, part)
            self._previews = [part]

    def read(self, box: Rect) -> Maps:
        """Return the maps of a rectangle; 0 where nothing is known. No copy."""
        x, y, width, height = box
        return cut(self.maps, (slice(y, y + height), slice(x, x + width)))


def _find_feed(start: int, length: int, side: int, mosaic: Mosaic) -> tuple[int, int]:
    """Return from where to where the network sees one axis of a part.

    It begins where the network's own grid of strides begins a step, so that a preview
    of a tile that is seen in one pass has the values of that pass.
    """
    spec = mosaic.model.spec
    around = margin(spec)
    if around:
        # what is fed is wider by what is lost, and that is halo enough
        fed = fed_side(length, spec)
        return start - around, start - around + fed
    low = max(start - HALO, 0) // spec.stride * spec.stride
    high = min(start + length + HALO, side)
    return low, low + fed_side(high - low, spec)


def take_pixels(
    pixels: NDArray[np.uint8], rows: tuple[int, int], columns: tuple[int, int]
) -> NDArray[np.uint8]:
    """Return pixels of a tile that is mirrored on over its edges.

    Parameters
    ----------
    pixels
        uint8 (height, width, 3).
    rows, columns
        First one, and the one behind the last; may lie outside of the tile.
    """
    height, width = pixels.shape[:2]
    if rows[0] >= 0 and columns[0] >= 0 and rows[1] <= height and columns[1] <= width:
        return pixels[rows[0] : rows[1], columns[0] : columns[1]]
    down, across = _mirror(rows, height), _mirror(columns, width)
    return pixels.take(down, axis=0).take(across, axis=1)


def _mirror(ends: tuple[int, int], side: int) -> NDArray[np.intp]:
    """Return places mirrored into a side, its first and last pixel not repeated."""
    places = np.arange(*ends)
    if side == 1:
        return np.zeros(len(places), np.intp)
    period = 2 * (side - 1)
    places = np.abs(places) % period
    return np.minimum(places, period - places).astype(np.intp)


def _length(one: slice) -> int:
    return int(one.stop - one.start)
