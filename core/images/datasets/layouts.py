"""How public data sets lie on a disk: one row for each way.

To read this file, start from `find_layout`.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.images.datasets.pairs import (
    IMAGE_FOLDERS,
    LABEL_FOLDERS,
    Entry,
    beside_each_other,
    images_in,
    labels_in,
    match,
    subfolder,
)

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

_SPLITS = ("train", "training", "test", "testing", "valid", "val", "validation")
_DEEP = 4
_MOST_FOLDERS = 20_000


@dataclass(frozen=True, slots=True)
class Layout:
    """One way in which pictures and ground truth lie in folders.

    Parameters
    ----------
    title
        Data sets that come so.
    example
        Where things lie, for the guide.
    find
        Returns the entries of a folder, nothing when it lies otherwise.
    """

    title: str
    example: str
    find: Callable[[Path], list[Entry]]


@dataclass(frozen=True, slots=True)
class Dataset:
    """A folder that was recognised.

    Parameters
    ----------
    layout
        As what.
    entries
        Its tiles.
    """

    layout: Layout
    entries: tuple[Entry, ...]

    def describe(self) -> str:
        """One line that says as what the folder is read."""
        known = sum(entry.label is not None for entry in self.entries)
        return (
            f"Read as {self.layout.title} ({self.layout.example}): "
            f"{len(self.entries)} tiles, {known} with ground truth."
        )


def find_layout(folder: Path) -> Dataset | None:
    """Recognise the layout of a folder.

    Parameters
    ----------
    folder
        Of a data set as it is downloaded, or of one split of it.

    Returns
    -------
    Dataset or None
        None when it lies in no known way.

    Raises
    ------
    InputError
        When it does, but files do not fit each other.
    """
    for layout in LAYOUTS:
        entries = layout.find(folder)
        if entries:
            return Dataset(layout, tuple(entries))
    return None


def _folders(folder: Path, depth: int = _DEEP) -> Iterator[Path]:
    """A folder and those inside it, down to a depth; hidden ones are left out."""
    seen: set[Path] = set()
    waiting = [(folder, 0)]
    while waiting:
        place, level = waiting.pop()
        real = place.resolve()
        if real in seen:  # a link to a folder around it, or to one of these
            continue
        seen.add(real)
        if len(seen) > _MOST_FOLDERS:
            raise InputError(f"{folder} holds too many folders; name one inside it.")
        yield place
        if level < depth:
            inside = sorted((p for p in place.iterdir() if p.is_dir()), reverse=True)
            waiting += [(p, level + 1) for p in inside if not p.name.startswith(".")]


def _named(entries: list[Entry], folder: Path) -> list[Entry]:
    """Make names unique by the folders that the pictures lie in."""
    names = [entry.name for entry in entries]
    if len(set(names)) == len(names):
        return entries
    found = []
    for entry in entries:
        inside = entry.image.relative_to(folder).with_suffix("").as_posix()
        name = inside if entry.index is None else f"{inside} {entry.index + 1}"
        found.append(Entry(name, entry.image, entry.label, entry.index, entry.target))
    return found


def _dsb(folder: Path) -> list[Entry]:
    found = []
    for place in _folders(folder, 2):
        for each in sorted(p for p in place.iterdir() if p.is_dir()):
            masks, pictures = subfolder(each, ("masks",)), subfolder(each, ("images",))
            images = images_in(pictures) if pictures else []
            if len(images) == 1 and masks and images[0].stem == each.name:
                found.append(Entry(each.name, images[0], masks))
        if found:
            return found
    return found


def _arrays(folder: Path, label_name: str) -> list[Entry]:
    """Pairs of arrays: one of pictures, one of ground truth."""
    images, labels = (
        sorted(
            file
            for place in _folders(folder)
            for file in place.iterdir()
            if file.name.lower() == name
        )
        for name in ("images.npy", label_name)
    )
    if not images or len(images) != len(labels):
        return []
    found = []
    for number, (image, label) in enumerate(zip(images, labels, strict=True), start=1):
        counts = [len(np.load(file, mmap_mode="r", allow_pickle=False))
                  for file in (image, label)]  # fmt: skip
        if counts[0] < counts[1]:
            raise InputError(
                f"{image.name} holds {counts[0]} pictures and {label.name} the labels "
                f"of {counts[1]}; choose files that belong together."
            )
        before = f"fold {number} " if len(images) > 1 else ""
        found += [
            Entry(f"{before}{n + 1:04}", image, label if n < counts[1] else None, n)
            for n in range(counts[0])
        ]
    return found


def _pannuke(folder: Path) -> list[Entry]:
    return _arrays(folder, "masks.npy")


def _conic(folder: Path) -> list[Entry]:
    return _arrays(folder, "labels.npy")


def _tnbc(folder: Path) -> list[Entry]:
    found: list[Entry] = []
    for outer in _folders(folder, 1):
        for place in sorted(outer.iterdir()):
            number = place.name.lower().removeprefix("slide_")
            if place.is_dir() and number != place.name.lower():
                truth = subfolder(outer, (f"gt_{number}",))
                labels = labels_in(truth) if truth else []
                found += match(images_in(place), labels)[0]
        if found:
            return found
    return found


def _paired(folder: Path) -> list[Entry]:
    """Folders of pictures and of ground truth side by side, here or in each split."""
    found: list[Entry] = []
    for place in _folders(folder, 2):
        pictures = subfolder(place, IMAGE_FOLDERS)
        if pictures is None:
            continue
        if not images_in(pictures):
            found += _in_splits(place, pictures)
            continue
        entries, orphans = _best_labels(place, images_in(pictures))
        if orphans and all(entry.label is None for entry in entries):
            raise InputError(
                f"{len(orphans)} label files have no tile, {orphans[0].name} for one; "
                "give both the same name."
            )
        found += entries
    labelled = [entry for entry in found if entry.label is not None]
    return _named(found, folder) if labelled else []


def _in_splits(place: Path, pictures: Path) -> list[Entry]:
    """Match ``images/train`` with ``labels/train``, and so on."""
    found: list[Entry] = []
    for name in LABEL_FOLDERS:
        truth = subfolder(place, (name,))
        for inner in sorted(pictures.iterdir()) if truth else ():
            labels = subfolder(truth, (inner.name.lower(),)) if truth else None
            if labels is not None:
                found += match(images_in(inner), labels_in(labels))[0]
        if found:
            return found
    return found


def _beside(folder: Path) -> list[Entry]:
    entries, _ = match(*beside_each_other(folder)) if folder.is_dir() else ([], [])
    return entries if any(entry.label for entry in entries) else []


def _best_labels(place: Path, pictures: list[Path]) -> tuple[list[Entry], list[Path]]:
    """Match pictures with the first folder of ground truth that fits them."""
    best: tuple[list[Entry], list[Path]] = ([Entry(p.stem, p) for p in pictures], [])
    for name in LABEL_FOLDERS:
        truth = subfolder(place, (name,))
        if truth is None:
            continue
        entries, orphans = match(pictures, labels_in(truth))
        if any(entry.label for entry in entries):
            return entries, orphans
        best = (best[0], [*best[1], *orphans])
    return best


def _lizard(folder: Path) -> list[Entry]:
    """Pictures and labels in trees of their own, told by the names of folders."""
    images: list[Path] = []
    labels: list[Path] = []
    for place in _folders(folder):
        words = place.name.lower()
        if "image" in words and "label" not in words:
            images += images_in(place)
        elif "label" in words:
            labels += labels_in(place)
    if not images or not labels:
        return []
    entries, _ = match(images, labels)
    return entries if any(entry.label for entry in entries) else []


LAYOUTS: tuple[Layout, ...] = (
    Layout("DSB 2018", "NAME/images/NAME.png, NAME/masks/*.png", _dsb),
    Layout("PanNuke", "images.npy, masks.npy", _pannuke),
    Layout("CoNIC", "images.npy, labels.npy", _conic),
    Layout("TNBC", "Slide_01/*, GT_01/*", _tnbc),
    Layout(
        "CoNSeP, MoNuSeg, NuInsSeg and their like",
        "images/*, labels/* of the same names, in each split",
        _paired,
    ),
    Layout("Lizard", "*images*/**, *labels*/** of the same names", _lizard),
    Layout("tiles with ground truth beside them", "NAME.*, NAME_mask.*", _beside),
)
"""All ways that are known, the most particular first."""
