"""Which files of a folder belong together: by names of folders, and by stems."""

from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from core.errors import InputError
from core.images.names import plain_name
from core.tables import LABEL_ENDINGS, TILE_ENDINGS

IMAGE_FOLDERS = (
    *("images", "image", "tissue images", "tissue_images", "imgs", "img", "tiles"),
    *("he", "h&e", "rgb", "raw"),
)
"""Names of folders with pictures, lower case."""

LABEL_FOLDERS = (
    *("labels", "label", "label masks", "instances", "inst", "annotations", "masks"),
    *("mask", "gt", "ground truth", "ground_truth", "annotation", "segmentations"),
)
"""Names of folders with ground truth, lower case; earlier ones are preferred."""

_SUFFIXES = (
    *("_mask", "_masks", "_label", "_labels", "_gt", "_seg", "_instance", "_inst"),
    *("_instances", "_cp_masks", "-labels", "-mask"),
)
_PREFIXES = (
    *("img_", "image_", "tile_", "mask_", "label_", "labels_", "gt_", "seg_"),
    *("inst_", "instances_"),
)
_PICTURES = ("_img", "_image", "_tile", "_he", "_rgb")
_MOST_FILES = 100_000


@dataclass(frozen=True, slots=True)
class Entry:
    """One tile of a folder.

    Parameters
    ----------
    name
        Told to the user; unique in the folder.
    image
        File of the picture; an array of pictures where `index` is given.
    label
        File (or folder of masks) of the ground truth, or None.
    index
        Number in both arrays.
    target
        Tissue class of the whole tile, or None.
    """

    name: str
    image: Path
    label: Path | None = None
    index: int | None = None
    target: str | None = None


def list_files(place: Path, endings: Sequence[str]) -> list[Path]:
    """Files (and OME-Zarr folders) of a folder with one of these endings, by name.

    Raises
    ------
    InputError
        When there are too many.
    """
    if not place.is_dir():
        return []
    wanted = set(endings)
    found = sorted(
        path
        for path in place.iterdir()
        if path.suffix.lower() in wanted and not path.name.startswith(".")
    )
    if len(found) > _MOST_FILES:
        raise InputError(f"{place} holds {len(found):,} files; split it.")
    return [p for p in found if p.is_file() or p.suffix.lower() == ".zarr"]


def images_in(place: Path) -> list[Path]:
    """Pictures of a folder."""
    return list_files(place, TILE_ENDINGS)


def labels_in(place: Path) -> list[Path]:
    """Files of ground truth of a folder."""
    return list_files(place, LABEL_ENDINGS)


def by_stem(files: Iterable[Path]) -> dict[str, Path]:
    """Files by stem, whatever the Unicode form of their names.

    Raises
    ------
    InputError
        When two share a stem.
    """
    found: dict[str, Path] = {}
    for path in files:
        stem = stem_of(path)
        if stem in found:
            raise InputError(
                f"{found[stem].name} and {path.name} share a name; rename one."
            )
        found[stem] = path
    return found


def stem_of(path: Path) -> str:
    """Stem by which files are matched: ``a.ome.tif`` and ``a.png`` are both ``a``."""
    stem = path.stem
    for inner in (".ome", ".geojson"):
        if stem.lower().endswith(inner):
            stem = stem[: -len(inner)]
    return plain_name(stem)


def match(
    images: Sequence[Path], labels: Sequence[Path]
) -> tuple[list[Entry], list[Path]]:
    """Pair pictures with ground truth of the same stem.

    Where stems differ, words that say what a file is (``_mask``, ``label_``) and then
    the case of letters are left out, as long as that tells pictures apart.

    Returns
    -------
    entries
        One for each picture, with or without ground truth.
    orphans
        Ground truth without a picture.
    """
    known = by_stem(images)
    keys = _keys(known)
    truths: dict[str, Path] = {}
    orphans: list[Path] = []
    for path in labels:
        found = (s if s in known else keys.get(s.casefold()) for s in _stems(path))
        stem = next(filter(None, found), None)
        if stem is None:
            orphans.append(path)
        else:
            truths.setdefault(stem, path)
    entries = [Entry(stem, known[stem], truths.get(stem)) for stem in sorted(known)]
    return entries, orphans


def _keys(known: Iterable[str]) -> dict[str, str | None]:
    """Return stems of pictures by other forms of them; None where two share one."""
    keys: dict[str, str | None] = {}
    for stem in known:
        for form in {bare.casefold() for bare in _bare(stem, _PICTURES)}:
            keys[form] = None if form in keys else stem
    return keys


def _stems(path: Path) -> Iterator[str]:
    yield from _bare(stem_of(path), _SUFFIXES)


def _bare(stem: str, suffixes: Sequence[str]) -> Iterator[str]:
    """Yield a stem as it is, then without words that say what the file is."""
    yield stem
    lower = stem.lower()
    ends = [s for s in suffixes if lower.endswith(s)]
    starts = [s for s in _PREFIXES if lower.startswith(s)]
    for end in ends:
        yield stem[: -len(end)]
    for start in starts:
        yield stem[len(start) :]


def beside_each_other(place: Path) -> tuple[list[Path], list[Path]]:
    """Divide a folder that holds pictures and their ground truth together.

    Returns
    -------
    pictures, labels
        ``a.png`` and ``a_mask.png``, ``a.mat``, ``a.geojson``; both empty where no
        file is ground truth of another one.
    """
    files = list_files(place, (*TILE_ENDINGS, *LABEL_ENDINGS))
    named = {
        path
        for path in files
        if any(stem_of(path).lower().endswith(suffix) for suffix in _SUFFIXES)
    }
    labels = [
        path
        for path in files
        if path in named or path.suffix.lower() not in TILE_ENDINGS
    ]
    pictures = [path for path in files if path not in labels]
    if not pictures or not labels:
        return [], []
    return pictures, labels


def subfolder(place: Path, names: Sequence[str]) -> Path | None:
    """Folder inside `place` that bears the first of these names, whatever its case."""
    if not place.is_dir():
        return None
    inside = {p.name.lower(): p for p in sorted(place.iterdir()) if p.is_dir()}
    return next((inside[name] for name in names if name in inside), None)


def labels_beside(image: Path) -> Path | None:
    """Ground truth that lies where that of a data set does: ``../labels/<stem>.*``.

    Parameters
    ----------
    image
        A file in a folder of pictures.
    """
    if image.parent.name.lower() not in IMAGE_FOLDERS:
        return None
    for name in LABEL_FOLDERS:
        place = subfolder(image.parent.parent, (name,))
        if place is None:
            continue
        entries, _ = match([image], labels_in(place))
        if entries[0].label is not None:
            return entries[0].label
    return None
