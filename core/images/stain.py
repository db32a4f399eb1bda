"""Stains as light absorbers: Beer-Lambert, both ways.

A pixel is ``255 * exp(-C @ M)`` with concentrations C and stain vectors M.
Stain vectors: Ruifrok & Johnston 2001 (Anal Quant Cytol Histol 23:291-299).
"""

import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]

#: Unit optical densities in red, green and blue.
HAEMATOXYLIN: tuple[float, float, float] = (0.650, 0.704, 0.286)
EOSIN: tuple[float, float, float] = (0.072, 0.990, 0.105)
DAB: tuple[float, float, float] = (0.268, 0.570, 0.776)


def unit(vector: object) -> Float:
    """Scale a vector, or each row of a matrix, to length 1.

    Parameters
    ----------
    vector
        (..., 3) of non-zero length.
    """
    array = np.asarray(vector, np.float32)
    scaled: Float = array / np.linalg.norm(array, axis=-1, keepdims=True)
    return scaled


def to_density(pixels: NDArray[np.uint8]) -> Float:
    """Optical density of an image.

    Parameters
    ----------
    pixels
        uint8 (h, w, 3). 0 counts as 1, so that densities stay finite.

    Returns
    -------
    array
        float32 (h, w, 3), natural logarithm, 0 (white) to 5.54.
    """
    table = -np.log(np.maximum(np.arange(256), 1) / 255.0).astype(np.float32)
    density: Float = table[pixels]
    return density


def from_density(density: Float) -> NDArray[np.uint8]:
    """Image of an optical density; the inverse of `to_density`.

    Parameters
    ----------
    density
        float (h, w, 3), natural logarithm; negative values become white.
    """
    light = np.exp(-density) * 255.0 + 0.5
    return np.clip(light, 0, 255).astype(np.uint8)


def haematoxylin_eosin_matrix(third: object | None = None) -> Float:
    """3x3 stain matrix, rows of unit length.

    Parameters
    ----------
    third
        The third stain (DAB for immunohistochemistry); by default the direction
        perpendicular to the other two.
    """
    first = unit([HAEMATOXYLIN, EOSIN])
    rest = np.cross(first[0], first[1]) if third is None else third
    return unit(np.vstack([first, np.asarray(rest, np.float32)[None]]))


def separate(density: Float, stains: Float) -> Float:
    """Concentrations of three stains.

    Parameters
    ----------
    density
        float32 (h, w, 3).
    stains
        float32 (3, 3), one stain a row.

    Returns
    -------
    array
        float32 (h, w, 3); may be slightly negative.
    """
    mixed: Float = density @ np.linalg.inv(stains).astype(np.float32)
    return mixed


def jitter(stains: Float, amount: float, rng: np.random.Generator) -> Float:
    """Stain vectors moved at random, still non-negative and of unit length.

    Parameters
    ----------
    stains
        float32 (n, 3).
    amount
        Standard deviation of the move, in units of the vectors' length.
    rng
        Source of randomness.
    """
    moved = stains + rng.normal(0.0, amount, stains.shape)
    return unit(np.maximum(moved, 0.01))
