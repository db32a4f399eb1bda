"""Nuclei of one patch of a slide, and which of those that it sees are its own.

A patch sees a margin of its neighbours as well, so a nucleus on a border is seen
whole by every patch that it touches. It belongs to the patch that holds its centroid.
"""

from __future__ import annotations

import io
from dataclasses import dataclass
from typing import TYPE_CHECKING, Self

import numpy as np

from core.errors import StoreError
from core.export.outlines import boxes
from core.metrics.overlap import centroids

if TYPE_CHECKING:
    from collections.abc import Callable, Sequence

    from numpy.typing import NDArray

    from core.types import Prediction

_DOUBLE = 0.5  # share of a nucleus that another covers, from which it is the same
_ADOPTED = 0.1  # share up to which nobody has it
_NEAR = 16  # pixels outside of a patch where it takes what its neighbour left


@dataclass(frozen=True, slots=True, eq=False)
class PatchNuclei:
    """Nuclei that belong to one patch.

    Parameters
    ----------
    boxes
        int32 (n, 4): y, x, height and width on the model's grid of the slide.
    classes
        int16 (n,), types, 1-based; 0 when unknown.
    masks
        uint8, the masks row by row as bits, each from a byte of its own.
    """

    boxes: NDArray[np.int32]
    classes: NDArray[np.int16]
    masks: NDArray[np.uint8]

    def __len__(self) -> int:
        return len(self.boxes)

    @classmethod
    def gather(
        cls, found: Sequence[tuple[tuple[int, int], NDArray[np.bool_], int]]
    ) -> Self:
        """Join nuclei: (y, x), bool mask and type of each."""
        boxes_ = [(y, x, *mask.shape) for (y, x), mask, _ in found]
        bits = [np.packbits(mask) for _, mask, _ in found]
        return cls(
            np.array(boxes_, np.int32).reshape(-1, 4),
            np.array([kind for *_, kind in found], np.int16),
            np.concatenate(bits) if bits else np.zeros(0, np.uint8),
        )

    def each_mask(self) -> list[NDArray[np.bool_]]:
        """Bool mask of each nucleus, as large as its box."""
        found, start = [], 0
        for height, width in self.boxes[:, 2:].tolist():
            count = height * width
            stop = start + -(-count // 8)
            bits = np.unpackbits(self.masks[start:stop], count=count)
            found.append(bits.reshape(height, width).astype(np.bool_))
            start = stop
        return found

    def counts(self, types: int) -> list[int]:
        """Nuclei of type 0 (unknown) to `types`."""
        found: list[int] = np.bincount(self.classes, minlength=types + 1).tolist()
        return found

    def to_bytes(self) -> bytes:
        """Pack for a log; nothing but numbers."""
        file = io.BytesIO()
        np.savez_compressed(
            file, boxes=self.boxes, classes=self.classes, masks=self.masks
        )
        return file.getvalue()

    @classmethod
    def from_bytes(cls, data: bytes) -> Self:
        """Read what `to_bytes` wrote.

        Raises
        ------
        StoreError
            When it is damaged.
        """
        try:
            with np.load(io.BytesIO(data), allow_pickle=False) as found:
                return cls(found["boxes"], found["classes"], found["masks"])
        except (OSError, ValueError, KeyError, EOFError) as error:
            raise StoreError(
                f"A patch of this run cannot be read ({error}); delete its folder and "
                "run the slide again."
            ) from error


def paint(
    target: NDArray[np.bool_] | NDArray[np.uint32],
    nuclei: PatchNuclei,
    values: Sequence[int] | Sequence[bool],
    corner: tuple[int, int],
    step: int = 1,
) -> None:
    """Paint nuclei into a part of the slide.

    Parameters
    ----------
    target
        (height, width), changed.
    nuclei
        Whose masks.
    values
        One for each nucleus; 0 leaves it out.
    corner
        y and x of the part, multiples of `step`.
    step
        Every how manieth pixel of the slide the part shows.
    """
    tall, wide = target.shape
    spots = nuclei.boxes.tolist()
    for (y, x, *_), mask, value in zip(spots, nuclei.each_mask(), values, strict=True):
        if not value:
            continue
        top, left = -(-(y - corner[0]) // step), -(-(x - corner[1]) // step)
        near = mask[top * step + corner[0] - y :: step]
        shown = near[:, left * step + corner[1] - x :: step]
        above, before = max(-top, 0), max(-left, 0)
        shown = shown[above : max(tall - top, 0), before : max(wide - left, 0)]
        if shown.size:
            height, width = shown.shape
            part = target[top + above :, left + before :][:height, :width]
            part[shown] = value


def claim(
    seen: Prediction,
    corner: tuple[int, int],
    core: tuple[slice, slice],
    taken: NDArray[np.bool_],
    is_decided: Callable[[float, float], bool],
) -> PatchNuclei:
    """Choose the nuclei of a patch among those that it sees.

    Parts of one slide that overlap show the same nuclei, but for clumps that reach
    over what a patch sees. Such a nucleus is neither taken twice nor left by both:
    what is covered by a nucleus of an earlier patch is a double, and what lies just
    inside an earlier patch without being covered is taken here.

    Parameters
    ----------
    seen
        Nuclei of the patch and its margin.
    corner
        y and x of the first pixel seen.
    core
        Rows and columns of the patch itself on the slide.
    taken
        bool, as large as what is seen: pixels of nuclei of earlier patches.
    is_decided
        Whether all nuclei with their centroid at y, x have been chosen.
    """
    labels = seen.labels
    ids, places = centroids(labels)
    if not len(ids):
        return PatchNuclei.gather(())
    rows, columns = places[:, 0] + corner[0], places[:, 1] + corner[1]
    top, left = (span.start for span in core)
    bottom, right = (span.stop for span in core)
    beyond = [top - rows, rows - bottom, left - columns, columns - right]
    outside = np.maximum.reduce(beyond)
    inside = (rows >= top) & (rows < bottom) & (columns >= left) & (columns < right)
    areas = np.bincount(labels.ravel(), minlength=seen.count + 1)[1:]
    covered = np.bincount(labels[taken], minlength=seen.count + 1)[1:] / areas
    found = []
    for number, box_rows, box_columns in boxes(labels):
        index = number - 1
        if inside[index]:
            chosen = covered[index] <= _DOUBLE
        else:
            chosen = (
                outside[index] < _NEAR
                and covered[index] <= _ADOPTED
                and not _touches_edge(box_rows, box_columns, labels.shape)
                and is_decided(float(rows[index]), float(columns[index]))
            )
        if not chosen:
            continue
        part = (box_rows, box_columns)
        mask = (labels[part] == number) & ~taken[part]
        kind = 0 if seen.classes is None else int(seen.classes[index])
        place = box_rows.start + corner[0], box_columns.start + corner[1]
        found.append((place, mask, kind))
    return PatchNuclei.gather(found)


def _touches_edge(rows: slice, columns: slice, shape: tuple[int, ...]) -> bool:
    sides = ((rows, shape[0]), (columns, shape[1]))
    return any(side.start == 0 or side.stop == whole for side, whole in sides)
