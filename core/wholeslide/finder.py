"""Nuclei of a slide, patch by patch, as the maps around each patch come in."""

from __future__ import annotations

import time
from collections import OrderedDict
from typing import TYPE_CHECKING, Any, Generic, TypeVar

import numpy as np

from core.metrics import nucleus_changes
from core.metrics.changes import KINDS, Change
from core.metrics.overlap import centroids
from core.nuclei.postprocess import instances
from core.wholeslide.nuclei import PatchNuclei, claim, paint

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from core.nuclei import Maps
    from core.types import ModelSpec, Prediction
    from core.wholeslide.grid import SlideGrid
    from core.wholeslide.log import SlideLog

HALO = 64
"""Pixels that a patch sees of its neighbours; most nuclei are less than 60 wide."""

_MAPS_KEPT = 24  # patches; about 2 MB each and model
_NUCLEI_KEPT = 1024  # patches; about 10 kB each

_T = TypeVar("_T")


class _Recent(Generic[_T]):
    """The last few values, and a way to find older ones."""

    def __init__(self, most: int, load: Callable[[int], _T]) -> None:
        self._kept: OrderedDict[int, _T] = OrderedDict()
        self._most = most
        self._load = load

    def put(self, number: int, value: _T) -> None:
        self._kept[number] = value
        self._kept.move_to_end(number)
        while len(self._kept) > self._most:
            self._kept.popitem(last=False)

    def get(self, number: int) -> _T:
        if number not in self._kept:
            self.put(number, self._load(number))
        return self._kept[number]


class NucleusFinder:
    """Turns maps of patches into nuclei, always in the order of the patches.

    Parameters
    ----------
    grid
        Where patches lie.
    tissue
        bool (rows, columns), patches that are looked at.
    specs
        Of one model, or of the dense and the pruned one.
    log
        Keeps what is found.
    """

    def __init__(
        self,
        grid: SlideGrid,
        tissue: NDArray[np.bool_],
        specs: Sequence[ModelSpec],
        log: SlideLog,
    ) -> None:
        self._grid, self._specs, self._log = grid, specs, log
        self._tissue = tissue.ravel()
        self._seen = set(log.patches())
        finished = {number for number, _ in log.facts()}
        wanted = np.flatnonzero(self._tissue).tolist()
        self._waiting = [number for number in wanted if number not in finished]
        self._maps: _Recent[list[Maps]] = _Recent(_MAPS_KEPT, log.maps)
        self._nuclei: _Recent[list[PatchNuclei]] = _Recent(
            _NUCLEI_KEPT,
            lambda number: [log.nuclei(number, n) for n in range(len(specs))],
        )

    def add(self, number: int, maps: list[Maps]) -> None:
        """Take the maps of a patch that is in the log, and find what they complete."""
        self._seen.add(number)
        self._maps.put(number, maps)
        self.advance()

    def advance(self) -> None:
        """Find the nuclei of all patches whose neighbours have been seen."""
        done = 0
        for number in self._waiting:
            around = self._grid.neighbours(number, HALO)
            if any(self._tissue[n] and n not in self._seen for n in around):
                break
            self._find(number, [n for n in around if self._tissue[n]])
            done += 1
        del self._waiting[:done]

    def _find(self, number: int, around: list[int]) -> None:
        start = time.perf_counter()
        row, column = (span.place for span in self._grid.spans(number))
        window = tuple(
            # from an even pixel: the watershed tells even from odd ones
            slice(max(place.start - HALO, 0) // 2 * 2, min(place.stop + HALO, side))
            for place, side in zip((row, column), self._grid.size[::-1], strict=True)
        )
        corner = window[0].start, window[1].start
        seen = [
            instances(self._view(window, around, n), spec)
            for n, spec in enumerate(self._specs)
        ]
        own = [
            claim(each, corner, (row, column), self._taken(window, number, n),
                  lambda y, x: self._is_decided(y, x, number))
            for n, each in enumerate(seen)
        ]  # fmt: skip
        facts = {
            "area": self._grid.area(number),
            "counts": [
                each.counts(len(spec.classes))
                for each, spec in zip(own, self._specs, strict=True)
            ],
            "changes": _count_changes(seen, corner, (row, column)),
        }
        facts["seconds"] = time.perf_counter() - start
        self._nuclei.put(number, own)
        self._log.add_found(number, facts, own, self._served(number))

    def _view(self, window: tuple[slice, ...], around: list[int], model: int) -> Maps:
        """Join the maps of patches to those of a part of the slide."""
        view: Maps = {}
        shape = tuple(side.stop - side.start for side in window)
        for number in around:
            places = [span.place for span in self._grid.spans(number)]
            part: list[Any] = [...]
            own: list[Any] = [...]
            for place, side in zip(places, window, strict=True):
                low, high = max(place.start, side.start), min(place.stop, side.stop)
                part.append(slice(low - side.start, max(high, low) - side.start))
                own.append(slice(low - place.start, max(high, low) - place.start))
            for name, array in self._maps.get(number)[model].items():
                if name not in view:
                    view[name] = np.zeros((*array.shape[:-2], *shape), array.dtype)
                view[name][tuple(part)] = array[tuple(own)]
        return view

    def _taken(
        self, window: tuple[slice, ...], number: int, model: int
    ) -> NDArray[np.bool_]:
        """Pixels of nuclei of earlier patches."""
        taken = np.zeros([side.stop - side.start for side in window], np.bool_)
        corner = window[0].start, window[1].start
        for other in self._grid.neighbours(number, 2 * HALO):
            if other < number and self._tissue[other]:
                nuclei = self._nuclei.get(other)[model]
                paint(taken, nuclei, [True] * len(nuclei), corner)
        return taken

    def _is_decided(self, y: float, x: float, number: int) -> bool:
        """Whether nuclei at a place belong to an earlier patch, or to none."""
        lines = (self._grid.rows, y), (self._grid.columns, x)
        row, column = (
            next(n for n, span in enumerate(line) if at < span.place.stop)
            for line, at in lines
        )
        other = row * len(self._grid.columns) + column
        return other < number or not self._tissue[other]

    def _served(self, number: int) -> list[int]:
        """Patches whose maps no later patch will look at."""
        return [
            other
            for other in self._grid.neighbours(number, HALO)
            if self._tissue[other]
            and all(
                n <= number or not self._tissue[n]
                for n in self._grid.neighbours(other, HALO)
            )
        ]


def _count_changes(
    seen: Sequence[Prediction], corner: tuple[int, int], core: tuple[slice, slice]
) -> dict[str, int]:
    """Count what became of the nuclei with their centroid in a patch.

    Every nucleus of the dense model counts once, and *new* ones of the pruned model.
    """
    if len(seen) < 2:
        return {}
    dense, pruned = seen
    found = nucleus_changes(dense.labels, pruned.labels, dense.classes, pruned.classes)
    before = found.before_kind[_inside(dense, corner, core)]
    after = found.after_kind[_inside(pruned, corner, core)]
    counts = np.bincount(before, minlength=len(KINDS) + 1)
    named = {str(kind): int(counts[n]) for n, kind in enumerate(KINDS, start=1)}
    return named | {"new": int(np.count_nonzero(after == Change.NEW))}


def _inside(
    found: Prediction, corner: tuple[int, int], core: tuple[slice, slice]
) -> NDArray[np.bool_]:
    _, places = centroids(found.labels)
    inside = np.ones(len(places), np.bool_)
    for axis in (0, 1):
        at = places[:, axis] + corner[axis]
        inside &= (at >= core[axis].start) & (at < core[axis].stop)
    return inside
