"""Options that say which part of a picture is opened, and at which scale."""

import argparse
from dataclasses import replace
from typing import Any

from core.sources import Source, TileRegion

_NAMES = ("region", "level", "mpp", "tile_mpp", "resample")


def add_view(parser: argparse.ArgumentParser) -> None:
    """Add the options of a slide, and of the scale."""
    group = parser.add_argument_group("part and scale of the tile")
    group.add_argument(
        "--region",
        type=_region,
        metavar="X,Y,W,H",
        help="part of a slide or image, in pixels of --level",
    )
    group.add_argument(
        "--level", type=_level, metavar="L", help="resolution of a slide, 0 the finest"
    )
    group.add_argument(
        "--mpp", type=_size, metavar="M", help="read the part at M µm per pixel"
    )
    add_scale(group)


def add_calibration(parser: argparse._ActionsContainer) -> None:
    """Add the option that says what a model is calibrated on."""
    parser.add_argument(
        "--calibration",
        metavar="DIR",
        help="tiles to read activation statistics from, without labels: a folder, a "
        "file or sample:NAME; the tiles of the run and the samples if left out",
    )


def add_scale(parser: argparse._ActionsContainer) -> None:
    """Add the options of the scale alone."""
    parser.add_argument(
        "--tile-mpp",
        type=_size,
        metavar="M",
        help="µm per pixel, where the file states none or a wrong one",
    )
    parser.add_argument(
        "--resample",
        choices=("auto", "off"),
        help="auto (if left out) brings tiles to the model's pixel size",
    )


def with_view(found: dict[str, Any], name: str) -> None:
    """Put the options of a view into the source that they belong to.

    Parameters
    ----------
    found
        What argparse found; the options are taken out of it.
    name
        Key of the source, ``"tile"`` or ``"data"``.
    """
    asked = {key: found.pop(key, None) for key in _NAMES}
    if all(value is None for value in asked.values()):
        return
    source = Source.of_tile(found.get(name) or "")
    old = source.view
    view = TileRegion(
        asked["region"] or old.region,
        old.level if asked["level"] is None else asked["level"],
        asked["mpp"] or old.mpp,
        asked["tile_mpp"] or old.pixel_size,
        old.resample if asked["resample"] is None else asked["resample"] == "auto",
    )
    found[name] = replace(source, labels="", view=view).text
    if source.labels and not found.get("labels"):
        found["labels"] = source.labels


def _region(text: str) -> tuple[int, int, int, int]:
    parts = text.replace(" ", "").split(",")
    try:
        x, y, width, height = (int(part) for part in parts)
    except ValueError:
        raise argparse.ArgumentTypeError(
            f"{text!r} is not X,Y,WIDTH,HEIGHT in pixels"
        ) from None
    if min(x, y) < 0 or min(width, height) < 1:
        raise argparse.ArgumentTypeError(f"{text!r} is no region of a picture")
    return x, y, width, height


def _level(text: str) -> int:
    if not text.isdigit():
        raise argparse.ArgumentTypeError(f"{text!r} is no level: write 0, 1, 2, ...")
    return int(text)


def _size(text: str) -> float:
    try:
        value = float(text.replace(",", "."))
    except ValueError:
        value = 0.0
    if not 0.01 <= value <= 100:
        raise argparse.ArgumentTypeError(f"{text!r} is no pixel size in µm")
    return value
