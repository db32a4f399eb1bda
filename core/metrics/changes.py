"""What happened to each nucleus between two maps.

Start with `nucleus_changes`. This is what a score cannot say: *which* nuclei a
smaller model lost, merged, split or renamed, and where they are.
"""

from dataclasses import dataclass, field
from enum import IntEnum
from typing import Any, Literal

import numpy as np
from numpy.typing import NDArray

from core.metrics.classes import types_of
from core.metrics.overlap import Overlap, centroids, overlap

Ints = NDArray[np.int64]
Codes = NDArray[np.uint8]

_MOST = 0.5  # share of a nucleus inside another from which it is swallowed


class Change(IntEnum):
    """Fate of a nucleus; 0 stands for background and unused ids."""

    NONE = 0
    KEPT = 1
    LOST = 2
    NEW = 3
    MERGED = 4
    SPLIT = 5
    RETYPED = 6


Kind = Literal["kept", "lost", "new", "merged", "split", "retyped"]
KINDS: tuple[Kind, ...] = ("kept", "lost", "new", "merged", "split", "retyped")
"""Names of `Change` from 1 on."""


@dataclass(frozen=True, slots=True)
class NucleusChange:
    """One thing that happened.

    Parameters
    ----------
    kind
        What.
    before, after
        Ids in the two maps; a merge has several before, a split several after,
        a loss none after, a new nucleus none before.
    place
        Row and column of the centroid, pixels: of the nucleus that stayed one,
        in the map where it is one (a merge is placed in the second map).
    iou
        Best overlap of any pair of these nuclei, 0 to 1. A lost nucleus with
        an overlap above 0 is still there, but not recognisable.
    before_class, after_class
        Types, 0 when unknown or when there is none.
    before_area, after_area
        Pixels of the nuclei that took part, 0 for none.
    """

    kind: Change
    before: tuple[int, ...]
    after: tuple[int, ...]
    place: tuple[float, float]
    iou: float
    before_class: int = 0
    after_class: int = 0
    before_area: int = 0
    after_area: int = 0


@dataclass(frozen=True, slots=True, eq=False)
class ChangeColumns:
    """The events as columns, one entry each: for lists and drawing.

    Parameters
    ----------
    kind
        int8 (n,), `Change`.
    before_type, after_type
        int16 (n,), 0 for none.
    before_area, after_area
        int64 (n,), pixels of the nuclei that took part.
    iou
        float32 (n,), best overlap, 0 to 1.
    x, y
        float64 (n,), pixels.
    """

    kind: NDArray[np.int8]
    before_type: NDArray[np.int16]
    after_type: NDArray[np.int16]
    before_area: Ints
    after_area: Ints
    iou: NDArray[np.float32]
    x: NDArray[np.float64]
    y: NDArray[np.float64]


@dataclass(frozen=True, slots=True)
class KindCount:
    """How often one thing happened, and to how many nuclei.

    Parameters
    ----------
    events
        How often; a merge of three nuclei happened once.
    nuclei
        Nuclei of the first map that took part; of new ones, those of the second.
    also_kept, also_split
        How many of these nuclei are kept (or retyped) or split as well, and count
        there: the largest part of a merge may still be found.
    """

    events: int
    nuclei: int
    also_kept: int = 0
    also_split: int = 0

    @property
    def alone(self) -> int:
        """Nuclei that count as nothing else; over all kinds they are a partition."""
        return self.nuclei - self.also_kept - self.also_split


@dataclass(frozen=True, slots=True)
class NucleusChanges:
    """Everything that happened between two maps of one tile.

    Parameters
    ----------
    events
        All changes, kept nuclei included, from the top of the tile down.
    before_kind, after_kind
        uint8, `Change` of the nucleus with id ``i + 1`` in the first and in
        the second map. Put a 0 in front and index it with the label map to
        draw a difference overlay.
    """

    events: tuple[NucleusChange, ...]
    before_kind: Codes
    after_kind: Codes
    columns: ChangeColumns = field(init=False, compare=False)

    def __post_init__(self) -> None:
        object.__setattr__(self, "columns", _columns(self.events))

    def count(self, kind: Kind) -> KindCount:
        """Count one kind.

        `KindCount.alone` adds up to `n_before` over all kinds but *new*, which are
        nuclei of the second map only.
        """
        code = KINDS.index(kind) + 1
        events = self.of(Change(code))
        if kind == "new":
            return KindCount(len(events), len(events))
        ids = np.array([i for event in events for i in event.before], np.int64)
        fates = self.before_kind[ids - 1]
        kept = np.isin(fates, (Change.KEPT, Change.RETYPED)) & (fates != code)
        split = (fates == Change.SPLIT) & (fates != code)
        return KindCount(len(events), ids.size, int(kept.sum()), int(split.sum()))

    def places(self, kind: Kind) -> NDArray[np.float64]:
        """Return where the events of one kind are, (n, 2): x and y in pixels."""
        columns = self.columns
        chosen = columns.kind == KINDS.index(kind) + 1
        return np.column_stack([columns.x[chosen], columns.y[chosen]])

    def of(self, kind: Change) -> tuple[NucleusChange, ...]:
        """All events of one kind."""
        return tuple(event for event in self.events if event.kind == kind)

    @property
    def n_before(self) -> int:
        """Nuclei in the first map."""
        return int(np.count_nonzero(self.before_kind))

    @property
    def n_after(self) -> int:
        """Nuclei in the second map."""
        return int(np.count_nonzero(self.after_kind))

    @property
    def still_found(self) -> int:
        """Nuclei of the first map that are there in the second, any type."""
        found = (Change.KEPT, Change.RETYPED)
        return int(np.isin(self.before_kind, found).sum())

    def before_table(self) -> Codes:
        """uint8 (1 + ids,): look-up table for the first label map."""
        return np.concatenate([np.zeros(1, np.uint8), self.before_kind])

    def after_table(self) -> Codes:
        """uint8 (1 + ids,): look-up table for the second label map."""
        return np.concatenate([np.zeros(1, np.uint8), self.after_kind])


@dataclass(frozen=True, slots=True)
class _Maps:
    """What is known of both maps while events are gathered."""

    pairs: Overlap
    places: tuple[NDArray[np.float64], NDArray[np.float64]]
    types: tuple[Ints, Ints]


def nucleus_changes(
    before: NDArray[Any],
    after: NDArray[Any],
    before_classes: NDArray[Any] | None = None,
    after_classes: NDArray[Any] | None = None,
    *,
    threshold: float = 0.5,
) -> NucleusChanges:
    """Follow each nucleus from one map to another.

    A nucleus is *kept* when it has an IoU above ``threshold`` with one of the
    other map, exactly the pairs that panoptic quality counts, and *retyped*
    when that one has another type. Two or more nuclei that each lie mostly
    (over half their area) in one nucleus of the second map are *merged* into
    it; the reverse is a *split*. What is left is *lost*, or *new*.

    Parameters
    ----------
    before, after
        (height, width) label maps, such as dense and pruned or true and
        predicted.
    before_classes, after_classes
        (n,) type of nucleus ``i + 1``, or None. Unknown (0) is never retyped.
    threshold
        IoU, 0.5 to 1.

    Returns
    -------
    changes
        Every nucleus of either map has exactly one kind. In a merge or split
        one part may still be kept, when it is most of the whole.
    """
    pairs = overlap(before, after)
    maps = _Maps(
        pairs,
        (centroids(before)[1], centroids(after)[1]),
        (
            _types(pairs.true_ids, before_classes),
            _types(pairs.pred_ids, after_classes),
        ),
    )
    fate = np.full(len(pairs.true_ids), Change.LOST, np.uint8)
    origin = np.full(len(pairs.pred_ids), Change.NEW, np.uint8)
    inside = pairs.counts > _MOST * pairs.true_areas[pairs.rows]
    holding = pairs.counts > _MOST * pairs.pred_areas[pairs.cols]
    merges = _groups(pairs.cols, inside)
    splits = _groups(pairs.rows, holding)
    for group in merges:
        fate[pairs.rows[group]] = Change.MERGED
        origin[pairs.cols[group]] = Change.MERGED
    for group in splits:
        fate[pairs.rows[group]] = Change.SPLIT
        origin[pairs.cols[group]] = Change.SPLIT
    kept = np.flatnonzero(pairs.ious > max(threshold, 0.5))
    kinds = _kept_kinds(maps, kept)
    fate[pairs.rows[kept]] = kinds
    origin[pairs.cols[kept]] = kinds
    events = [
        *_pair_events(maps, kept, kinds),
        *_single_events(maps, fate, Change.LOST),
        *_single_events(maps, origin, Change.NEW),
        *(_group_event(maps, group, Change.MERGED) for group in merges),
        *(_group_event(maps, group, Change.SPLIT) for group in splits),
    ]
    events.sort(key=lambda event: event.place)
    return NucleusChanges(
        tuple(events), _by_id(pairs.true_ids, fate), _by_id(pairs.pred_ids, origin)
    )


def _types(ids: Ints, classes: NDArray[Any] | None) -> Ints:
    return np.zeros(len(ids), np.int64) if classes is None else types_of(ids, classes)


def _groups(ends: Ints, chosen: NDArray[np.bool_]) -> list[Ints]:
    """Pairs among the chosen that share an end with another one."""
    index = np.flatnonzero(chosen)
    order = index[np.argsort(ends[index], kind="stable")]
    start = np.flatnonzero(np.diff(ends[order], prepend=-1))
    groups = np.split(order, start[1:])
    return [group for group in groups if len(group) > 1]


def _kept_kinds(maps: _Maps, kept: Ints) -> Codes:
    old = maps.types[0][maps.pairs.rows[kept]]
    new = maps.types[1][maps.pairs.cols[kept]]
    retyped = (old != new) & (old > 0) & (new > 0)
    return np.where(retyped, Change.RETYPED, Change.KEPT).astype(np.uint8)


def _pair_events(maps: _Maps, kept: Ints, kinds: Codes) -> list[NucleusChange]:
    pairs, ious = maps.pairs, maps.pairs.ious
    events = []
    for index, kind in zip(kept.tolist(), kinds.tolist(), strict=True):
        row, col = int(pairs.rows[index]), int(pairs.cols[index])
        events.append(
            NucleusChange(
                Change(kind),
                (int(pairs.true_ids[row]),),
                (int(pairs.pred_ids[col]),),
                _place(maps.places[0][row]),
                float(ious[index]),
                int(maps.types[0][row]),
                int(maps.types[1][col]),
                int(pairs.true_areas[row]),
                int(pairs.pred_areas[col]),
            )
        )
    return events


def _single_events(maps: _Maps, codes: Codes, kind: Change) -> list[NucleusChange]:
    """Nuclei without a partner: lost ones of the first map, new of the second."""
    lost = kind == Change.LOST
    pairs = maps.pairs
    ids, ends = (pairs.true_ids, pairs.rows) if lost else (pairs.pred_ids, pairs.cols)
    side = 0 if lost else 1
    best = np.zeros(len(ids))
    np.maximum.at(best, ends, pairs.ious)
    events = []
    for index in np.flatnonzero(codes == kind).tolist():
        own = (int(ids[index]),)
        kinds = int(maps.types[side][index])
        area = int((pairs.true_areas if lost else pairs.pred_areas)[index])
        events.append(
            NucleusChange(
                kind,
                own if lost else (),
                () if lost else own,
                _place(maps.places[side][index]),
                float(best[index]),
                kinds if lost else 0,
                0 if lost else kinds,
                area if lost else 0,
                0 if lost else area,
            )
        )
    return events


def _group_event(maps: _Maps, group: Ints, kind: Change) -> NucleusChange:
    pairs = maps.pairs
    rows, cols = np.unique(pairs.rows[group]), np.unique(pairs.cols[group])
    merged = kind == Change.MERGED
    whole = maps.places[1][cols[0]] if merged else maps.places[0][rows[0]]
    return NucleusChange(
        kind,
        tuple(pairs.true_ids[rows].tolist()),
        tuple(pairs.pred_ids[cols].tolist()),
        _place(whole),
        float(pairs.ious[group].max()),
        int(maps.types[0][rows[0]]),
        int(maps.types[1][cols[0]]),
        int(pairs.true_areas[rows].sum()),
        int(pairs.pred_areas[cols].sum()),
    )


def _columns(events: tuple[NucleusChange, ...]) -> ChangeColumns:
    rows = np.array(
        [
            (e.kind, e.before_class, e.after_class, e.before_area, e.after_area)
            for e in events
        ],
        np.int64,
    ).reshape(-1, 5)
    places = np.array([event.place for event in events], np.float64).reshape(-1, 2)
    return ChangeColumns(
        rows[:, 0].astype(np.int8),
        rows[:, 1].astype(np.int16),
        rows[:, 2].astype(np.int16),
        rows[:, 3],
        rows[:, 4],
        np.array([event.iou for event in events], np.float32),
        places[:, 1],
        places[:, 0],
    )


def _place(place: NDArray[np.float64]) -> tuple[float, float]:
    return float(place[0]), float(place[1])


def _by_id(ids: Ints, codes: Codes) -> Codes:
    out = np.zeros(int(ids[-1]) if len(ids) else 0, np.uint8)
    out[ids - 1] = codes
    return out
