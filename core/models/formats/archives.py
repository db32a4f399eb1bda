"""PyTorch files: an archive of a pickle and the storages that it refers to.

To read this file, start from `read_content` and `Content.tensors`.
"""

from __future__ import annotations

import io
import math
import pickle
import zipfile
import zlib
from dataclasses import dataclass, field
from typing import IO, TYPE_CHECKING, Any

import torch

from core.errors import ModelError
from core.models.formats.pickles import StoredTensor, read_pickle

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from torch import Tensor

_MAGIC = 0x1950A86A20F9469CFC6C
_LARGEST_PICKLE = 1 << 28  # bytes; that of a network has a few hundred thousand
BROKEN = (
    zipfile.BadZipFile,
    OSError,
    NotImplementedError,
    RuntimeError,
    ValueError,
    zlib.error,
    EOFError,
    MemoryError,
)


def damaged(path: Path) -> ModelError:
    """Return the error for a file that is not whole."""
    return ModelError(
        f"{path.name} is damaged or was not copied completely; copy it again"
    )


@dataclass
class Content:
    """What a file holds, its tensors not read yet.

    Parameters
    ----------
    path
        The file.
    value
        Containers, numbers, text, `StoredTensor` and `Placeholder`.
    places
        For files that are not zipped: storage -> first byte and number of bytes.
    prefix
        For zipped files: folder of the storages inside.
    """

    path: Path
    value: Any
    places: Mapping[str, tuple[int, int]] | None = None
    prefix: str = ""
    _read: dict[str, bytearray] = field(default_factory=dict)
    _values: int = 0

    def tensors(self, stored: Mapping[str, StoredTensor]) -> dict[str, Tensor]:
        """Read tensors.

        Raises
        ------
        ModelError
            When one is larger than what is stored of it, or the file is damaged.
        """
        try:
            if self.places is None:
                with zipfile.ZipFile(self.path) as archive:
                    for one in stored.values():
                        key = one.storage.key
                        if key not in self._read:
                            raw = read_member(archive, f"{self.prefix}/{key}")
                            self._read[key] = bytearray(raw)
            else:
                self._read_plain(stored)
        except (*BROKEN, KeyError) as error:
            raise damaged(self.path) from error
        return {name: self._tensor(one) for name, one in stored.items()}

    def _read_plain(self, stored: Mapping[str, StoredTensor]) -> None:
        assert self.places is not None
        with self.path.open("rb") as file:
            for one in stored.values():
                start, length = self.places[one.storage.key]
                file.seek(start)
                raw = file.read(length)
                if len(raw) != length:
                    raise EOFError(one.storage.key)
                self._read[one.storage.key] = bytearray(raw)

    def _tensor(self, stored: StoredTensor) -> Tensor:
        raw = self._read[stored.storage.key]
        room = len(raw) // stored.dtype.itemsize
        count = math.prod(stored.shape)
        steps = zip(stored.shape, stored.stride, strict=True)
        last = stored.offset + sum((size - 1) * step for size, step in steps)
        self._values += count
        if count and (count > room or last >= room):
            raise ModelError(
                f"{self.path.name} names a tensor of {count:,} values and holds "
                f"{room:,}; the file is damaged, copy or export it again"
            )
        if self._values > 4 * self.path.stat().st_size + 1024:
            raise damaged(self.path)
        if not count:
            return torch.zeros(stored.shape, dtype=stored.dtype)
        flat = torch.frombuffer(raw, dtype=stored.dtype, count=room)
        return flat.as_strided(stored.shape, stored.stride, stored.offset)


def read_member(archive: zipfile.ZipFile, name: str, most: int = 1 << 40) -> bytes:
    """Read one member of an archive, its checksum compared.

    Raises
    ------
    ValueError
        When it is larger than `most`, or packed to a tiny part of its size.
    KeyError
        When there is none of that name.
    zipfile.BadZipFile
        When it is damaged.
    """
    info = archive.getinfo(name)
    packed = max(info.compress_size, 1)
    if info.file_size > most or info.file_size > (1 << 20) + 64 * packed:
        raise ValueError(f"{name} is too large")
    return archive.read(info)


def members(path: Path) -> list[str]:
    """Names inside a zip file.

    Raises
    ------
    ModelError
        When it is damaged.
    """
    try:
        with zipfile.ZipFile(path) as archive:
            return archive.namelist()
    except BROKEN as error:
        raise damaged(path) from error


def read_content(path: Path) -> Content:
    """Read a file of ``torch.save`` or ``torch.jit.save``, without its tensors.

    Raises
    ------
    ModelError
        When it is damaged.
    """
    try:
        with path.open("rb") as file:
            zipped = file.read(2) == b"PK"
            file.seek(0)
            return _zipped(path) if zipped else _plain(path, file)
    except ModelError:
        raise
    except Exception as error:  # a damaged pickle raises anything
        raise damaged(path) from error


def _zipped(path: Path) -> Content:
    with zipfile.ZipFile(path) as archive:
        names = archive.namelist()
        found = [name for name in names if name.split("/")[1:] == ["data.pkl"]]
        if not found:
            raise damaged(path)
        folder = found[0].split("/")[0]
        order = f"{folder}/byteorder"
        if order in names and read_member(archive, order, 16) != b"little":
            raise ModelError(
                f"{path.name} was written on a machine of another byte order; "
                "save it again on this kind of machine"
            )
        raw = read_member(archive, found[0], _LARGEST_PICKLE)
    value, _ = read_pickle(io.BytesIO(raw))
    return Content(path, value, prefix=f"{folder}/data")


def _plain(path: Path, file: IO[bytes]) -> Content:
    """Read the layout before PyTorch 1.6: four pickles, then the storages."""
    if read_pickle(file)[0] != _MAGIC:
        raise pickle.UnpicklingError("not a file of torch.save")
    read_pickle(file)
    read_pickle(file)
    value, reader = read_pickle(file)
    keys = read_pickle(file)[0]
    places: dict[str, tuple[int, int]] = {}
    end = path.stat().st_size
    at = file.tell()
    for key in keys:
        storage = reader.storages[str(key)]
        file.seek(at)
        count = int.from_bytes(file.read(8), "little")
        length = count * storage.dtype.itemsize
        places[str(key)] = (at + 8, length)
        at += 8 + length
        if at > end:
            raise EOFError(str(key))
    return Content(path, value, places)
