"""OME-NGFF: chunked arrays in a folder or a zip, read by zarr.

Chunks may be packed by any codec that numcodecs knows, one of which unpickles. The
metadata are therefore read here first, and only plain compressions are let through.
"""

from __future__ import annotations

import json
import zipfile
from importlib import util
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError
from core.images import limits
from core.images.pixels import Raw
from core.images.slides.values import PyramidLevel
from core.images.tiff_metadata import Planes, refuse_stack
from core.tables.extras import to_install_command

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from core.images.orientation import Region

_METADATA = ("zarr.json", ".zattrs", ".zgroup")
_CODECS = {
    *("bytes", "endian", "transpose", "crc32c", "sharding_indexed"),
    *("blosc", "zstd", "gzip", "zlib", "lz4", "lz4hc", "bz2", "lzma"),
    *("shuffle", "bitshuffle", "delta", "crc32", "adler32", "fletcher32"),
}
_UNITS = {"micrometer": 1.0, "micrometre": 1.0, "um": 1.0, "µm": 1.0}
_UNITS |= {"nanometer": 1e-3, "millimeter": 1e3, "centimeter": 1e4, "meter": 1e6}
_MOST_METADATA = 4_000_000
_MOST_LEVELS = 32


def is_ngff(path: Path) -> bool:
    """Whether a folder or a zip holds an NGFF picture."""
    if path.is_dir():
        return any((path / name).is_file() for name in _METADATA)
    return _prefix(path) is not None


def _prefix(path: Path) -> str | None:
    """Folder inside the zip that holds the metadata, or None for another zip."""
    try:
        with zipfile.ZipFile(path) as packed:
            names = packed.namelist()
    except (OSError, zipfile.BadZipFile, ValueError):
        return None
    tops = [n for n in names if n.rsplit("/", 1)[-1] in _METADATA and n.count("/") < 2]
    if not tops:
        return None
    top = min(tops, key=lambda name: name.count("/"))
    return top.rpartition("/")[0]


class NgffBackend:
    """A picture of the Open Microscopy Environment's next-generation format.

    Parameters
    ----------
    path
        A folder, or a zip of one.

    Raises
    ------
    InputError
        When it is a stack, or its chunks are packed in an unusual way.
    """

    notes: tuple[str, ...] = ()
    associated: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._name = path.name
        self._path = path
        self._folder = "" if path.is_dir() else (_prefix(path) or "")
        self._zip = None if path.is_dir() else zipfile.ZipFile(path)
        try:
            self._open()
        except BaseException:
            self.close()
            raise

    def _open(self) -> None:
        if util.find_spec("zarr") is None:
            raise InputError(
                f"{self._name} is an OME-Zarr picture, which needs zarr; run: "
                f"{to_install_command('slides')}, then open it again."
            )
        import zarr
        from zarr.storage import LocalStore, ZipStore

        about = self._multiscale()
        axes = [str(a["name"] if isinstance(a, dict) else a).lower()
                for a in about.get("axes") or "tczyx"]  # fmt: skip
        datasets = about["datasets"][:_MOST_LEVELS]
        for each in datasets:
            self._check_array(str(each["path"]))
        local = self._path.is_dir()
        store = (
            LocalStore(self._path, read_only=True)
            if local
            else ZipStore(self._path, mode="r", read_only=True)
        )
        group = zarr.open_group(store, path=self._folder, mode="r")
        self._store = store
        self._arrays: list[Any] = [group[str(each["path"])] for each in datasets]
        self._axes = axes
        self._check_axes(about)
        scales = [self._scale(each, about) for each in datasets]
        self.levels = tuple(
            PyramidLevel((a.shape[axes.index("x")], a.shape[axes.index("y")]), mpp)
            for a, mpp in zip(self._arrays, scales, strict=True)
        )

    def _read_json(self, name: str) -> dict[str, Any]:
        """Read metadata of bounded size; an empty object where there are none."""
        if self._zip is None:
            file = self._path / name
            if not file.is_file() or file.stat().st_size > _MOST_METADATA:
                return {}
            data = file.read_bytes()
        else:
            full = f"{self._folder}/{name}" if self._folder else name
            try:
                entry = self._zip.getinfo(full)
            except KeyError:
                return {}
            if entry.file_size > _MOST_METADATA:
                return {}
            data = self._zip.read(entry)
        found = json.loads(data)
        return found if isinstance(found, dict) else {}

    def _multiscale(self) -> Mapping[str, Any]:
        attributes = self._read_json("zarr.json").get("attributes") or self._read_json(
            ".zattrs"
        )
        attributes = attributes.get("ome") or attributes
        listed = attributes.get("multiscales")
        if not listed:
            raise InputError(
                f"{self._name} holds arrays, but none that is described as a picture "
                "(OME-NGFF multiscales); export it as OME-Zarr or TIFF."
            )
        self._channels = [
            str(each.get("label", ""))
            for each in (attributes.get("omero") or {}).get("channels") or ()
        ]
        return dict(listed[0])

    def _check_array(self, path: str) -> None:
        """Refuse anything but plain numbers in plain compression."""
        if path.startswith("/") or ".." in path.split("/"):
            raise ValueError("an array outside of its folder")
        about = self._read_json(f"{path}/zarr.json")
        if about:
            kind, codecs = about["data_type"], list(about["codecs"])
            shape = about["chunk_grid"]["configuration"]["chunk_shape"]
            for each in codecs:
                inner = each.get("configuration") or {}
                codecs += [*inner.get("codecs", ()), *inner.get("index_codecs", ())]
            names = [str(each["name"]) for each in codecs]
        else:
            about = self._read_json(f"{path}/.zarray")
            kind, shape = np.dtype(about["dtype"]).name, about["chunks"]
            codecs = [about.get("compressor"), *(about.get("filters") or ())]
            names = [str(each["id"]) for each in codecs if each]
        strange = [name for name in names if name not in _CODECS]
        if strange or np.dtype(kind).kind not in "biuf":
            raise InputError(
                f"{self._name} is packed by {', '.join(strange) or kind}, which is not "
                "read here; export it with zstd, gzip or blosc compression."
            )
        count = int(np.prod([int(side) for side in shape], dtype=np.float64))
        count *= np.dtype(kind).itemsize
        advice = "export it in smaller chunks"
        limits.check_bytes(count, f"One chunk of {self._name}", advice)

    def _check_axes(self, about: Mapping[str, Any]) -> None:
        shape = dict(zip(self._axes, self._arrays[0].shape, strict=True))
        planes = Planes(
            shape.get("c", 1), shape.get("z", 1), shape.get("t", 1),
            tuple(filter(None, self._channels)),
        )  # fmt: skip
        grey8 = self._arrays[0].dtype == np.uint8
        if planes.total > 1 and not (planes.may_be_colours and grey8):
            raise refuse_stack(planes, self._name)

    def _scale(
        self, dataset: Mapping[str, Any], about: Mapping[str, Any]
    ) -> tuple[float, float] | None:
        """Micrometres per pixel along x and y, when the axes have units."""
        sizes = [1.0, 1.0]
        units: list[float] = []
        axes = [
            a if isinstance(a, dict) else {"name": a} for a in about.get("axes", ())
        ]
        for axis in "xy":
            unit = next((a.get("unit") for a in axes if a["name"] == axis), None)
            if unit not in _UNITS:
                return None
            units.append(_UNITS[unit])
        for change in (
            *(about.get("coordinateTransformations") or ()),
            *(dataset.get("coordinateTransformations") or ()),
        ):
            if change.get("type") == "scale":
                for place, axis in enumerate("xy"):
                    sizes[place] *= float(change["scale"][self._axes.index(axis)])
        return sizes[0] * units[0], sizes[1] * units[1]

    def read(self, level: int, region: Region) -> Raw:
        """Decode (x, y, width, height) in pixels of one level."""
        x, y, width, height = region
        chosen: dict[str, Any] = {"x": slice(x, x + width), "y": slice(y, y + height)}
        picked = tuple(
            chosen.get(axis, slice(None) if axis == "c" else 0) for axis in self._axes
        )
        values = np.asarray(self._arrays[level][picked])
        left = [axis for axis in self._axes if axis in "cxy"]
        order = [left.index(axis) for axis in ("y", "x", "c") if axis in left]
        values = values.transpose(order)
        if values.ndim == 3 and values.shape[2] == 1:
            values = values[..., 0]
        return Raw(np.ascontiguousarray(values))

    def read_associated(self, name: str) -> Raw:
        """There are none."""
        raise KeyError(name)

    def close(self) -> None:
        """Close the file."""
        if self._zip is not None:
            self._zip.close()
        store = getattr(self, "_store", None)
        if store is not None:
            store.close()
