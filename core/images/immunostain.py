"""Brown where an antibody binds: synthetic immunohistochemistry.

Diaminobenzidine (DAB) marks membranes, cytoplasm or nuclei of epithelial cells
over a pale haematoxylin counterstain.
"""

import cv2
import numpy as np
from numpy.typing import NDArray

from core.images.texture import grain, smooth_noise

Float = NDArray[np.float32]
Bool = NDArray[np.bool_]


def membranes(labels: NDArray[np.int32]) -> Float:
    """Draw lines midway between neighbouring nuclei.

    Parameters
    ----------
    labels
        int32 (h, w).

    Returns
    -------
    array
        float32 (h, w), 0 or 1.
    """
    # touching nuclei must count as two, so each gives up its outline
    kernel = np.ones((3, 3), np.uint8)
    numbers = labels.astype(np.float32)
    core = (labels > 0) & (cv2.dilate(numbers, kernel) == cv2.erode(numbers, kernel))
    _, cells = cv2.distanceTransformWithLabels(
        (~core).astype(np.uint8), cv2.DIST_L2, 5, labelType=cv2.DIST_LABEL_CCOMP
    )
    line = np.zeros(labels.shape, np.float32)
    line[:-1] += cells[1:] != cells[:-1]
    line[:, :-1] += cells[:, 1:] != cells[:, :-1]
    return np.asarray(np.minimum(line, 1), np.float32)


def counterstain(
    blue: Float, eosin: Float, labels: NDArray[np.int32], rng: np.random.Generator
) -> Float:
    """Make haematoxylin as pale and flat as it is beside DAB.

    Parameters
    ----------
    blue, eosin
        Concentrations in H&E, (h, w).
    labels
        Nuclei, (h, w).
    rng
        Source of randomness.
    """
    flat = cv2.GaussianBlur(blue, (0, 0), rng.uniform(0.8, 2.0))
    share = rng.uniform(0.2, 0.7)
    nuclei = rng.uniform(0.25, 0.75) * (share * blue + (1 - share) * flat)
    ground = rng.uniform(0.1, 0.5) * blue + rng.uniform(0.02, 0.2) * eosin
    inside = cv2.GaussianBlur((labels > 0).astype(np.float32), (0, 0), 0.7)
    return np.asarray(inside * nuclei + (1 - inside) * ground, np.float32)


def brown(
    labels: NDArray[np.int32],
    classes: NDArray[np.int64],
    nest: Bool,
    scale: float,
    rng: np.random.Generator,
) -> Float:
    """Draw the concentration of DAB.

    Parameters
    ----------
    labels, classes
        Nuclei and their types; type 1 is epithelial.
    nest
        bool (h, w): epithelium.
    scale
        Enlargement, 1 for 40x.
    rng
        Source of randomness.

    Returns
    -------
    array
        float32 (h, w), about 0 to 3. Some tiles have none, some stain nuclei.
    """
    shape = (labels.shape[0], labels.shape[1])
    kind = rng.random()
    faint = 0.03 * np.abs(smooth_noise(shape, 6, rng))
    if kind < 0.1:
        return np.asarray(faint, np.float32)
    if kind < 0.25:
        positive = (classes == 1) & (rng.random(len(classes)) < rng.uniform(0.1, 0.8))
        amount = np.concatenate([[0], positive * rng.uniform(0.4, 1.4, len(classes))])
        stained = amount[labels] * (1 + 0.2 * grain(shape, {1.0: 1.0, 3.0: 1.0}, rng))
        return np.asarray(faint + stained, np.float32)
    uneven = np.clip(1 + 0.35 * smooth_noise(shape, 35 * scale, rng), 0.1, None)
    soft = cv2.GaussianBlur(nest.astype(np.float32), (0, 0), 1.5 * scale)
    mottled = np.clip(
        1 + 0.3 * grain(shape, {1.0: 1.0, 4.0: 1.0, 10.0: 1.0}, rng), 0, None
    )
    cytoplasm = rng.uniform(0.1, 1.4) * mottled
    wide = cv2.GaussianBlur(
        membranes(labels), (0, 0), rng.uniform(0.7, 1.6) * scale + 0.3
    )
    edge = (
        rng.uniform(0.3, 3.0)
        * wide
        * np.clip(1 + 0.4 * smooth_noise(shape, 8, rng), 0, None)
    )
    within = cv2.GaussianBlur((labels > 0).astype(np.float32), (0, 0), 1.0)
    spared = 1 - rng.uniform(0.3, 0.9) * within
    return np.asarray(faint + soft * uneven * (cytoplasm * spared + edge), np.float32)
