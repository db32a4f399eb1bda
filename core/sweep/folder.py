"""A folder of tiles, with or without ground truth."""

import hashlib
from dataclasses import dataclass, replace
from pathlib import Path

import numpy as np

from core.benchmark.tasks.class_labels import TABLE, class_folders, read_table
from core.errors import InputError
from core.images import check_labels, read_labels, read_tile
from core.images.samples import DEFAULT_SAMPLE, load_sample
from core.tables import TILE_ENDINGS
from core.types import LabelledTile

_LABELS = (".png", ".tif", ".tiff", ".npy")


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
        Sentences about what is missing.
    """

    tiles: tuple[LabelledTile, ...]
    digest: str
    notes: tuple[str, ...] = ()


def read_folder(folder: str | Path) -> TileFolder:
    """Read tiles and their ground truth.

    Nuclei: ``images/*`` and ``labels/*`` with the same stems. Patch
    classification: ``images/*`` and ``labels.csv`` (name, class), or one folder
    of images for each class. Everything is checked before anything is computed.

    Parameters
    ----------
    folder
        Without a folder ``images`` in it, images are looked for in it itself. A
        single tile will do, too: a file, ``sample:NAME``, or a file and its label
        image with ``|`` between them.

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
    folder = Path(folder)
    if str(folder).startswith("sample:"):
        return _read_sample(str(folder).removeprefix("sample:"))
    image, _, label = str(folder).partition("|")
    if Path(image).is_file():
        return _read_single(Path(image), label)
    if not folder.is_dir():
        raise InputError(f"{folder} is not a folder; name one with images in it.")
    place = folder / "images" if (folder / "images").is_dir() else folder
    images = _by_stem(place, TILE_ENDINGS)
    kinds = (
        class_folders(folder, TILE_ENDINGS) if place == folder and not images else ()
    )
    if kinds:
        return _read_classes(kinds)
    if not images:
        raise InputError(
            f"{place} holds no images; put PNG, JPEG or TIFF tiles into it."
        )
    table = folder / TABLE
    if table.is_file():
        if (folder / "labels").is_dir():
            raise InputError(
                f"{folder} has both labels/ and {TABLE}; keep the one that the "
                "model is to be scored by."
            )
        return _read_table(images, table)
    labels = _by_stem(folder / "labels", _LABELS)
    orphans = sorted(set(labels) - set(images))
    if orphans:
        raise InputError(
            f"{len(orphans)} label images have no tile, {labels[orphans[0]].name} "
            "for one; give both the same name."
        )
    digest = hashlib.sha256()
    tiles = [
        _read(stem, images[stem], labels.get(stem), digest) for stem in sorted(images)
    ]
    return TileFolder(tuple(tiles), digest.hexdigest()[:16], _notes(tiles))


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
    if "|" in source:
        raise InputError(
            "A classifier has no use for a label image; give a folder of patches with "
            "labels.csv in it, or with one folder for each class."
        )
    found = read_folder(source or f"sample:{DEFAULT_SAMPLE}")
    if Path(source).is_dir():
        return found
    return replace(found, tiles=tuple(replace(e, labels=None) for e in found.tiles))


def _read_sample(name: str) -> TileFolder:
    """Take a built-in tile for a folder of one."""
    sample = load_sample(name)
    digest = hashlib.sha256(np.ascontiguousarray(sample.tile.pixels).tobytes())
    tiles = [LabelledTile(name, sample.tile, sample.labels)]
    if sample.labels is not None:
        digest.update(np.ascontiguousarray(sample.labels).tobytes())
    return TileFolder(tuple(tiles), digest.hexdigest()[:16], _notes(tiles))


def _read_single(image: Path, label: str) -> TileFolder:
    """Take a file for a folder of one; its labels may lie where a folder's do."""
    beside = image.parent.parent / "labels"
    named = image.parent.name == "images"
    found = Path(label) if label else None
    if found is None and named:
        found = _by_stem(beside, _LABELS).get(image.stem)
    digest = hashlib.sha256()
    tiles = [_read(image.stem, image, found, digest)]
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
        for stem, image in sorted(_by_stem(place, TILE_ENDINGS).items())
    ]
    return TileFolder(tuple(tiles), digest.hexdigest()[:16], _notes(tiles))


def _read_patch(
    name: str, image: Path, target: str | None, digest: "hashlib._Hash"
) -> LabelledTile:
    tile = read_tile(image)
    digest.update(name.encode() + image.read_bytes())
    digest.update(f"class {target}".encode())
    return LabelledTile(name, tile, None, target)


def _by_stem(place: Path, suffixes: tuple[str, ...]) -> dict[str, Path]:
    found: dict[str, Path] = {}
    if not place.is_dir():
        return found
    for path in sorted(place.iterdir()):
        if path.suffix.lower() not in suffixes or path.name.startswith("."):
            continue
        if path.stem in found:
            raise InputError(
                f"{found[path.stem].name} and {path.name} share a name; rename one."
            )
        found[path.stem] = path
    return found


def _read(
    stem: str, image: Path, label: Path | None, digest: "hashlib._Hash"
) -> LabelledTile:
    tile = read_tile(image)
    digest.update(stem.encode() + image.read_bytes())
    if label is None:
        digest.update(b"no labels")
        return LabelledTile(stem, tile, None)
    labels = read_labels(label)
    digest.update(label.read_bytes())
    try:
        check_labels(tile, labels)
    except InputError as error:
        raise InputError(f"{label.name}: {error}") from None
    return LabelledTile(stem, tile, labels)


def _notes(tiles: list[LabelledTile]) -> tuple[str, ...]:
    bare = [each.name for each in tiles if each.labels is None and each.target is None]
    if not bare:
        return ()
    return (
        f"{len(bare)} of {len(tiles)} tiles have no labels ({bare[0]} for one): "
        "they are scored by agreement with the dense model only.",
    )
