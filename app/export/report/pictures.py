"""Tiles with masks as PNG: arrays in, bytes out, no Qt."""

import base64
import io

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from app.export.report.facts import Facts
from app.rendering.overlay import Camera, Colours, compose, sample
from app.rendering.palette import by_kind, by_type
from app.state.values import Kind, Labels, Picture

_LARGEST, _SMALLEST = 1200, 640  # pixels of the longer side
_LOST: frozenset[Kind] = frozenset({"lost"})


def pictures(facts: Facts) -> dict[str, str]:
    """Return the pictures of a report as ``data:`` addresses.

    Returns
    -------
    dict
        ``"dense"``, ``"pruned"`` (nuclei in colours of their types) and
        ``"difference"`` (what became of them).
    """
    dense, pruned, changes = facts.dense, facts.pruned, facts.outcome.changes
    typed = {
        name: [(n.levels, by_type(n.count, n.classes, fill=False, opacity=1.0))]
        for name, n in (("dense", dense), ("pruned", pruned))
    }
    typed["difference"] = [
        (pruned.levels, by_kind(changes.after_kind, opacity=1.0)),
        (dense.levels, by_kind(changes.before_kind, opacity=1.0, only=_LOST)),
    ]
    return {
        name: as_data(drawn(facts.picture, layers)) for name, layers in typed.items()
    }


def drawn(
    picture: Picture, layers: list[tuple[tuple[Labels, ...], Colours]]
) -> NDArray[np.uint8]:
    """Draw masks over a whole tile.

    Parameters
    ----------
    picture
        The tile.
    layers
        Labels and how they look, the last on top.

    Returns
    -------
    uint8 (height, width, 3)
        At most `_LARGEST` pixels on the longer side, small tiles enlarged.
    """
    width, height = picture.size
    longer = max(width, height)
    scale = _LARGEST / longer if longer > _LARGEST else max(_SMALLEST // longer, 1)
    size = max(round(width * scale), 1), max(round(height * scale), 1)
    packed = np.ascontiguousarray(picture.levels[0])
    rgb = np.stack([packed >> 16, packed >> 8, packed], axis=-1).astype(np.uint8)
    smooth = Image.Resampling.LANCZOS if scale < 1 else Image.Resampling.BICUBIC
    shown = np.asarray(Image.fromarray(rgb).resize(size, smooth), np.float64)
    camera = Camera(width / 2, height / 2, scale)
    for levels, colours in layers:
        mask = compose(sample(levels, camera, size), colours)
        alpha = (mask >> 24).astype(np.float64)[..., None] / 255
        over = np.stack([mask >> 16 & 255, mask >> 8 & 255, mask & 255], axis=-1)
        shown = shown * (1 - alpha) + over  # colours are premultiplied
    return np.clip(np.rint(shown), 0, 255).astype(np.uint8)


def as_data(pixels: NDArray[np.uint8]) -> str:
    """Return an RGB image as a PNG in a ``data:`` address."""
    out = io.BytesIO()
    Image.fromarray(pixels).save(out, "PNG", optimize=True)
    return "data:image/png;base64," + base64.b64encode(out.getvalue()).decode()
