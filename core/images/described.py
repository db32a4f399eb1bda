"""What a file is that is no image: for sentences."""

from __future__ import annotations

from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

_STARTS: tuple[tuple[bytes, str], ...] = (
    (b"%PDF", "a PDF document"),
    (b"version https://git-lfs", "a Git LFS pointer (git lfs pull fetches the file)"),
    (b"<!DOCTYPE html", "a web page"),
    (b"<!doctype html", "a web page"),
    (b"<html", "a web page"),
    (b"\x93NUMPY", "a NumPy array"),
    (b"MATLAB 5.0", "a MATLAB file"),
    (b"\x89HDF", "an HDF5 file"),
    (b"SQLite format 3", "a database"),
    (b"PK\3\4", "a zip archive"),
    (b"\x1f\x8b", "a gzip archive"),
    (b"Rar!", "a RAR archive"),
    (b"7z\xbc\xaf", "a 7z archive"),
    (b"8BPS", "a Photoshop file"),
    (b"gimp xcf", "a GIMP file"),
    (b"\x80\x02", "a Python pickle"),
    (b"\x80\x04", "a Python pickle"),
    (b"<?xml", "an XML file"),
    (b"<svg", "an SVG drawing"),
    (b"\0\0\0\x0cJXL ", "a JPEG XL image"),
    (b"\xff\x0a", "a JPEG XL image"),
    (b"ZISRAWFILE", "a Zeiss CZI file"),
    (b"IWFZ", "a Flash file"),
    (b"SIMPLE  =", "a FITS image"),
)


def describe_start(path: Path, start: bytes) -> str:
    """Words for a file by its first bytes, such as ``"a PDF document"``."""
    for begin, words in _STARTS:
        if start.startswith(begin):
            return words
    if start[4:8] == b"ftyp":
        brand = start[8:12]
        return (
            "an AVIF or HEIC image" if brand[:2] in (b"av", b"he", b"mi") else "a film"
        )
    if start[128:132] == b"DICM":
        return "a DICOM file that is no slide"
    try:
        start[:256].decode("utf-8")
    except UnicodeDecodeError as error:
        if error.start < min(len(start), 256) - 4:
            ending = path.suffix or "no ending"
            return f"a file of an unknown kind ({ending})"
    return "a text file"
