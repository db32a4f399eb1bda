"""The fate of each nucleus between two maps, and the damage it adds up to."""

import math

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from core.metrics import (
    KINDS,
    Change,
    damage_by_type,
    nucleus_changes,
    score_instances,
)


def draw(*boxes):
    labels = np.zeros((60, 80), np.int32)
    for number, top, left, tall, wide in boxes:
        labels[top : top + tall, left : left + wide] = number
    return labels


def test_one_of_each():
    before = draw(
        (1, 2, 2, 10, 10),  # kept
        (2, 2, 20, 10, 10),  # lost
        (3, 2, 40, 10, 10), (4, 2, 50, 10, 10),  # merged
        (5, 20, 2, 10, 20),  # split
        (6, 20, 40, 10, 10),  # another type
    )  # fmt: skip
    after = draw(
        (9, 2, 3, 10, 10),
        (1, 2, 40, 10, 20),
        (2, 20, 2, 10, 10), (3, 20, 12, 10, 10),
        (4, 20, 40, 10, 10),
        (5, 40, 5, 10, 10),  # new
    )  # fmt: skip
    before_classes = np.array([1, 1, 1, 1, 1, 1])
    after_classes = np.array([1, 1, 1, 2, 1, 1, 1, 1, 1])
    changes = nucleus_changes(before, after, before_classes, after_classes)
    kept, lost, new = Change.KEPT, Change.LOST, Change.NEW
    merged, split, retyped = Change.MERGED, Change.SPLIT, Change.RETYPED
    assert changes.before_kind.tolist() == [kept, lost, merged, merged, split, retyped]
    assert changes.after_kind.tolist() == [
        merged, split, split, retyped, new, 0, 0, 0, kept,
    ]  # fmt: skip
    assert (changes.n_before, changes.n_after, changes.still_found) == (6, 6, 2)

    (event,) = changes.of(kept)
    assert (event.before, event.after) == ((1,), (9,))
    assert event.iou == pytest.approx(90 / 110)
    assert event.place == (6.5, 6.5)
    (event,) = changes.of(lost)
    assert (event.before, event.after, event.iou) == ((2,), (), 0)
    (event,) = changes.of(new)
    assert (event.before, event.after, event.place) == ((), (5,), (44.5, 9.5))
    (event,) = changes.of(merged)
    assert (event.before, event.after, event.place) == ((3, 4), (1,), (6.5, 49.5))
    (event,) = changes.of(split)
    assert (event.before, event.after) == ((5,), (2, 3))
    (event,) = changes.of(retyped)
    assert (event.before_class, event.after_class) == (1, 2)
    places = [event.place for event in changes.events]
    assert places == sorted(places)


def test_shrunken_nucleus_is_lost_but_its_overlap_is_told():
    changes = nucleus_changes(draw((1, 0, 0, 10, 10)), draw((1, 0, 0, 10, 4)))
    (lost,), (new,) = changes.of(Change.LOST), changes.of(Change.NEW)
    assert lost.iou == new.iou == pytest.approx(0.4)


def test_small_neighbour_swallowed_by_a_kept_nucleus():
    before = draw((1, 0, 0, 20, 20), (2, 0, 20, 20, 4))
    changes = nucleus_changes(before, draw((1, 0, 0, 20, 24)))
    assert changes.before_kind.tolist() == [Change.KEPT, Change.MERGED]
    (event,) = changes.of(Change.MERGED)
    assert event.before == (1, 2)


def test_tables_paint_a_difference():
    before = draw((3, 0, 0, 10, 10), (7, 20, 20, 10, 10))
    changes = nucleus_changes(before, draw((1, 0, 0, 10, 10)))
    painted = changes.before_table()[before]
    assert (painted[0:10, 0:10] == Change.KEPT).all()
    assert (painted[20:30, 20:30] == Change.LOST).all()
    assert np.count_nonzero(painted) == 200
    assert changes.after_table().tolist() == [0, Change.KEPT]


def test_unknown_types_do_not_change():
    labels = draw((1, 0, 0, 10, 10))
    changes = nucleus_changes(labels, labels, np.array([0]), np.array([2]))
    assert changes.before_kind.tolist() == [Change.KEPT]


def test_empty_maps():
    empty, some = draw(), draw((2, 0, 0, 5, 5))
    assert nucleus_changes(empty, empty).events == ()
    assert nucleus_changes(some, empty).before_kind.tolist() == [0, Change.LOST]
    assert nucleus_changes(empty, some).after_kind.tolist() == [0, Change.NEW]


@settings(max_examples=100, deadline=None)
@given(st.integers(0, 2**32 - 1))
def test_every_nucleus_has_one_fate(seed):
    rng = np.random.default_rng(seed)

    def blobs():
        boxes = []
        for number in range(1, rng.integers(2, 14)):
            top, left = rng.integers(0, 50), rng.integers(0, 70)
            boxes.append((number, top, left, *rng.integers(2, 25, 2)))
        return draw(*boxes)

    before, after = blobs(), blobs()
    changes = nucleus_changes(before, after)
    scores = score_instances(before, after)
    assert changes.n_before == scores.n_true
    assert changes.n_after == scores.n_pred
    assert changes.still_found == scores.hits
    present = np.unique(before[before > 0]) - 1
    assert (changes.before_kind[present] > 0).all()
    named = {i for event in changes.events for i in event.before}
    assert named == set(present + 1)
    fates = {kind: changes.count(kind) for kind in KINDS}
    new = fates.pop("new")
    assert sum(count.alone for count in fates.values()) == changes.n_before
    assert new.alone == (changes.after_kind == Change.NEW).sum()
    for kind, count in fates.items():
        code = Change[kind.upper()]
        assert count.alone == (changes.before_kind == code).sum()
        assert count.events == len(changes.of(code)) == len(changes.places(kind))
        members = [i for event in changes.of(code) for i in event.before]
        assert count.nuclei == len(members) == len(set(members))
    back = nucleus_changes(after, before)
    assert back.still_found == changes.still_found
    assert len(back.of(Change.LOST)) == len(changes.of(Change.NEW))
    assert len(back.of(Change.SPLIT)) == len(changes.of(Change.MERGED))


def test_damage_by_type_puts_the_worst_first():
    before = draw((1, 0, 0, 9, 9), (2, 0, 20, 9, 9), (3, 0, 40, 9, 9), (4, 20, 0, 9, 9))
    after = draw((1, 0, 0, 9, 9), (2, 0, 20, 9, 9))
    classes = np.array([1, 2, 2, 1])
    changes = nucleus_changes(before, after, classes, np.array([1, 2]))
    both = damage_by_type([changes, changes], [classes, classes], 3)
    assert [each.kind for each in both] == [1, 2, 3]
    assert (both[0].before, both[0].kept, both[0].lost) == (4, 2, 2)
    assert both[0].share_kept == 0.5
    assert math.isnan(both[2].share_kept)
    for each in both:
        fates = each.kept + each.retyped + each.lost + each.merged + each.split
        assert fates == each.before
