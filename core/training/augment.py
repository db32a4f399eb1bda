"""Changes to a tile that leave its nuclei what they are.

Stain changes are made in optical density (Tellez et al. 2018,
doi 10.1109/TMI.2018.2820199), geometry by one affine warp for image and labels.
"""

from dataclasses import dataclass

import cv2
import numpy as np
from numpy.typing import NDArray

from core.images.stain import (
    DAB,
    from_density,
    haematoxylin_eosin_matrix,
    jitter,
    separate,
    to_density,
    unit,
)

Pixels = NDArray[np.uint8]
Labels = NDArray[np.int32]

FAR = 0.56
"""From 0.25 um/px, and three quarters of it, to 0.6 um/px."""


@dataclass(frozen=True, slots=True)
class Augmentation:
    """How much is changed.

    Parameters
    ----------
    scale
        Smallest and largest enlargement.
    stain
        Standard deviation of the stain vectors' moves; 0 switches every colour
        change off.
    far
        Probability of an enlargement between `FAR` times the smallest and the smallest:
        the same tissue at a lower magnification.
    brown
        Probability of showing eosin as DAB, as in immunohistochemistry.
    blur, noise
        Probabilities.
    strength
        Factor on every other change of colour and light.
    """

    scale: tuple[float, float] = (0.6, 1.6)
    stain: float = 0.08
    brown: float = 0.12
    blur: float = 0.3
    noise: float = 0.3
    strength: float = 1.0
    far: float = 0.0


def crop(
    pixels: Pixels,
    labels: Labels,
    size: int,
    settings: Augmentation,
    rng: np.random.Generator,
) -> tuple[Pixels, Labels]:
    """Cut a square at a random place, direction, size and handedness.

    Parameters
    ----------
    pixels
        uint8 (h, w, 3).
    labels
        int32 (h, w), numbers below 2 ** 24.
    size
        Side of the square in pixels.
    settings
        How much is changed.
    rng
        Source of randomness.

    Returns
    -------
    tuple
        uint8 (size, size, 3) and int32 (size, size); outside the tile the
        image is mirrored and the labels with it.
    """
    height, width = labels.shape
    smallest, largest = settings.scale
    if settings.far and rng.random() < settings.far:
        smallest, largest = FAR * smallest, smallest
    low, high = np.log([smallest, largest])
    scale = float(np.exp(rng.uniform(low, high)))
    quarter = rng.integers(4) * np.pi / 2
    turn = quarter if rng.random() < 0.5 else rng.uniform(0, 2 * np.pi)
    across, along = scale * np.exp(rng.uniform(-0.12, 0.12, 2))
    flip = -1.0 if rng.random() < 0.5 else 1.0
    reach = size / scale / 2
    x = rng.uniform(min(reach, width / 2), max(width - reach, width / 2))
    y = rng.uniform(min(reach, height / 2), max(height - reach, height / 2))
    turned = np.array([[np.cos(turn), -np.sin(turn)], [np.sin(turn), np.cos(turn)]])
    matrix = turned @ np.diag([flip * across, along])
    shift = np.array([size / 2, size / 2]) - matrix @ np.array([x, y])
    affine = np.column_stack([matrix, shift])
    mode = cv2.BORDER_REFLECT_101
    image = cv2.warpAffine(
        pixels, affine, (size, size), flags=cv2.INTER_LINEAR, borderMode=mode
    )
    truth = cv2.warpAffine(
        labels.astype(np.float32),
        affine,
        (size, size),
        flags=cv2.INTER_NEAREST,
        borderMode=mode,
    )
    return np.asarray(image, np.uint8), np.asarray(truth, np.int32)


def restain(pixels: Pixels, settings: Augmentation, rng: np.random.Generator) -> Pixels:
    """Stain again: other dyes, strengths, glass and light.

    Parameters
    ----------
    pixels
        uint8 (h, w, 3).
    settings
        How much is changed.
    rng
        Source of randomness.
    """
    if settings.stain == 0:
        return pixels
    stains = haematoxylin_eosin_matrix()
    amounts = separate(to_density(pixels), stains)
    brown = rng.random() < settings.brown
    target = unit([stains[0], DAB, stains[2]]) if brown else stains
    target = (
        jitter(np.maximum(target, 0), settings.stain, rng)
        if brown
        else (unit(stains + rng.normal(0, settings.stain, stains.shape)))
    )
    force = settings.strength
    gain = np.exp(force * rng.normal(0, 0.22, 3)).astype(np.float32)
    glass = force * rng.normal(0, 0.05, 3)
    if rng.random() < 0.15:  # tinted background
        glass += force * rng.uniform(0, 0.4, 3)
    density = (amounts * gain) @ target.astype(np.float32) + glass.astype(np.float32)
    return from_density(density * np.float32(np.exp(force * rng.normal(0, 0.12))))


def recolour(
    pixels: Pixels, settings: Augmentation, rng: np.random.Generator
) -> Pixels:
    """Shift hue, saturation, brightness and contrast."""
    force = settings.strength
    hue, saturation, value = cv2.split(cv2.cvtColor(pixels, cv2.COLOR_RGB2HSV))
    hue = ((hue.astype(np.int16) + int(force * rng.normal(0, 6))) % 180).astype(
        np.uint8
    )
    strength = (
        0.0 if rng.random() < 0.05 else float(np.exp(force * rng.normal(0, 0.25)))
    )
    saturation = cv2.convertScaleAbs(saturation, alpha=strength)
    mixed = cv2.merge([hue, saturation, value])
    image = cv2.cvtColor(mixed, cv2.COLOR_HSV2RGB).astype(np.float32)
    gamma = float(np.exp(force * rng.normal(0, 0.2)))
    curve = 255 * (np.arange(256) / 255.0) ** gamma
    curve = (
        (curve - 128) * np.exp(force * rng.normal(0, 0.12))
        + 128
        + force * rng.normal(0, 8)
    )
    table = np.clip(curve, 0, 255).astype(np.uint8)
    return np.asarray(table[image.astype(np.uint8)])


def degrade(pixels: Pixels, settings: Augmentation, rng: np.random.Generator) -> Pixels:
    """Blur or sharpen, add noise, compress."""
    if rng.random() < settings.blur:
        pixels = np.asarray(cv2.GaussianBlur(pixels, (0, 0), rng.uniform(0.3, 1.6)))
    elif rng.random() < 0.15:
        soft = cv2.GaussianBlur(pixels, (0, 0), 1.2)
        pixels = np.asarray(cv2.addWeighted(pixels, 1.8, soft, -0.8, 0))
    if rng.random() < settings.noise:
        grains = rng.standard_normal(pixels.shape, dtype=np.float32) * rng.uniform(1, 9)
        pixels = np.clip(pixels + grains, 0, 255).astype(np.uint8)
    if rng.random() < settings.noise / 2:
        quality = [cv2.IMWRITE_JPEG_QUALITY, int(rng.integers(40, 95))]
        _, coded = cv2.imencode(".jpg", pixels, quality)
        pixels = np.asarray(cv2.imdecode(coded, cv2.IMREAD_COLOR), np.uint8)
    return pixels


def augment(
    pixels: Pixels,
    labels: Labels,
    size: int,
    settings: Augmentation,
    rng: np.random.Generator,
) -> tuple[Pixels, Labels]:
    """Apply everything: geometry to both, the rest to the image only.

    Parameters
    ----------
    pixels
        uint8 (h, w, 3).
    labels
        int32 (h, w).
    size
        Side of the result in pixels.
    settings
        How much is changed.
    rng
        Source of randomness.
    """
    pixels, labels = crop(pixels, labels, size, settings, rng)
    if settings.stain:
        if rng.random() < 0.8:
            pixels = restain(pixels, settings, rng)
        if rng.random() < 0.6:
            pixels = recolour(pixels, settings, rng)
    return degrade(pixels, settings, rng), labels
