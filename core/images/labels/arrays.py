"""Arrays in files: NumPy, MATLAB, and what their axes mean."""

from __future__ import annotations

import ast
import struct
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError
from core.images import limits
from core.images.labels.numbers import ADVICE
from core.images.labels.pickled import read_records, to_array
from core.images.labels.truth import MOST_IDS, Numbers

if TYPE_CHECKING:
    from collections.abc import Iterable, Iterator, Mapping, Sequence
    from pathlib import Path
    from typing import BinaryIO

    from numpy.typing import NDArray

    from core.images.labels.truth import Frame

Array = "NDArray[Any]"

PANNUKE = ("neoplastic", "inflammatory", "connective", "dead", "epithelial")
"""Types of PanNuke (Gamper et al. 2020), in the order of its channels."""
LIZARD = (
    *("neutrophil", "epithelial", "lymphocyte", "plasma", "eosinophil"),
    "connective",
)
"""Types of Lizard and CoNIC (Graham et al. 2021)."""
CONSEP = (
    *("other", "inflammatory", "healthy epithelial", "malignant epithelial"),
    *("fibroblast", "muscle", "endothelial"),
)
"""Types of CoNSeP (Graham et al. 2019), as its files number them."""

_INSTANCES = (
    *("inst_map", "instance_map", "instances", "masks", "mask", "labels", "label"),
    *("n_ann", "label_map", "seg", "y", "arr_0"),
)
_TYPES = ("type_map", "class_map", "types", "classes")
_MOST_BYTES = limits.MAX_BYTES


def read_npy(path: Path, frame: Frame) -> Numbers:
    """Read a ``.npy`` file: an array, or Cellpose's pickled dictionary.

    Raises
    ------
    InputError
        When a pickle holds no array of masks.
    """
    with path.open("rb") as file:
        shape, kind, fortran = _header(file)
        if kind.hasobject:
            return _cellpose(file, path.name)
        values = _map_array(path, file.tell(), shape, kind, fortran)
        return from_array(values, frame, path.name)


def read_npz(path: Path, frame: Frame) -> Numbers:
    """Read a ``.npz`` file: the array that is called like labels, or the only one."""
    found: dict[str, NDArray[Any]] = {}
    with zipfile.ZipFile(path) as packed:
        for entry in packed.infolist():
            if not entry.filename.endswith(".npy"):
                continue
            advice = "save labels of fewer tiles in a file"
            limits.check_bytes(entry.file_size, path.name, advice)
            with packed.open(entry) as file:
                shape, kind, fortran = _header(file)
                if kind.hasobject or kind.kind not in "biuf":
                    continue
                data = file.read(entry.file_size)
            size = int(np.prod(shape, dtype=np.int64)) * kind.itemsize
            flat = np.frombuffer(data[:size], kind)
            order = "F" if fortran else "C"
            name = entry.filename.removesuffix(".npy")
            found[name] = flat.reshape(shape, order=order)  # type: ignore[call-overload] # either order
    return from_named(found, frame, path.name)


def _header(file: Any) -> tuple[tuple[int, ...], np.dtype[Any], bool]:
    """Read shape, type and order; the shape is checked before anything is read."""
    start = file.read(8)
    size = struct.unpack("<H", file.read(2)) if start[6] == 1 else struct.unpack(
        "<I", file.read(4)
    )  # fmt: skip
    if size[0] > 10_000:
        raise ValueError("the header is too long")
    about = ast.literal_eval(file.read(size[0]).decode("latin-1"))
    shape = about["shape"]
    if not all(isinstance(side, int) and side >= 0 for side in shape):
        raise ValueError("a shape is whole numbers")
    return shape, np.dtype(about["descr"]), bool(about["fortran_order"])


def _map_array(
    path: Path, at: int, shape: tuple[int, ...], kind: np.dtype[Any], fortran: bool
) -> NDArray[Any]:
    """Map an array: a header may claim more than the file holds."""
    if 0 in shape:
        return np.zeros(shape, kind)
    order = "F" if fortran else "C"
    return np.memmap(path, kind, "r", at, shape, order)  # type: ignore[call-overload,no-any-return] # either order


def _cellpose(file: BinaryIO, name: str) -> Numbers:
    found = read_records(file)  # type: ignore[arg-type] # pickletools takes any
    if isinstance(found, list) and len(found) == 1:
        found = found[0]
    record = getattr(found, "state", None)
    if isinstance(record, tuple) and isinstance(record[-1], list) and record[-1]:
        found = record[-1][0]  # np.save wraps a dictionary into an array of one
    masks = to_array(found.get("masks")) if isinstance(found, dict) else None
    if masks is None:
        raise InputError(
            f"{name} is a pickled Python object without an array of masks, and pickles "
            "are not run here; save the label image as PNG or TIFF "
            "(Cellpose: --save_tif or io.save_masks)."
        )
    return Numbers(masks)


def read_mat(path: Path, frame: Frame) -> Numbers:
    """Read a MATLAB file of any version.

    Raises
    ------
    InputError
        When it holds no array of labels.
    """
    with path.open("rb") as file:
        start = file.read(512 + 8)
    modern = b"MATLAB 7.3" in start[:128] or b"\x89HDF" in (start[:4], start[512:516])
    arrays = _read_hdf5(path) if modern else _read_mat5(path)
    return from_named(arrays, frame, path.name)


_WRAPPED = ("cell", "struct", "object", "char", "sparse", "unknown")
_UNWRAP = {
    "struct": "inst_map = {name}.inst_map",
    "cell": "inst_map = {name}{{1}}",
    "sparse": "inst_map = full({name})",
}


def _read_mat5(path: Path) -> dict[str, NDArray[Any]]:
    from scipy.io import loadmat, whosmat

    held = whosmat(path)
    listed = [  # what is inside of a struct is of unknown size, so it is left out
        (name, shape) for name, shape, kind in held if kind not in _WRAPPED
    ]
    wrapped = next((each for each in held if each[2] in _UNWRAP), None)
    if wrapped is not None and not listed:
        name, _, kind = wrapped
        take = _UNWRAP[kind].format(name=name)
        raise InputError(
            f"{path.name} holds labels within a {kind} ({name}), which is not read; "
            f"in MATLAB save the array: {take}; save('labels.mat', 'inst_map')."
        )
    size = sum(int(np.prod(shape, dtype=np.int64)) * 8 for _, shape in listed)
    limits.check_bytes(size, path.name, "save labels of fewer tiles in a file")
    found = loadmat(path, variable_names=[name for name, _ in listed])
    return {name: np.asarray(found[name]) for name, _ in listed if name in found}


def _read_hdf5(path: Path) -> dict[str, NDArray[Any]]:
    import h5py

    found: dict[str, NDArray[Any]] = {}
    with h5py.File(path, "r") as file:
        for name, each in _own_members(file):
            inside = _own_members(each) if isinstance(each, h5py.Group) else ()
            for title, data in ((name, each), *inside):  # of a struct: its fields
                if not isinstance(data, h5py.Dataset) or data.dtype.kind not in "biuf":
                    continue
                if data.external:
                    continue
                size = data.size * data.dtype.itemsize
                advice = "save labels of fewer tiles in a file"
                limits.check_bytes(size, path.name, advice)
                found[title] = np.asarray(data[()]).T  # MATLAB counts columns first
    return found


def _own_members(group: Any) -> Iterator[tuple[str, Any]]:
    """Yield what lies in a file itself: other files are never followed."""
    import h5py

    for name in group:
        if name.startswith("#") or not isinstance(
            group.get(name, getlink=True), h5py.HardLink
        ):
            continue  # MATLAB's own lists of references begin with #
        yield name, group[name]


def from_named(arrays: Mapping[str, NDArray[Any]], frame: Frame, name: str) -> Numbers:
    """Choose the labels among arrays with names, and the types that go with them.

    Raises
    ------
    InputError
        When no array can be labels, or several can.
    """
    lower = {key.lower(): value for key, value in arrays.items()}
    chosen = next((key for key in _INSTANCES if key in lower), None)
    if chosen is None:
        grids = [key for key, value in lower.items() if _is_grid(value)]
        if len(grids) != 1:
            listed = ", ".join(sorted(arrays)) or "none"
            raise InputError(
                f"{name} holds no array that is clearly labels (there are: {listed}); "
                "call it inst_map, or save the label image as PNG or TIFF."
            )
        chosen = grids[0]
    found = from_array(lower[chosen], frame, name)
    if found.types is not None or found.classes is not None:
        return found
    return _with_types(found, lower)


def _is_grid(values: NDArray[Any]) -> bool:
    return values.ndim == 2 and min(values.shape) > 4


def _with_types(found: Numbers, arrays: Mapping[str, NDArray[Any]]) -> Numbers:
    """Add types that stand beside labels: by id, or pixel by pixel."""
    largest = float(np.max(found.labels)) if found.labels.size else 0.0
    if not 0 <= largest <= MOST_IDS:
        return found
    count = int(largest)
    if "class" in arrays and "id" in arrays:  # Lizard
        classes = _by_id(arrays["id"], arrays["class"], count)
        return Numbers(found.labels, None, classes, LIZARD, found.notes)
    for key in _TYPES:
        types = arrays.get(key)
        if types is not None and types.shape == found.labels.shape:
            return Numbers(found.labels, types, None, CONSEP, found.notes)
    kinds = arrays.get("inst_type")
    if kinds is not None and kinds.size >= count > 0:
        classes = kinds.ravel()[:count].astype(np.int64)
        return Numbers(found.labels, None, classes, CONSEP, found.notes)
    return found


def _by_id(
    ids: NDArray[Any], kinds: NDArray[Any], count: int
) -> NDArray[np.int64] | None:
    if not 0 <= max(count, float(ids.max(initial=0))) <= MOST_IDS:
        return None
    classes = np.zeros(max(count, int(ids.max(initial=0))), np.int64)
    pairs = zip(ids.ravel().astype(int), kinds.ravel().astype(int), strict=True)
    for number, kind in pairs:
        if number > 0:
            classes[number - 1] = max(kind, 0)
    return classes


def from_array(values: NDArray[Any], frame: Frame, name: str) -> Numbers:
    """Find out what the axes of an array of labels are.

    Parameters
    ----------
    values
        Two axes are one label image. Three or four may be a stack of tiles, of which
        ``frame.index`` names one; layers of one label image (instances and types); one
        layer a type (PanNuke), with a layer of background; an image with its labels
        behind it (HoVer-Net's training patches); or one mask a nucleus.
    frame
        The tile.
    name
        Named in errors.

    Raises
    ------
    InputError
        When the axes mean none of these.
    """
    if frame.index is None and _one_in_front(values):
        values = values.reshape(values.shape[1:])
    if values.ndim == 2:
        return Numbers(np.asarray(values))
    if values.ndim == 4 or (values.ndim == 3 and frame.index is not None):
        return from_array(_one_of(values, frame, name), _single(frame), name)
    if values.ndim == 3:
        found = _layers(values, frame, name)
        if found is not None:
            return found
    raise InputError(
        f"{name} has the shape {' x '.join(map(str, values.shape))}, in which no label "
        f"image is recognised; {ADVICE}."
    )


def _one_in_front(values: NDArray[Any]) -> bool:
    return values.ndim in (3, 4) and values.shape[0] == 1


def _single(frame: Frame) -> Frame:
    from dataclasses import replace

    return replace(frame, index=None)


def _one_of(values: NDArray[Any], frame: Frame, name: str) -> NDArray[Any]:
    if frame.index is None:
        raise InputError(
            f"{name} holds labels of {len(values)} tiles; open the folder with the "
            "images, or save the labels of one tile."
        )
    if not 0 <= frame.index < len(values):
        raise InputError(
            f"{name} holds labels of {len(values)} tiles, none of number "
            f"{frame.index}; choose the file that belongs to the tiles."
        )
    return np.asarray(values[frame.index])


def _layers(values: NDArray[Any], frame: Frame, name: str) -> Numbers | None:
    """Read three axes that are one tile's."""
    sides = frame.size[::-1] if frame.size else None
    last = sides is None or values.shape[:2] == sides
    if last and values.shape[2] <= 6 < min(values.shape[:2]):
        return _stacked([values[..., layer] for layer in range(values.shape[2])])
    if values.shape[0] <= 6 < min(values.shape[1:]):
        return _stacked(list(values))
    high, wide, deep = values.shape
    behind = high == wide != deep if sides is None else last
    planes = np.moveaxis(values, 2, 0) if behind else values
    if len(planes) > 6 and _are_masks(planes):
        return one_mask_a_nucleus(planes, planes.shape[1:])
    if frame.index is None and values.dtype.kind in "iu":
        _one_of(values, frame, name)  # says that there are many
    return None


def _are_masks(values: NDArray[Any]) -> bool:
    return all(len(np.unique(plane)) <= 2 for plane in values)


def _stacked(layers: Sequence[NDArray[Any]]) -> Numbers | None:
    """Read layers of one label image."""
    count = len(layers)
    if count == 1:
        return Numbers(np.asarray(layers[0]))
    if count == 2:  # CoNIC: instances and types
        return Numbers(np.asarray(layers[0]), np.asarray(layers[1]), None, LIZARD)
    if count == 6:
        return _pannuke(layers)
    if count in (4, 5) and _is_picture(layers[:3]):  # HoVer-Net's training patches
        types = np.asarray(layers[4]) if count == 5 else None
        return Numbers(np.asarray(layers[3]), types)
    if count == 5:
        return _pannuke(layers)
    return None


def _is_picture(layers: Sequence[NDArray[Any]]) -> bool:
    return all(len(np.unique(layer)) > 16 for layer in layers)


def _pannuke(layers: Sequence[NDArray[Any]]) -> Numbers:
    """Join one layer of instances a type; a sixth one is background."""
    labels = np.zeros(layers[0].shape, np.int64)
    classes: list[int] = []
    for kind, layer in enumerate(layers[:5], start=1):
        # the same id may stand in two layers: each pair is a nucleus of its own
        ids, places = np.unique(np.asarray(layer), return_inverse=True)
        start = 1 if len(ids) and ids[0] == 0 else 0
        numbers = places.reshape(labels.shape) - start + 1
        inside = np.asarray(layer) > 0
        labels[inside] = numbers[inside] + len(classes)
        classes += [kind] * (len(ids) - start)
    return Numbers(labels, None, np.array(classes, np.int64), PANNUKE)


def one_mask_a_nucleus(
    masks: Iterable[NDArray[Any]], shape: tuple[int, int]
) -> Numbers:
    """Join masks of one nucleus each; later ones lie over earlier ones."""
    labels = np.zeros(shape, np.int32)
    for number, mask in enumerate(masks, start=1):
        labels[np.asarray(mask) > 0] = number
    return Numbers(labels)
