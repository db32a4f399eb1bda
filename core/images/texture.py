"""Random fields and outlines that synthetic tissue is made of."""

from collections.abc import Mapping

import cv2
import numpy as np
from numpy.typing import NDArray

Float = NDArray[np.float32]


def smooth_noise(
    shape: tuple[int, int], scale: float, rng: np.random.Generator
) -> Float:
    """Gaussian noise of one scale, mean 0 and standard deviation 1.

    Parameters
    ----------
    shape
        (height, width).
    scale
        Correlation length in pixels, at least 0.5.
    rng
        Source of randomness.

    Returns
    -------
    array
        float32 of `shape`. Coarse scales are drawn small and enlarged.
    """
    step = max(1, int(scale / 2))
    margin = 4
    small = (shape[0] // step + 2 * margin, shape[1] // step + 2 * margin)
    field = rng.standard_normal(small, dtype=np.float32)
    field = np.asarray(
        cv2.GaussianBlur(field, (0, 0), max(scale / step, 0.5)), np.float32
    )
    field /= max(float(field.std()), 1e-6)
    if step == 1:
        return field[margin : margin + shape[0], margin : margin + shape[1]]
    size = (small[1] * step, small[0] * step)
    field = np.asarray(
        cv2.resize(field, size, interpolation=cv2.INTER_CUBIC), np.float32
    )
    offset = margin * step
    return field[offset : offset + shape[0], offset : offset + shape[1]]


def grain(
    shape: tuple[int, int], scales: Mapping[float, float], rng: np.random.Generator
) -> Float:
    """Sum of `smooth_noise` over scales, standard deviation about 1.

    Parameters
    ----------
    shape
        (height, width).
    scales
        Correlation length in pixels -> weight.
    rng
        Source of randomness.
    """
    total = np.zeros(shape, np.float32)
    for scale, weight in scales.items():
        total += weight * smooth_noise(shape, scale, rng)
    total /= float(np.sqrt(sum(w * w for w in scales.values())))
    return total


def fibres(
    shape: tuple[int, int], angle: float, waviness: float, rng: np.random.Generator
) -> tuple[Float, Float]:
    """Wavy strands, and the direction they run in.

    Parameters
    ----------
    shape
        (height, width).
    angle
        Main direction in radians, from the x axis.
    waviness
        Amplitude of the waves in pixels.
    rng
        Source of randomness.

    Returns
    -------
    strands
        float32 of `shape`, about -2 to 3, high inside a strand.
    direction
        float32 of `shape`, radians.
    """
    height, width = shape
    side = int(np.hypot(height, width) + 8 * waviness) + 8
    along = rng.standard_normal((side, side), dtype=np.float32)
    thin = cv2.GaussianBlur(along, (0, 0), 18, sigmaY=0.8)
    wide = cv2.GaussianBlur(along, (0, 0), 30, sigmaY=4.0)
    sheet = 0.8 * thin / thin.std() + 0.5 * wide / wide.std()
    y, x = np.mgrid[:height, :width].astype(np.float32)
    x -= width / 2
    y -= height / 2
    u = np.cos(angle) * x + np.sin(angle) * y
    v = -np.sin(angle) * x + np.cos(angle) * y
    wave = waviness * (
        smooth_noise(shape, 45, rng) + 0.30 * smooth_noise(shape, 14, rng)
    )
    u = (u + 0.5 * waviness * smooth_noise(shape, 60, rng)).astype(np.float32)
    v = (v + wave).astype(np.float32)
    strands = cv2.remap(
        sheet,
        u + np.float32(side / 2),
        v + np.float32(side / 2),
        cv2.INTER_LINEAR,
        borderMode=cv2.BORDER_REFLECT,
    )
    # strands are level lines of v: they run perpendicular to its gradient
    smooth = cv2.GaussianBlur(v, (0, 0), 3)
    direction = np.arctan2(
        cv2.Sobel(smooth, cv2.CV_32F, 0, 1), cv2.Sobel(smooth, cv2.CV_32F, 1, 0)
    ) + np.float32(np.pi / 2)
    return strands, direction


def outline(
    radii: tuple[float, float],
    angle: float,
    roughness: float,
    rng: np.random.Generator,
) -> Float:
    """Closed irregular outline around the origin.

    Parameters
    ----------
    radii
        Half axes in pixels.
    angle
        Direction of the first axis in radians.
    roughness
        Size of the irregularities relative to the radius, 0 for an ellipse.
    rng
        Source of randomness.

    Returns
    -------
    array
        float32 (48, 2), x and y in pixels.
    """
    turn = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    bumps = np.ones_like(turn)
    for wave in range(2, 7):
        bumps += (
            roughness / wave * rng.normal() * np.cos(wave * turn + rng.uniform(0, 6.3))
        )
    bumps = np.clip(bumps, 0.5, 1.5)
    x, y = radii[0] * bumps * np.cos(turn), radii[1] * bumps * np.sin(turn)
    # a slight bend, as elongated nuclei have
    y += rng.normal() * 0.15 * radii[1] * (x / radii[0]) ** 2
    turned = [
        np.cos(angle) * x - np.sin(angle) * y,
        np.sin(angle) * x + np.cos(angle) * y,
    ]
    return np.stack(turned, axis=1).astype(np.float32)
