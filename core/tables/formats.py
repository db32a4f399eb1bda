"""File formats: what is opened and what is written.

A file is recognised by its first bytes; the endings are for dialogs and for folders.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal


@dataclass(frozen=True, slots=True)
class FileFormat:
    """One kind of file.

    Parameters
    ----------
    key
        Short name, such as ``"onnx"``.
    title
        For a dialog.
    endings
        Of file names, lower case, with the dot; the usual one first.
    """

    key: str
    title: str
    endings: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class ImageFormat(FileFormat):
    """One kind of image.

    Parameters
    ----------
    starts
        First bytes of such a file, one of these.
    reader
        Which reader of `core.images` decodes it.
    """

    starts: tuple[bytes, ...] = ()
    reader: Literal["raster", "tiff"] = "raster"


_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
IMAGE_FORMATS: tuple[ImageFormat, ...] = (
    ImageFormat("png", "PNG", (".png",), (b"\x89PNG\r\n\x1a\n",)),
    ImageFormat("jpeg", "JPEG", (".jpg", ".jpeg"), (b"\xff\xd8\xff",)),
    ImageFormat("tiff", "TIFF", (".tif", ".tiff"), _TIFF_STARTS, "tiff"),
    ImageFormat("svs", "Aperio SVS", (".svs",), _TIFF_STARTS, "tiff"),
    ImageFormat("ndpi", "Hamamatsu NDPI", (".ndpi",), _TIFF_STARTS, "tiff"),
)
"""Images that `core.images.read_tile` opens."""

LABEL_ENDINGS: tuple[str, ...] = (".png", ".tif", ".tiff", ".npy")
"""Of files that `core.images.read_labels` opens."""

MODEL_FORMATS: tuple[FileFormat, ...] = (
    FileFormat("safetensors", "safetensors", (".safetensors",)),
    FileFormat("torch", "PyTorch checkpoint", (".pth", ".pt", ".tar")),
)
"""Models that `core.models.load_model` opens."""

MODEL_EXPORTS: tuple[FileFormat, ...] = (
    FileFormat("safetensors", "safetensors", (".safetensors",)),
    FileFormat("onnx", "ONNX", (".onnx",)),
    FileFormat("pt2", "torch.export", (".pt2",)),
)
"""Files that a pruned model can be written as."""


def _endings(formats: Iterable[FileFormat]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(end for each in formats for end in each.endings))


TILE_ENDINGS = _endings(IMAGE_FORMATS)
"""Of files that are taken for tiles."""
MODEL_ENDINGS = _endings(MODEL_FORMATS)
"""Of files that are taken for models."""


def file_filter(title: str, endings: Iterable[str], *, every: bool = True) -> str:
    """Return the filter of a file dialog: ``Images (*.png *.tif);;All files (*)``.

    Parameters
    ----------
    title
        Of the group.
    endings
        Such as `TILE_ENDINGS`.
    every
        Whether all files can be chosen, too.
    """
    group = f"{title} ({' '.join('*' + end for end in endings)})"
    return f"{group};;All files (*)" if every else group
