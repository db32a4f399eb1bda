"""COCO: annotations of many pictures in one JSON, as polygons or run lengths."""

from __future__ import annotations

from pathlib import PurePath
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError
from core.images.labels.outlines import draw
from core.images.labels.truth import Outline, Truth
from core.images.limits import check_size
from core.images.names import same_name

if TYPE_CHECKING:
    from collections.abc import Mapping

    from numpy.typing import NDArray

    from core.images.labels.truth import Frame


def read_coco(found: Mapping[str, Any], frame: Frame, name: str) -> Truth:
    """Read the annotations of one picture.

    Parameters
    ----------
    found
        The file's content.
    frame
        Its name chooses the picture where the file describes several.
    name
        Of the file, for errors.

    Raises
    ------
    InputError
        When the file does not describe the tile.
    """
    picture = _picture(found["images"], frame, name)
    titles = {c["id"]: str(c["name"]) for c in found.get("categories") or ()}
    chosen = [a for a in found["annotations"] if a["image_id"] == picture["id"]]
    kinds = [titles.get(each.get("category_id"), "") for each in chosen]
    if len(titles) == 1:
        kinds = [""] * len(chosen)  # one class of all is no type
    shapes = [each.get("segmentation") for each in chosen]
    if any(isinstance(shape, dict) for shape in shapes):
        return _from_masks(shapes, kinds, picture, name)
    rings = [
        tuple(np.asarray(part, np.float64).reshape(-1, 2) for part in shape or ())
        for shape in shapes
    ]
    outlines = [
        Outline(parts, kind) for parts, kind in zip(rings, kinds, strict=True) if parts
    ]
    return draw(outlines, frame, name)


def _picture(pictures: Any, frame: Frame, name: str) -> Mapping[str, Any]:
    stems = [
        PurePath(str(each.get("file_name", "")).replace("\\", "/")).stem
        for each in pictures
    ]
    for form in (str, str.casefold):  # the case of letters counts where it tells
        for each, stem in zip(pictures, stems, strict=True):
            if frame.name and same_name(form(stem), form(frame.name)):
                return dict(each)
    if len(pictures) == 1:
        return dict(pictures[0])
    raise InputError(
        f"{name} describes {len(pictures)} pictures, none of them called "
        f"{frame.name or 'like the tile'}; choose the file that belongs to the tile."
    )


def _from_masks(
    shapes: list[Any], kinds: list[str], picture: Mapping[str, Any], name: str
) -> Truth:
    """Draw run-length masks, and polygons between them."""
    size = int(picture["width"]), int(picture["height"])
    check_size(size, name, "export a smaller picture")
    labels = np.zeros(size[::-1], np.int32)
    names = tuple(sorted(set(filter(None, kinds))))
    for number, shape in enumerate(shapes, start=1):
        if isinstance(shape, dict):
            mask = run_length_mask(shape["counts"], size)
        else:
            from core.images.labels.truth import Frame

            parts = tuple(np.asarray(p, np.float64).reshape(-1, 2) for p in shape or ())
            mask = draw([Outline(parts)], Frame(size), name).labels > 0
        labels[mask] = number
    classes = np.array([names.index(k) + 1 if k else 0 for k in kinds], np.int64)
    return Truth(labels, classes if names else None, names)


def run_length_mask(
    counts: list[int] | str, size: tuple[int, int]
) -> NDArray[np.bool_]:
    """Decode COCO's run lengths: zeros and ones in turn, column by column.

    Parameters
    ----------
    counts
        Lengths, or the text that pycocotools packs them into.
    size
        (width, height).

    Raises
    ------
    ValueError
        When the lengths do not add up to the picture.
    """
    lengths = _unpacked(counts) if isinstance(counts, str) else counts
    runs = np.asarray(lengths, np.int64)
    if (runs < 0).any() or runs.sum() != size[0] * size[1]:
        raise ValueError("run lengths do not add up to the picture")
    values = np.arange(len(runs)) % 2 == 1
    return np.repeat(values, runs).reshape(size).T


def _unpacked(text: str) -> list[int]:
    """Read lengths of 5 bits a letter; from the third on they are differences."""
    lengths: list[int] = []
    at = 0
    while at < len(text):
        value, shift, more = 0, 0, True
        while more:
            letter = ord(text[at]) - 48
            value |= (letter & 0x1F) << shift
            more = bool(letter & 0x20)
            at, shift = at + 1, shift + 5
            if not more and letter & 0x10:
                value |= -1 << shift
        if len(lengths) > 2:
            value += lengths[-2]
        lengths.append(value)
    return lengths
