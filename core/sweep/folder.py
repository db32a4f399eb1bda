"""A folder of tiles, with or without ground truth."""

import hashlib
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.benchmark.tasks.class_labels import TABLE, class_folders, read_table
from core.errors import InputError
from core.images import read_tile
from core.images.datasets.layouts import Dataset, find_layout
from core.images.datasets.pairs import (
    Entry,
    beside_each_other,
    by_stem,
    images_in,
    labels_in,
    match,
)
from core.images.datasets.reading import read_entry
from core.images.labels.types import renumber_types
from core.images.opening import open_tile
from core.images.samples import DEFAULT_SAMPLE, load_sample
from core.sources import WHOLE, WITH_SAMPLES, Source, TileRegion
from core.tables import TILE_ENDINGS
from core.types import LabelledTile, ModelSpec, Tile

_MOST_NOTES = 5


@dataclass(frozen=True, slots=True)
class TileFolder:
    """All tiles of a folder.

    Parameters
    ----------
    tiles
        Ordered by name.
    digest
        Hash of all files, 16 hexadecimal digits.
    notes
        Sentences about as what the folder is read, what is missing, and what the
        ground truth is.
    type_names
        Names of the types that the ground truth numbers; empty without any.
    """

    tiles: tuple[LabelledTile, ...]
    digest: str
    notes: tuple[str, ...] = ()
    type_names: tuple[str, ...] = ()

    def tiles_for(self, spec: ModelSpec) -> tuple[LabelledTile, ...]:
        """Tiles whose nuclei have types as a model numbers them, or none."""
        return tuple(
            replace(
                each,
                classes=renumber_types(each.classes, self.type_names, spec.classes),
            )
            for each in self.tiles
        )


def read_folder(folder: str | Path) -> TileFolder:
    """Read tiles and their ground truth.

    Nuclei: ``images/*`` and ``labels/*`` with the same stems. Patch
    classification: ``images/*`` and ``labels.csv`` (name, class), or one folder
    of images for each class. Public data sets lie as
    `core.images.datasets.layouts.LAYOUTS` says. Everything is checked before
    anything is computed.

    Parameters
    ----------
    folder
        Without a folder ``images`` in it, images are looked for in it itself. A
        single tile will do, too: a file, ``sample:NAME``, or a file and its ground
        truth with ``|`` between them.

    Returns
    -------
    tiles
        A tile without ground truth is kept: it is scored by agreement.

    Raises
    ------
    InputError
        When there is no image, a file cannot be used, labels do not fit their
        tile, two images share a stem, or labels lack their image.
    """
    source = Source.of_tile(str(folder))
    if source.kind == "sample":
        return _read_sample(source.name)
    folder = Path(source.name)
    if source.view != WHOLE and folder.is_dir():
        return _at_scale(read_folder(folder), source.view)
    if folder.is_file():
        return _read_one(source)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name one with images in it.")
    return _read_directory(folder)


def _read_directory(folder: Path) -> TileFolder:
    """Find out how a folder lies, and read it."""
    images = by_stem(images_in(_find_images(folder)))
    table = folder / TABLE
    if images and table.is_file():
        if (folder / "labels").is_dir():
            raise InputError(
                f"{folder} has both labels/ and {TABLE}; keep the one that the "
                "model is to be scored by."
            )
        return _read_table(images, table)
    found = None if _is_plain(folder, images) else find_layout(folder)
    if found:
        return _read_dataset(found)
    if kinds := class_folders(folder, TILE_ENDINGS) if not images else ():
        return _read_classes(kinds)
    return _read_all(_pair(images, folder))


def find_tiles(folder: Path) -> tuple[Entry, ...]:
    """Find the tiles of a folder and their ground truth, and read none of them.

    Parameters
    ----------
    folder
        As `read_folder` takes it.

    Raises
    ------
    InputError
        When there are none, or it cannot be told which labels are whose.
    """
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name one with images in it.")
    images = by_stem(images_in(_find_images(folder)))
    found = None if _is_plain(folder, images) else find_layout(folder)
    return found.entries if found else _pair(images, folder)


def _find_images(folder: Path) -> Path:
    place = folder / "images"
    return place if place.is_dir() else folder


def _is_plain(folder: Path, images: dict[str, Path]) -> bool:
    """Return whether a folder holds images with labels beside them, and no data set."""
    if not images:
        return False
    alone = _find_images(folder) == folder and not any(beside_each_other(folder))
    return (folder / "labels").is_dir() or alone


def _at_scale(found: TileFolder, view: TileRegion) -> TileFolder:
    """Give all tiles of a folder the pixel size that a user typed.

    Raises
    ------
    InputError
        When a part is asked for: tiles of a folder are taken whole.
    """
    if view.region is not None or view.level or view.mpp is not None:
        raise InputError(
            "--region, --level and --mpp are for one picture; "
            "name a file in the folder."
        )
    tiles = tuple(
        replace(
            each,
            tile=replace(
                each.tile, mpp=view.pixel_size or each.tile.mpp, rescale=view.resample
            ),
        )
        for each in found.tiles
    )
    digest = hashlib.sha256(f"{found.digest} {view}".encode()).hexdigest()[:16]
    return replace(found, tiles=tiles, digest=digest)


def _read_one(source: Source) -> TileFolder:
    """Read a file, or a part of a slide, as a folder of one."""
    path = Path(source.name)
    found = open_tile(source)
    digest = hashlib.sha256(path.stem.encode())
    digest.update(str(source.view).encode())
    digest.update(np.ascontiguousarray(found.tile.pixels).tobytes())
    truth = found.truth
    if truth is None:
        tiles = [LabelledTile(path.stem, found.tile)]
        names: tuple[str, ...] = ()
    else:
        digest.update(np.ascontiguousarray(truth.labels).tobytes())
        tiles = [LabelledTile(path.stem, found.tile, truth.labels,
                              classes=truth.classes)]  # fmt: skip
        names = truth.type_names
    return TileFolder(tuple(tiles), digest.hexdigest()[:16], _notes(tiles), names)


def _pair(images: dict[str, Path], folder: Path) -> tuple[Entry, ...]:
    """Find the labels of a folder's images by their names."""
    if not images:
        place = _find_images(folder)
        raise InputError(
            f"{place} holds no images; put PNG, JPEG or TIFF tiles into it."
        )
    entries, orphans = match(list(images.values()), labels_in(folder / "labels"))
    if orphans:
        raise InputError(
            f"{len(orphans)} label images have no tile, {orphans[0].name} "
            "for one; give both the same name."
        )
    return tuple(entries)


def _read_dataset(found: Dataset) -> TileFolder:
    """Read a public data set, and say as what."""
    read = _read_all(found.entries)
    return replace(read, notes=(found.describe(), *read.notes))


def _read_all(entries: Sequence[Entry]) -> TileFolder:
    """Read all tiles with their ground truth."""
    digest = hashlib.sha256()
    hashed: set[Path] = set()
    tiles: list[LabelledTile] = []
    names: tuple[str, ...] = ()
    for entry in entries:
        found = read_entry(entry)
        truth = found.truth
        digest.update(entry.name.encode())
        for path in (entry.image, entry.label):
            if path is not None and path not in hashed:  # stacks are hashed once
                hashed.add(path)
                _hash_file(path, digest)
        if entry.label is None:
            digest.update(b"no labels")
        labels = None if truth is None else truth.labels
        classes = None if truth is None else truth.classes
        if truth is not None and len(truth.type_names) > len(names):
            names = truth.type_names
        tiles.append(LabelledTile(entry.name, found.tile, labels, classes=classes))
    return TileFolder(tuple(tiles), digest.hexdigest()[:16], _notes(tiles), names)


def _hash_file(path: Path, digest: "hashlib._Hash") -> None:
    if path.is_dir():
        for each in sorted(p for p in path.rglob("*") if p.is_file()):
            digest.update(each.name.encode() + each.read_bytes())
        return
    with path.open("rb") as file:
        while part := file.read(1 << 20):
            digest.update(part)


def read_patches(source: str) -> TileFolder:
    """Read what a classifier is judged by: one patch, or a folder of them.

    Parameters
    ----------
    source
        As `read_folder` takes it; the default sample when empty. Label images of
        nuclei that lie beside a single tile, or come with a sample, are left out.

    Raises
    ------
    InputError
        When label images were given by name, or nothing can be read.
    """
    asked = Source.of_tile(source)
    if asked.labels:
        raise InputError(
            "A classifier has no use for a label image; give a folder of patches with "
            "labels.csv in it, or with one folder for each class."
        )
    found = read_folder(source)
    if asked.path is not None and asked.path.is_dir():
        return found
    return replace(found, tiles=tuple(replace(e, labels=None) for e in found.tiles))


def _read_sample(name: str) -> TileFolder:
    """Take a built-in tile for a folder of one."""
    name = name or DEFAULT_SAMPLE
    sample = load_sample(name)
    digest = hashlib.sha256(np.ascontiguousarray(sample.tile.pixels).tobytes())
    tiles = [LabelledTile(name, sample.tile, sample.labels)]
    if sample.labels is not None:
        digest.update(np.ascontiguousarray(sample.labels).tobytes())
    return TileFolder(tuple(tiles), digest.hexdigest()[:16], _notes(tiles))


def _read_table(images: dict[str, Path], table: Path) -> TileFolder:
    """Read patches whose classes stand in a table."""
    classes = read_table(table)
    orphans = sorted(set(classes) - set(images))
    if orphans:
        raise InputError(
            f"{table.name} names {len(orphans)} patches without an image, "
            f"{orphans[0]} for one; add the images or take the lines out."
        )
    digest = hashlib.sha256()
    tiles = [
        _read_patch(stem, images[stem], classes.get(stem), digest)
        for stem in sorted(images)
    ]
    return TileFolder(tuple(tiles), digest.hexdigest()[:16], _notes(tiles))


def _read_classes(folders: tuple[Path, ...]) -> TileFolder:
    """Read patches whose class is the name of their folder."""
    digest = hashlib.sha256()
    tiles = [
        _read_patch(f"{place.name}/{stem}", image, place.name, digest)
        for place in folders
        for stem, image in sorted(by_stem(images_in(place)).items())
    ]
    return TileFolder(tuple(tiles), digest.hexdigest()[:16], _notes(tiles))


def _read_patch(
    name: str, image: Path, target: str | None, digest: "hashlib._Hash"
) -> LabelledTile:
    tile = read_tile(image)
    digest.update(name.encode() + image.read_bytes())
    digest.update(f"class {target}".encode())
    return LabelledTile(name, tile, None, target)


def _notes(tiles: list[LabelledTile]) -> tuple[str, ...]:
    told = Counter(note for each in tiles for note in each.tile.notes)
    notes = [*told][:_MOST_NOTES]
    if len(told) > _MOST_NOTES:
        notes.append(f"{len(told) - _MOST_NOTES} more notes of this kind.")
    bare = [each.name for each in tiles if each.labels is None and each.target is None]
    if bare:
        notes.insert(
            0,
            f"{len(bare)} of {len(tiles)} tiles have no labels ({bare[0]} for one): "
            "they are scored by agreement with the dense model only.",
        )
    return tuple(notes)


def read_calibration(source: str) -> list[Tile] | None:
    """Read the tiles of a folder, a file or a sample to calibrate on; no labels.

    Parameters
    ----------
    source
        As `read_folder` takes it, for the default of a tile with
        `core.sources.WITH_SAMPLES` before it; empty for none.

    Raises
    ------
    InputError
        When there is no image, or a file cannot be used.
    """
    if not source:
        return None
    tiles = [each.tile for each in read_folder(source.removeprefix(WITH_SAMPLES)).tiles]
    if not source.startswith(WITH_SAMPLES):
        return tiles
    from core.benchmark.calibration import with_samples  # late: it imports torch

    return list(with_samples(tiles))
