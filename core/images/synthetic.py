"""Synthetic H&E tissue with exact instances and types.

Two absorbers are laid down as concentration maps (matrix, cells, nuclei), turned
into light by Beer-Lambert, then blurred, made noisy and compressed as a scanner
does. Every nucleus is known, so scores on these tiles are exact.
"""

from dataclasses import dataclass
from typing import Literal

import cv2
import numpy as np
from numpy.typing import NDArray

from core.images.immunostain import brown, counterstain
from core.images.nucleus import TYPES, Nucleus, make_nucleus
from core.images.stain import DAB, HAEMATOXYLIN, from_density, jitter, unit
from core.images.texture import fibres, grain, smooth_noise
from core.types import Tile

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]
Stain = Literal["he", "ihc"]

#: Names of the nucleus types, in the order of their class numbers 1, 2, ...
TYPE_NAMES: tuple[str, ...] = tuple(kind.name for kind in TYPES)

_EPITHELIAL, _INFLAMMATORY, _STROMAL, _DEAD = 1, 2, 3, 4
# eosin as scanners show it: pinker than the published magenta
_HE = (HAEMATOXYLIN, (0.10, 0.86, 0.48))
# beside DAB haematoxylin is bluer
_IHC = ((0.74, 0.60, 0.30), DAB)
_HIDDEN = 0.35  # a nucleus covered by more than this share is not placed


@dataclass(frozen=True, slots=True)
class _Tissue:
    """Where what kind of tissue is; all maps are (h, w)."""

    nest: Bool
    gap: Bool
    crowd: Float  # density of inflammatory cells, 0 to 1
    strands: Float
    direction: Float


def _tissue(shape: tuple[int, int], scale: float, rng: np.random.Generator) -> _Tissue:
    """Divide the tile into nests, stroma and gaps."""
    field = smooth_noise(shape, 42 * scale, rng) + 0.25 * smooth_noise(
        shape, 12 * scale, rng
    )
    level = rng.normal(0.0, 0.8)
    nest = field > level
    edge = np.abs(field - level)
    hole = smooth_noise(shape, 24 * scale, rng) + 0.2 * smooth_noise(shape, 7, rng)
    gap = nest & (field > level + 0.25) & (hole > rng.uniform(1.0, 2.6))
    # retraction: tissue shrinks away from the nests along part of their border
    torn = smooth_noise(shape, 35 * scale, rng) > rng.uniform(0.5, 2.0)
    gap |= torn & (edge < 0.12) & ~nest
    if rng.random() < 0.25:  # edge of the section
        outside = smooth_noise(shape, 90 * scale, rng) + 0.1 * smooth_noise(
            shape, 9, rng
        )
        gap |= outside > rng.uniform(0.6, 1.6)
    crowd = smooth_noise(shape, 30 * scale, rng) - rng.uniform(-0.3, 1.6)
    strands, direction = fibres(
        shape, rng.uniform(0, np.pi), rng.uniform(4, 22) * scale, rng
    )
    return _Tissue(nest & ~gap, gap, np.clip(crowd, 0, 1), strands, direction)


def _candidates(
    tissue: _Tissue, scale: float, rng: np.random.Generator
) -> list[tuple[int, float, float, float]]:
    """Kind, row, column and angle of nuclei to try, spread over the tile."""
    height, width = tissue.nest.shape
    margin = 10 * scale
    step = rng.uniform(17, 26) * scale
    found: list[tuple[int, float, float, float]] = []
    grown = (height + 2 * margin, width + 2 * margin)
    crowded = rng.uniform(0.1, 0.6)
    polarity = smooth_noise((height, width), 60 * scale, rng)
    for kind, spacing in (
        (_EPITHELIAL, step),
        (_STROMAL, 1.6 * step),
        (_INFLAMMATORY, 13 * scale),
    ):
        rows, cols = (int(side / spacing) + 1 for side in grown)
        for cell in range(rows * cols):
            row, col = divmod(cell, cols)
            y = (row + 0.5 + rng.uniform(-0.5, 0.5)) * spacing - margin
            x = (col + 0.5 * (row % 2) + rng.uniform(-0.5, 0.5)) * spacing - margin
            iy = min(max(int(y), 0), height - 1)
            ix = min(max(int(x), 0), width - 1)
            if tissue.gap[iy, ix]:
                continue
            nest, crowd = tissue.nest[iy, ix], tissue.crowd[iy, ix]
            share = {
                _EPITHELIAL: 0.92 * nest,
                _STROMAL: crowded * (not nest),
                _INFLAMMATORY: crowd * (0.85 if not nest else 0.10),
            }[kind]
            if rng.random() >= share:
                continue
            angle = (
                tissue.direction[iy, ix] if kind == _STROMAL else 2 * polarity[iy, ix]
            )
            actual = _DEAD if rng.random() < 0.05 else kind
            found.append((actual, y, x, float(angle) + rng.normal(0, 0.25)))
    order = rng.permutation(len(found))
    return [found[i] for i in order]


def _window(
    nucleus: Nucleus, shape: tuple[int, int]
) -> tuple[tuple[slice, slice], tuple[slice, slice]] | None:
    """Where a nucleus falls in the tile, and which part of it does."""
    spans = []
    for start, size, limit in zip(
        nucleus.corner, nucleus.mask.shape, shape, strict=True
    ):
        low, high = max(start, 0), min(start + size, limit)
        if low >= high:
            return None
        spans.append((slice(low, high), slice(low - start, high - start)))
    return (spans[0][0], spans[1][0]), (spans[0][1], spans[1][1])


@dataclass(frozen=True, slots=True)
class _Canvas:
    """Maps under construction; all (h, w)."""

    labels: NDArray[np.int32]
    haematoxylin: Float
    eosin: Float


def _paint(
    canvas: _Canvas, nucleus: Nucleus, label: int, rng: np.random.Generator
) -> bool:
    """Add one nucleus unless it would hide too much of another."""
    place = _window(nucleus, (canvas.labels.shape[0], canvas.labels.shape[1]))
    if place is None:
        return False
    there, here = place
    mask = nucleus.mask[here].astype(bool)
    below = canvas.labels[there]
    if (
        not mask.any()
        or np.count_nonzero(below[mask]) > _HIDDEN * mask.sum() * rng.random()
    ):
        return False
    soft = cv2.GaussianBlur(nucleus.mask[here].astype(np.float32), (0, 0), 0.7)
    for target, value in (
        (canvas.haematoxylin[there], nucleus.haematoxylin[here]),
        (canvas.eosin[there], nucleus.eosin[here]),
    ):
        lower = np.where(below > 0, 0.55 * target, 0.25 * target)
        target += soft * (value + lower - target)
    below[mask] = label
    return True


def _largest_parts(
    labels: NDArray[np.int32], kinds: NDArray[np.int64]
) -> tuple[NDArray[np.int32], NDArray[np.int64]]:
    """Keep the biggest connected part of each nucleus and number without gaps."""
    clean = np.zeros_like(labels)
    kept: list[int] = []
    for label in range(1, len(kinds) + 1):
        rows, cols = np.nonzero(labels == label)
        if len(rows) == 0:
            continue
        box = (slice(rows.min(), rows.max() + 1), slice(cols.min(), cols.max() + 1))
        _, parts, stats, _ = cv2.connectedComponentsWithStats(
            (labels[box] == label).astype(np.uint8), connectivity=4
        )
        areas = stats[1:, cv2.CC_STAT_AREA]
        if areas.max() < 12:
            continue
        kept.append(int(kinds[label - 1]))
        clean[box][parts == 1 + int(areas.argmax())] = len(kept)
    return clean, np.asarray(kept, np.int64)


def _ground(
    tissue: _Tissue, scale: float, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Concentrations of everything that is not a nucleus."""
    shape = (tissue.nest.shape[0], tissue.nest.shape[1])
    soft = cv2.GaussianBlur(tissue.nest.astype(np.float32), (0, 0), 1.5 * scale)
    mottled = grain(shape, {0.8: 0.5, 2.0: 1.0, 5.0: 0.8, 14.0: 0.8}, rng)
    level, basophil = rng.uniform(0.25, 0.65), rng.uniform(0.05, 0.45)
    cell_eosin = level * (1 + 0.28 * mottled)
    cell_blue = basophil * (
        1 + 0.30 * grain(shape, {1.2: 1.0, 4.0: 1.0, 20.0: 1.0}, rng)
    )
    woven = tissue.strands + 0.5 * grain(shape, {0.9: 0.6, 2.5: 1.0, 7.0: 0.8}, rng)
    thick = np.clip(1 + rng.uniform(0.10, 0.38) * woven, 0.25, None)
    patch = np.clip(1 + 0.35 * smooth_noise(shape, 30 * scale, rng), 0.2, None)
    matrix_eosin = rng.uniform(0.2, 0.8) * thick * patch
    matrix_blue = rng.uniform(0.0, 0.15) * thick
    eosin = soft * cell_eosin + (1 - soft) * matrix_eosin
    blue = soft * cell_blue + (1 - soft) * matrix_blue
    vacuoles = smooth_noise(shape, 4.5 * scale, rng) > rng.uniform(1.9, 3.0)
    clear = cv2.GaussianBlur(
        (tissue.gap | (vacuoles & tissue.nest)).astype(np.float32), (0, 0), 1.1
    )
    eosin *= 1 - 0.97 * clear
    blue *= 1 - 0.97 * clear
    return np.asarray(blue, np.float32), np.asarray(eosin, np.float32)


def _red_cells(
    eosin: Float, tissue: _Tissue, scale: float, rng: np.random.Generator
) -> None:
    """Put clusters of red blood cells into stroma and gaps, in place."""
    height, width = eosin.shape
    for _ in range(int(rng.poisson(0.8 * height * width / 256**2))):
        middle = rng.uniform(0, (height, width))
        for _ in range(int(rng.integers(1, 14))):
            row, col = middle + rng.normal(0, 14 * scale, 2)
            radius = rng.uniform(5.0, 7.5) * scale
            if (
                not (0 <= row < height and 0 <= col < width)
                or tissue.nest[int(row), int(col)]
            ):
                continue
            disc = np.zeros((height, width), np.uint8)
            axes = (int(radius), int(radius * rng.uniform(0.6, 1.0)))
            cv2.ellipse(
                disc, (int(col), int(row)), axes, rng.uniform(0, 180), 0, 360, 1, -1
            )
            low, left = max(int(row - 2 * radius), 0), max(int(col - 2 * radius), 0)
            box = np.s_[
                low : int(row + 2 * radius) + 1, left : int(col + 2 * radius) + 1
            ]
            small = disc[box]
            depth = np.minimum(
                cv2.distanceTransform(small, cv2.DIST_L2, 3) / radius, 0.5
            )
            value = rng.uniform(0.7, 1.2) * (1.1 - depth)
            eosin[box] = np.where(small > 0, value, eosin[box])


def _ghosts(
    canvas: _Canvas, tissue: _Tissue, scale: float, rng: np.random.Generator
) -> None:
    """Add nuclei far out of focus, which nobody would outline, in place."""
    height, width = canvas.labels.shape
    for _ in range(int(rng.poisson(2.0 * height * width / 256**2))):
        centre = (float(rng.uniform(0, height)), float(rng.uniform(0, width)))
        if tissue.gap[int(centre[0]), int(centre[1])]:
            continue
        ghost = make_nucleus(_EPITHELIAL, centre, rng.uniform(0, 3.1), scale, rng)
        place = _window(ghost, (height, width))
        if place is None:
            continue
        haze = cv2.GaussianBlur(ghost.mask.astype(np.float32), (0, 0), 4 * scale)
        canvas.haematoxylin[place[0]] += rng.uniform(0.1, 0.3) * haze[place[1]]


def _photograph(
    layers: tuple[Float, Float], dyes: Float, rng: np.random.Generator
) -> NDArray[np.uint8]:
    """Stain, light, lens, sensor and file format."""
    stains = jitter(dyes, 0.07, rng)
    strength = rng.uniform(0.75, 1.35, 2)
    shape = (layers[0].shape[0], layers[0].shape[1])
    uneven = 1 + 0.08 * smooth_noise(shape, 80, rng)
    amounts = np.stack(
        [layers[0] * strength[0] * 1.1, layers[1] * strength[1]], axis=-1
    )
    density = (np.maximum(amounts, 0) * uneven[..., None]) @ stains
    glass = rng.uniform(0.02, 0.12) + rng.normal(0, 0.012, 3)
    density = cv2.GaussianBlur(
        (density + np.maximum(glass, 0)).astype(np.float32),
        (0, 0),
        rng.uniform(0.5, 1.3),
    )
    light = from_density(density).astype(np.float32)
    noise = rng.standard_normal(light.shape, dtype=np.float32)
    light += cv2.GaussianBlur(noise, (0, 0), 0.6) * rng.uniform(1.0, 4.5)
    pixels = np.clip(light, 0, 255).astype(np.uint8)
    quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(70, 96))]
    _, coded = cv2.imencode(".jpg", pixels[..., ::-1], quality)
    decoded = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return np.ascontiguousarray(decoded[..., ::-1])


def synthetic_tile(
    size: int | tuple[int, int] = 512,
    seed: int = 0,
    *,
    scale: float = 1.0,
    stain: Stain = "he",
) -> tuple[Tile, NDArray[np.int32], NDArray[np.int64]]:
    """Make one H&E tile and its ground truth.

    Parameters
    ----------
    size
        Side, or (height, width), in pixels.
    seed
        The same seed gives the same tile.
    scale
        Enlargement; 1 is 40x (0.25 micrometres per pixel).
    stain
        ``"he"``, or ``"ihc"`` for brown DAB over pale haematoxylin.

    Returns
    -------
    tile
        The image.
    labels
        int32 (height, width); 0 is background, nuclei are 1..n without gaps and
        each is one connected piece.
    classes
        int64 (n,), 1-based into `TYPE_NAMES`.

    Raises
    ------
    ValueError
        When the tile would be empty or `scale` is not positive.
    """
    shape = (size, size) if isinstance(size, int) else size
    if min(shape) < 1 or scale <= 0:
        raise ValueError(f"a tile of {shape} at scale {scale} cannot be made")
    immune = stain == "ihc"
    rng = np.random.default_rng([seed, *shape, 1] if immune else [seed, *shape])
    tissue = _tissue(shape, scale, rng)
    blue, eosin = _ground(tissue, scale, rng)
    _red_cells(eosin, tissue, scale, rng)
    canvas = _Canvas(np.zeros(shape, np.int32), blue, eosin)
    _ghosts(canvas, tissue, scale, rng)
    kinds: list[int] = []
    grown = scale * rng.uniform(0.85, 1.15)
    columnar = rng.uniform(1.0, 2.6) if immune else 1.0
    for kind, row, col, angle in _candidates(tissue, scale, rng):
        stretch = columnar if kind == _EPITHELIAL else 1.0
        nucleus = make_nucleus(kind, (row, col), angle, grown, rng, stretch)
        if _paint(canvas, nucleus, len(kinds) + 1, rng):
            kinds.append(kind)
    labels, classes = _largest_parts(canvas.labels, np.asarray(kinds, np.int64))
    layers, dyes = (canvas.haematoxylin, canvas.eosin), _HE
    if immune:
        pale = counterstain(canvas.haematoxylin, canvas.eosin, labels, rng)
        layers, dyes = (pale, brown(labels, classes, tissue.nest, scale, rng)), _IHC
    pixels = _photograph(layers, unit(dyes), rng)
    return Tile(pixels, 0.25 / scale, f"synthetic {stain} {seed}"), labels, classes
