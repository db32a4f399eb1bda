"""Outlines in files: GeoJSON, COCO, HoVer-Net JSON, Aperio and ASAP XML, ImageJ ROI."""

from __future__ import annotations

import gzip
import json
import zipfile
from typing import TYPE_CHECKING, Any

import numpy as np

from core.errors import InputError
from core.images.labels.coco import read_coco
from core.images.labels.outlines import draw
from core.images.labels.truth import Outline

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping
    from pathlib import Path

    from numpy.typing import NDArray

    from core.images.labels.truth import Frame, Truth

MOST_BYTES = 400_000_000
_MOST_ROIS = 100_000
_KINDS = "GeoJSON (QuPath), COCO or HoVer-Net"


def read_json(path: Path, frame: Frame) -> Truth:
    """Read GeoJSON, COCO or HoVer-Net's own JSON, told by its content.

    Raises
    ------
    InputError
        When it is none of these.
    """
    try:
        found = json.loads(_text(path))
    except (ValueError, RecursionError) as error:
        raise InputError(
            f"{path.name} is no JSON that can be read ({type(error).__name__}); "
            "export it again."
        ) from None
    if isinstance(found, dict) and "annotations" in found and "images" in found:
        return read_coco(found, frame, path.name)
    if isinstance(found, dict) and _is_hovernet(found):
        return draw(list(_hovernet(found)), frame, path.name)
    features = _features(found)
    if features is None:
        raise InputError(f"{path.name} is no JSON of a known kind; export {_KINDS}.")
    return draw(list(_geojson(features)), frame, path.name)


def _text(path: Path) -> str:
    """Read a text file of bounded size, packed or not."""
    with path.open("rb") as plain:
        packed = plain.read(2) == b"\x1f\x8b"
    with gzip.open(path) if packed else path.open("rb") as file:
        data = file.read(MOST_BYTES + 1)
    if len(data) > MOST_BYTES:
        raise InputError(
            f"{path.name} holds more than {MOST_BYTES // 1_000_000} MB of text; "
            "export a smaller region."
        )
    return to_text(data)


def to_text(data: bytes) -> str:
    """Decode text as its mark says, else as UTF-8, else as Latin-1.

    Coordinates are the same in all of these; only names with accents differ.
    """
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        return data.decode("utf-16", "replace")
    try:
        return data.decode("utf-8-sig")
    except UnicodeDecodeError:
        return data.decode("latin-1")


def _features(found: Any) -> list[Any] | None:
    if isinstance(found, dict):
        if isinstance(found.get("features"), list):
            return list(found["features"])
        if isinstance(found.get("geometries"), list):
            return [{"geometry": each} for each in found["geometries"]]
        return [found] if found.get("type") == "Feature" else None
    if isinstance(found, list) and all(isinstance(f, dict) for f in found):
        return found if any("geometry" in each for each in found) else None
    return None


def _geojson(features: list[Any]) -> Iterator[Outline]:
    for each in features:
        about = each.get("properties") or {}
        # QuPath cells carry both borders; the nucleus is the one that is meant
        shape = each.get("nucleusGeometry") or each.get("geometry") or {}
        kind = about.get("classification") or about.get("class") or ""
        if isinstance(kind, dict):  # newer versions of QuPath list the parts of a name
            names = kind.get("names")
            parts = names if isinstance(names, list) else [kind.get("name") or ""]
            kind = ": ".join(map(str, parts))
        places = shape.get("coordinates") or ()
        if shape.get("type") == "Polygon":
            places = [places]
        elif shape.get("type") != "MultiPolygon":
            continue
        rings = [_ring(ring) for polygon in places for ring in polygon]
        kept = tuple(ring for ring in rings if len(ring) >= 3)
        if kept:
            yield Outline(kept, str(kind or ""))


def _ring(points: Any) -> NDArray[np.float64]:
    found = np.asarray(points, np.float64)
    if found.ndim != 2 or found.shape[1] < 2:
        raise ValueError("an outline is a list of points")
    return found[:, :2]


def _is_hovernet(found: Mapping[str, Any]) -> bool:
    nuclei = found.get("nuc", found)
    first = next(iter(nuclei.values()), None) if isinstance(nuclei, dict) else None
    return isinstance(first, dict) and "contour" in first


def _hovernet(found: Mapping[str, Any]) -> Iterator[Outline]:
    for nucleus in found.get("nuc", found).values():
        ring = _ring(nucleus["contour"])
        number = nucleus.get("type")
        if len(ring):
            kind = "" if number in (None, 0) else f"type {number}"
            yield Outline((ring,), kind)


def read_xml(path: Path, frame: Frame) -> Truth:
    """Read outlines of Aperio ImageScope (MoNuSeg, MoNuSAC) or ASAP.

    Raises
    ------
    InputError
        When it holds none, or declares entities.
    """
    from xml.etree import ElementTree

    text = _text(path)
    if "<!DOCTYPE" in text or "<!ENTITY" in text:
        raise InputError(
            f"{path.name} declares a document type, which annotations do not need; "
            "export it again."
        )
    root = ElementTree.fromstring(text)
    return draw(list(_annotations(root)), frame, path.name)


def _annotations(root: Any) -> Iterator[Outline]:
    for group in root.iter("Annotation"):
        attributes = group.find("Attributes")
        first = None if attributes is None else attributes.find("Attribute")
        said = "" if first is None else first.get("Name", "")
        name = group.get("Name") or said
        for region in group.iter("Region"):
            kind = name if name != "Region" else ""
            yield from _points(region.iter("Vertex"), kind)
        kind = group.get("PartOfGroup", "")
        yield from _points(group.iter("Coordinate"), kind if kind != "None" else "")


def _points(found: Iterator[Any], kind: str) -> Iterator[Outline]:
    ring = np.array([(float(p.get("X")), float(p.get("Y"))) for p in found])
    if len(ring) >= 3:
        yield Outline((ring,), kind)


def read_rois(path: Path, frame: Frame) -> Truth:
    """Read one ImageJ ROI, or a zip of them.

    Raises
    ------
    InputError
        When there is no area among them.
    """
    return draw(list(_rois(path)), frame, path.name)


def _rois(path: Path) -> Iterator[Outline]:
    import roifile

    for data in _roi_files(path):
        roi = roifile.ImagejRoi.frombytes(data)
        places = roi.coordinates(multi=True)
        rings = [np.asarray(ring, np.float64) for ring in places if len(ring) >= 3]
        if rings:
            yield Outline(tuple(rings))


def _roi_files(path: Path) -> Iterator[bytes]:
    if not zipfile.is_zipfile(path):
        yield path.read_bytes()
        return
    with zipfile.ZipFile(path) as packed:
        listed = [e for e in packed.infolist() if _is_roi(e.filename)]
        total = sum(entry.file_size for entry in listed)
        if not listed:
            raise InputError(
                f"{path.name} holds no .roi file; save the ROI Manager's list as zip."
            )
        if len(listed) > _MOST_ROIS or total > MOST_BYTES:
            raise InputError(
                f"{path.name} holds {len(listed):,} ROIs of {total / 1e6:,.0f} MB, too "
                "many to draw at once; export a smaller region."
            )
        for entry in listed:
            yield packed.read(entry)


def _is_roi(name: str) -> bool:
    """Whether a member is an outline; macOS adds hidden files of the same ending."""
    hidden = any(part.startswith((".", "__MACOSX")) for part in name.split("/"))
    return name.lower().endswith(".roi") and not hidden
