"""Arrays of ids: what they can be, and what they are taken for.

Label images go wrong in a few ways that no size check finds: masks and class maps
have no instances, resizing with interpolation invents ids, and 8-bit files run out of
numbers. `to_truth` tells these apart.
"""

from typing import Any

import cv2
import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images.labels.truth import MOST_IDS, Numbers, Truth
from core.types import Tile

Int = NDArray[np.int32]

ADVICE = "save the label image as 8-, 16- or 32-bit whole numbers in PNG or TIFF"
_MOST_CLASSES = 12  # a map with more different numbers is no map of classes
_MOST_TYPES = 1000
_PIECE = 6  # pixels; smaller pieces are crumbs of an annotation
_MANY = 0.2  # of all ids: that many in several pieces are no accident
_INVENTED = 0.05  # of border pixels: that many unlike all neighbours are no drawing
_STRUCTURE = np.ones((3, 3), np.uint8)


def as_labels(values: NDArray[Any], name: str) -> Int:
    """Check that an array is an instance map and make it int32.

    Raises
    ------
    InputError
        On more than two axes, fractions, negative numbers, and ids beyond 2^31 - 1.
    """
    if values.ndim == 3 and values.shape[2] == 1:
        values = values[..., 0]
    if values.ndim != 2:
        raise InputError(f"{name} is a colour image, not labels; {ADVICE}.")
    if values.size == 0:
        raise InputError(f"{name} holds no pixels; {ADVICE}.")
    if values.dtype.kind == "f":
        values = _whole(values, name)
    if values.dtype.kind not in "biu":
        raise InputError(
            f"{name} holds {values.dtype} numbers, but labels are whole; {ADVICE}."
        )
    low, high = int(values.min()), int(values.max())
    if low < 0 or high > np.iinfo(np.int32).max:
        raise InputError(
            f"{name} has labels from {low} to {high}; number nuclei from 1 upwards."
        )
    return np.ascontiguousarray(values, dtype=np.int32)


def _whole(values: NDArray[Any], name: str) -> NDArray[np.int64]:
    """Turn floats that are whole numbers into integers."""
    if not np.isfinite(values).all():
        raise InputError(f"{name} holds numbers that are not finite; {ADVICE}.")
    rounded = np.rint(values)
    if not np.array_equal(rounded, values):
        raise InputError(
            f"{name} holds {values.dtype} numbers with fractions, but labels are "
            f"whole; {ADVICE}."
        )
    if abs(rounded).max(initial=0) > 2**53:
        raise InputError(f"{name} holds numbers beyond 2^53; {ADVICE}.")
    whole: NDArray[np.int64] = rounded.astype(np.int64)
    return whole


def to_truth(found: Numbers, name: str) -> Truth:
    """Decide what the numbers of a file are.

    Parameters
    ----------
    found
        As read.
    name
        Named in notes and errors.

    Returns
    -------
    Truth
        Ids as in the file where they are instances. Masks and maps of classes become
        their connected parts, with a note.

    Raises
    ------
    InputError
        When the numbers are none of these.
    """
    labels = as_labels(found.labels, name)
    ids = np.flatnonzero(np.bincount(_dense(labels)[0].ravel()))[1:]
    if not len(ids):
        return Truth(labels, found.classes, found.type_names, found.notes)
    _refuse_invented(labels, name)
    dense, values = _dense(labels)
    pieces = _pieces(dense, len(values))
    several = int(np.count_nonzero(pieces > 1))
    if len(values) == 1 and several:
        return _mask(labels, found, name)
    few = len(values) <= _MOST_CLASSES
    if few and several == len(values) and pieces.mean() >= 3:
        return _class_map(labels, found, name)
    if several > _MANY * len(values) and several > 1:
        return _split(labels, found, f"{name}: {several} of {len(values)} ids")
    classes, names = _classes(labels, found, name)
    return Truth(labels, classes, names, found.notes)


def check_labels(tile: Tile, labels: NDArray[Any]) -> None:
    """Refuse labels that do not lie pixel on pixel over a tile.

    Raises
    ------
    InputError
        Names both sizes.
    """
    tall, wide = tile.pixels.shape[:2]
    if labels.shape == (tall, wide):
        return
    size = " x ".join(str(n) for n in reversed(labels.shape))
    turned = labels.shape == (wide, tall)
    advice = (
        "rows and columns look exchanged: transpose the labels"
        if turned
        else "choose the label image that belongs to this tile"
    )
    raise InputError(
        f"The labels are {size} pixels and the tile is {wide} x {tall}; {advice}."
    )


def describe_fit(tile: Tile, labels: Int) -> tuple[str, ...]:
    """Notes about labels that lie elsewhere than the nuclei of their tile.

    Stained nuclei are darker than what lies around them. Labels that are transposed or
    mirrored against a square tile have the right size, but not that contrast.

    Parameters
    ----------
    tile
        Of the size of the labels.
    labels
        int32 (height, width).
    """
    inside = labels > 0
    share = inside.mean()
    if labels.shape[0] != labels.shape[1] or not 0.01 < share < 0.8:
        return ()
    grey = cv2.cvtColor(tile.pixels, cv2.COLOR_RGB2GRAY).astype(np.float32)
    spread = float(grey.std()) or 1.0

    def contrast(mask: NDArray[np.bool_]) -> float:
        return abs(float(grey[~mask].mean() - grey[mask].mean())) / spread

    own = contrast(inside)
    others = {
        "transposed": inside.T,
        "mirrored": inside[:, ::-1],
        "upside down": inside[::-1],
    }
    best, value = max(
        ((word, contrast(mask)) for word, mask in others.items()),
        key=lambda pair: pair[1],
    )
    if value < 0.6 or own > 0.25 * value:
        return ()
    return (
        f"The labels fit the tile better when {best}: scores are those of labels that "
        "lie beside their nuclei.",
    )


def _dense(labels: Int) -> tuple[Int, NDArray[np.int32]]:
    """Number ids 1..n without gaps; the second array holds the old ids."""
    if labels.max() <= MOST_IDS:
        used = np.flatnonzero(np.bincount(labels.ravel())).astype(np.int32)
        used = used[used > 0]
        table = np.zeros(int(labels.max()) + 1, np.int32)
        table[used] = np.arange(1, len(used) + 1)
        return table[labels], used
    used, places = np.unique(labels, return_inverse=True)
    start = 0 if used[0] > 0 else 1
    dense = places.reshape(labels.shape).astype(np.int32) + (1 - start)
    return dense, used[start:].astype(np.int32)


def _parts(dense: Int) -> tuple[int, Int, NDArray[np.int64], NDArray[np.int64]]:
    """Connected parts of equal ids: their number, map, id of each, and area."""
    from skimage.measure import label as connected

    found = connected(dense, background=0, connectivity=2)  # type: ignore[no-untyped-call]
    parts = found.astype(np.int32)
    count = int(parts.max(initial=0))
    areas = np.bincount(parts.ravel(), minlength=count + 1)[1:]
    ids = np.zeros(count + 1, np.int64)
    ids[parts.ravel()] = dense.ravel()
    return count, parts, ids[1:], areas


def _pieces(dense: Int, count: int) -> NDArray[np.int64]:
    """Number of pieces of each id that are more than crumbs."""
    _, _, ids, areas = _parts(dense)
    return np.bincount(ids[areas >= _PIECE] - 1, minlength=count)


def _refuse_invented(labels: Int, name: str) -> None:
    """Refuse ids that interpolation made up along the borders of nuclei."""
    padded = np.pad(labels, 1)
    same = sum(
        (padded[1 + y : padded.shape[0] - 1 + y, 1 + x : padded.shape[1] - 1 + x]
         == labels).astype(np.int8)
        for y, x in ((0, 1), (1, 0), (0, -1), (-1, 0))
    )  # fmt: skip
    nuclei = labels > 0
    borders = int(np.count_nonzero(nuclei & (same < 4)))
    alone = int(np.count_nonzero(nuclei & (same == 0)))
    solid = int(np.count_nonzero(nuclei & (same == 4)))
    if alone > _INVENTED * borders and alone > 20 and solid > borders // 3:
        raise InputError(
            f"{name} was resized with interpolation: {alone} pixels along the borders "
            "carry numbers of no nucleus. Resize the original with nearest neighbour."
        )


def _mask(labels: Int, found: Numbers, name: str) -> Truth:
    value = int(labels.max())
    count, parts, _, _ = _parts((labels > 0).astype(np.int32))
    note = (
        f"{name} is a mask (0 and {value}), not labels: its {count} connected parts "
        "are taken for nuclei, so nuclei that touch count as one."
    )
    classes = None
    names = found.type_names
    if found.types is not None:
        classes, names = _classes(parts, found, name)
    return Truth(parts, classes, names, (*found.notes, note))


def _class_map(labels: Int, found: Numbers, name: str) -> Truth:
    dense, values = _dense(labels)
    count, parts, ids, _ = _parts(dense)
    note = (
        f"{name} is a map of {len(values)} classes, not labels: its {count} connected "
        "parts are taken for nuclei, so nuclei that touch count as one."
    )
    names = found.type_names or tuple(f"class {value}" for value in values)
    classes = values[ids - 1].astype(np.int64) if found.type_names else ids
    if classes.max(initial=0) > len(names):
        names, classes = tuple(f"class {value}" for value in values), ids
    return Truth(parts, classes, names, (*found.notes, note))


def _split(labels: Int, found: Numbers, what: str) -> Truth:
    dense, values = _dense(labels)
    count, parts, ids, _ = _parts(dense)
    note = (
        f"{what} stand for nuclei in several places: the {count} connected parts are "
        "taken for nuclei."
    )
    classes, names = _classes(labels, found, what)
    if classes is not None and found.types is None:
        classes = classes[values[ids - 1] - 1]
    elif classes is not None:
        classes, names = _classes(parts, found, what)
    return Truth(parts, classes, names, (*found.notes, note))


def _classes(
    labels: Int, found: Numbers, name: str
) -> tuple[NDArray[np.int64] | None, tuple[str, ...]]:
    """Type of each id, and the names of the types."""
    if labels.max(initial=0) > MOST_IDS:
        return None, ()
    if found.classes is not None:
        classes = found.classes
        short = int(labels.max()) - len(classes)
        classes = np.pad(classes, (0, max(short, 0)))
    elif found.types is not None:
        types = as_labels(found.types, name)
        if types.shape != labels.shape or types.max(initial=0) > _MOST_TYPES:
            return None, ()
        classes = _majority(labels, types)
    else:
        return None, ()
    top = int(classes.max(initial=0))
    if top > _MOST_TYPES or classes.min(initial=0) < 0:
        return None, ()
    names = found.type_names
    if top > len(names):
        names = (*names, *(f"type {n}" for n in range(len(names) + 1, top + 1)))
    return classes.astype(np.int64), names


def _majority(labels: Int, types: Int) -> NDArray[np.int64]:
    """Most frequent type among the pixels of each id; 0 where none has one."""
    inside = (labels > 0) & (types > 0)
    size = int(labels.max(initial=0))
    kinds = int(types.max(initial=0)) + 1
    found = np.zeros(size, np.int64)
    pairs = labels[inside].astype(np.int64) * kinds + types[inside]
    keys, counts = np.unique(pairs, return_counts=True)
    order = np.argsort(counts, kind="stable")  # the most frequent is written last
    found[keys[order] // kinds - 1] = keys[order] % kinds
    return found
