"""Results as the panes draw them: pyramids of labels and of raw outputs.

Runs on the worker thread, after every change of the slider.
"""

from collections.abc import Mapping
from dataclasses import fields

import numpy as np
from numpy.typing import NDArray

from app.rendering.overlay import label_pyramid, largest_pyramid
from app.state.values import DrawnOutcome, Labels, Nuclei, RawMap
from core.metrics.overlap import centroids
from core.results import Outcome, Part

RAW_NAMES = {"np": "foreground", "dist": "shape", "hv": "shape"}


def draw_outcome(found: Outcome, tops: Mapping[str, float]) -> DrawnOutcome:
    """Add to an outcome what panes draw of it.

    Parameters
    ----------
    found
        From the bench.
    tops
        Largest change of each raw output, see `core.nuclei.quantised.TOPS`.
    """
    prediction, part, before = found.prediction, found.part, found.before
    known = {each.name: getattr(found, each.name) for each in fields(Outcome)}
    return DrawnOutcome(
        **known,
        nuclei=draw_nuclei(prediction.labels, prediction.classes, part),
        raw=draw_raw_maps(
            found.moved,
            tops,
            prediction.labels.shape,
            part.box[:2] if part is not None else (0, 0),
        ),
        dense=draw_nuclei(before.labels, before.classes, part) if before else None,
    )


def draw_nuclei(
    labels: Labels, classes: NDArray[np.int64] | None, part: Part | None = None
) -> Nuclei:
    """Return instances as the panes draw them.

    Parameters
    ----------
    labels
        int32 (height, width), 1..n.
    classes
        int (n,), or None.
    part
        The part of the tile that labels are of the box of; None for all of it.
    """
    ids, places = centroids(labels)
    if len(ids) and ids[-1] != len(ids):
        # Ground truth may skip ids; colours are looked up by position.
        place = np.zeros(int(ids[-1]) + 1, np.int32)
        place[ids] = np.arange(1, len(ids) + 1)
        labels, classes = place[labels], None
    if classes is not None and len(classes) != len(ids):
        classes = None
    places = places[:, ::-1]
    if part is not None:
        places = places + part.box[:2]
    return Nuclei(label_pyramid(labels), classes, places, part)


def draw_raw_maps(
    moved: Mapping[str, NDArray[np.uint8]],
    tops: Mapping[str, float],
    size: tuple[int, ...],
    origin: tuple[int, int] = (0, 0),
) -> dict[str, RawMap]:
    """Return differences of raw outputs as the panes draw them.

    Parameters
    ----------
    moved, tops
        See `core.nuclei.quantised`.
    size
        Height and width of the tile, or of the part that they are of.
    origin
        Where that part begins, x and y.
    """
    return {
        RAW_NAMES[name]: RawMap(
            largest_pyramid(values),
            -(-size[0] // values.shape[0]),
            tops[name],
            origin,
        )
        for name, values in moved.items()
    }
