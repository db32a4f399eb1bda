"""File formats: what is opened and what is written.

A file is recognised by its first bytes; the endings are for dialogs and for folders.
"""

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Literal

ImageReader = Literal["raster", "tiff", "openslide", "ngff"]
LabelReader = Literal["raster", "tiff", "numpy", "matlab", "json", "xml", "roi"]


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
        Which reader of `core.images` decodes it; ``"raster"`` is Pillow, which knows
        the format by the key.
    """

    starts: tuple[bytes, ...] = ()
    reader: ImageReader = "raster"


@dataclass(frozen=True, slots=True)
class LabelFormat(FileFormat):
    """One kind of ground truth.

    Parameters
    ----------
    reader
        Which reader of `core.images.labels` decodes it.
    types
        Whether such a file may hold types of nuclei.
    """

    reader: LabelReader = "raster"
    types: bool = False


_TIFF_STARTS = (b"II*\0", b"MM\0*", b"II+\0", b"MM\0+")
_JPEG_STARTS = (b"\xff\xd8\xff",)
_DICOM = (b"\0" * 128 + b"DICM",)
_JP2_STARTS = (b"\0\0\0\x0cjP  ", b"\xff\x4f\xff\x51")
IMAGE_FORMATS: tuple[ImageFormat, ...] = (
    ImageFormat("png", "PNG", (".png",), (b"\x89PNG\r\n\x1a\n",)),
    ImageFormat("jpeg", "JPEG", (".jpg", ".jpeg"), _JPEG_STARTS),
    ImageFormat("bmp", "BMP", (".bmp",), (b"BM",)),
    ImageFormat("gif", "GIF", (".gif",), (b"GIF87a", b"GIF89a")),
    ImageFormat("webp", "WebP", (".webp",), (b"RIFF",)),
    ImageFormat("jpeg2000", "JPEG 2000", (".jp2", ".j2k", ".jpx"), _JP2_STARTS),
    ImageFormat("tiff", "TIFF", (".tif", ".tiff", ".btf"), _TIFF_STARTS, "tiff"),
    ImageFormat("qptiff", "Akoya QPTIFF", (".qptiff",), _TIFF_STARTS, "tiff"),
    ImageFormat("svs", "Aperio SVS", (".svs",), _TIFF_STARTS, "openslide"),
    ImageFormat("ndpi", "Hamamatsu NDPI", (".ndpi",), _TIFF_STARTS, "openslide"),
    ImageFormat("scn", "Leica SCN", (".scn",), _TIFF_STARTS, "openslide"),
    ImageFormat("bif", "Ventana BIF", (".bif",), _TIFF_STARTS, "openslide"),
    ImageFormat("mrxs", "3DHISTECH MIRAX", (".mrxs",), _JPEG_STARTS, "openslide"),
    ImageFormat("dicom", "DICOM slide", (".dcm",), _DICOM, "openslide"),
    ImageFormat("czi", "Zeiss CZI", (".czi",), (b"ZISRAWFILE",), "openslide"),
    ImageFormat("svslide", "Sakura", (".svslide",), (b"SQLite format 3",), "openslide"),
    ImageFormat("ngff", "OME-Zarr", (".zarr", ".zip", ".ozx"), (b"PK\3\4",), "ngff"),
)
"""Images that `core.images.read_tile` and `core.images.read_slide` open."""

LABEL_FORMATS: tuple[LabelFormat, ...] = (
    LabelFormat("png", "PNG, BMP or GIF label image", (".png", ".bmp", ".gif")),
    LabelFormat("tiff", "TIFF label image", (".tif", ".tiff"), "tiff", types=True),
    LabelFormat("numpy", "NumPy array", (".npy", ".npz"), "numpy", types=True),
    LabelFormat("matlab", "MATLAB", (".mat",), "matlab", types=True),
    LabelFormat(
        "geojson", "GeoJSON (QuPath)", (".geojson", ".geojson.gz"), "json", types=True
    ),
    LabelFormat("json", "COCO or HoVer-Net JSON", (".json",), "json", types=True),
    LabelFormat("xml", "Aperio XML", (".xml",), "xml", types=True),
    LabelFormat("roi", "ImageJ ROI", (".zip", ".roi"), "roi"),
)
"""Ground truth that `core.images.read_truth` opens."""

MODEL_FORMATS: tuple[FileFormat, ...] = (
    FileFormat("safetensors", "safetensors", (".safetensors",)),
    FileFormat(
        "torch", "PyTorch checkpoint", (".pth", ".pt", ".tar", ".ckpt", ".bin", ".ts")
    ),
    FileFormat("onnx", "ONNX", (".onnx",)),
    FileFormat("pt2", "Exported program (torch.export)", (".pt2",)),
)
"""Models that `core.models.load_model` opens."""

MODEL_EXPORTS: tuple[FileFormat, ...] = (
    FileFormat("safetensors", "safetensors", (".safetensors",)),
    FileFormat("onnx", "ONNX", (".onnx",)),
    FileFormat("pt2", "torch.export", (".pt2",)),
)
"""Files that a pruned model can be written as."""

NUCLEUS_EXPORTS: tuple[FileFormat, ...] = (
    FileFormat("geojson", "GeoJSON (QuPath)", (".geojson", ".geojson.gz", ".json")),
    FileFormat("tiff", "TIFF label image", (".tif", ".tiff")),
)
"""Files that nuclei can be written as."""


def _endings(formats: Iterable[FileFormat]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(end for each in formats for end in each.endings))


TILE_ENDINGS = _endings(IMAGE_FORMATS)
"""Of files that are taken for tiles."""
LABEL_ENDINGS = _endings(LABEL_FORMATS)
"""Of files that are taken for ground truth."""
MODEL_ENDINGS = _endings(MODEL_FORMATS)
"""Of files that are taken for models."""
MODEL_LIKE_ENDINGS = tuple(dict.fromkeys((*MODEL_ENDINGS, *_endings(MODEL_EXPORTS))))
"""Of models, also of those that cannot be opened and are refused with a reason."""
NUCLEUS_EXPORT_ENDINGS = _endings(NUCLEUS_EXPORTS)
"""Of files that nuclei are written to."""


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
