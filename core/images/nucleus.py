"""Synthetic nuclei: what each type looks like, and how one is painted."""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.images.texture import outline

Float = NDArray[np.float32]
Range = tuple[float, float]


@dataclass(frozen=True, slots=True)
class NucleusType:
    """Ranges from which one nucleus is drawn; lengths in pixels at 40x.

    Parameters
    ----------
    name
        Shown to the user.
    radius
        Mean radius.
    elongation
        Long over short axis.
    density
        Haematoxylin concentration.
    pallor
        Share of the inside that is cleared, leaving rim and chromatin.
    roughness
        Irregularity of the outline.
    nucleoli
        Fewest and most.
    eosin
        Eosin concentration inside.
    """

    name: str
    radius: Range
    elongation: Range
    density: Range
    pallor: Range
    roughness: float
    nucleoli: tuple[int, int]
    eosin: Range


TYPES: tuple[NucleusType, ...] = (
    NucleusType(
        "epithelial",
        (9, 17),
        (1.0, 1.6),
        (0.65, 1.25),
        (0.3, 0.75),
        0.12,
        (0, 3),
        (0.2, 0.5),
    ),
    NucleusType(
        "inflammatory",
        (5.5, 8),
        (1.0, 1.25),
        (1.3, 2.0),
        (0.0, 0.25),
        0.07,
        (0, 0),
        (0.05, 0.3),
    ),
    NucleusType(
        "stromal",
        (6.5, 9.5),
        (2.2, 4.5),
        (0.9, 1.6),
        (0.05, 0.4),
        0.10,
        (0, 1),
        (0.1, 0.4),
    ),
    NucleusType(
        "dead", (4, 8), (1.0, 1.5), (1.6, 2.4), (0.0, 0.05), 0.22, (0, 0), (0.5, 1.1)
    ),
)


@dataclass(frozen=True, slots=True)
class Nucleus:
    """One nucleus ready to be painted.

    Parameters
    ----------
    kind
        1-based index into `TYPES`.
    corner
        Row and column of the patch in the tile; may be negative.
    mask
        uint8 (h, w), 0 or 1.
    haematoxylin, eosin
        float32 (h, w) concentrations inside the mask.
    """

    kind: int
    corner: tuple[int, int]
    mask: NDArray[np.uint8]
    haematoxylin: Float
    eosin: Float


def _chromatin(
    mask: NDArray[np.uint8], kind: NucleusType, rng: np.random.Generator
) -> Float:
    """Relative haematoxylin inside one nucleus, about 0.2 to 1.6."""
    depth = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)
    pallor = rng.uniform(*kind.pallor)
    noise = rng.standard_normal(mask.shape, dtype=np.float32)
    fine = cv2.GaussianBlur(noise, (0, 0), 0.9)
    clumps = cv2.GaussianBlur(noise, (0, 0), rng.uniform(1.6, 2.6))
    pattern = 0.5 * fine / fine.std() + clumps / clumps.std()
    rim = np.exp(-((depth - 1.2) ** 2) / rng.uniform(0.8, 2.0))
    value = (1 - pallor) + (0.10 + 0.30 * pallor) * pattern + 0.75 * pallor * rim
    return np.asarray(np.clip(value, 0.12, 1.9), np.float32)


def _nucleoli(
    value: Float, depth: Float, count: int, rng: np.random.Generator
) -> Float:
    """Map of nucleoli, 0 to 1, well inside the nucleus."""
    spots = np.zeros_like(value)
    inside = np.argwhere(depth > 0.4 * depth.max())
    for _ in range(count):
        row, col = inside[rng.integers(len(inside))]
        radius = rng.uniform(0.12, 0.24) * float(depth.max())
        y, x = np.ogrid[: value.shape[0], : value.shape[1]]
        spot = np.exp(-((((y - row) ** 2 + (x - col) ** 2) / (radius**2 + 0.5)) ** 2))
        spots = np.maximum(spots, spot.astype(np.float32))
    return spots


def make_nucleus(
    kind: int,
    centre: tuple[float, float],
    angle: float,
    scale: float,
    rng: np.random.Generator,
    stretch: float = 1.0,
) -> Nucleus:
    """Draw one nucleus.

    Parameters
    ----------
    kind
        1-based index into `TYPES`.
    centre
        Row and column in pixels.
    angle
        Direction of the long axis in radians.
    scale
        Enlargement, 1 for 40x.
    rng
        Source of randomness.
    stretch
        Multiplies long over short axis.
    """
    look = TYPES[kind - 1]
    radius = rng.uniform(*look.radius) * scale
    longer = np.sqrt(rng.uniform(*look.elongation) * stretch)
    points = outline((radius * longer, radius / longer), angle, look.roughness, rng)
    points += np.asarray(centre, np.float32)[::-1] % 1
    low = np.floor(points.min(axis=0)).astype(int) - 2
    size = np.ceil(points.max(axis=0)).astype(int) + 3 - low
    mask = np.zeros((size[1], size[0]), np.uint8)
    fixed = np.round((points - low) * 16).astype(np.int32)
    cv2.fillPoly(mask, [fixed], 1, lineType=cv2.LINE_8, shift=4)
    corner = (int(np.floor(centre[0])) + low[1], int(np.floor(centre[1])) + low[0])
    depth = np.asarray(cv2.distanceTransform(mask, cv2.DIST_L2, 3), np.float32)
    dense = rng.uniform(*look.density) * _chromatin(mask, look, rng)
    spots = _nucleoli(
        dense, depth, int(rng.integers(look.nucleoli[0], look.nucleoli[1] + 1)), rng
    )
    dense = dense + 0.8 * spots
    pink = rng.uniform(*look.eosin) + 0.5 * spots
    return Nucleus(
        kind, corner, mask, dense.astype(np.float32), pink.astype(np.float32)
    )
