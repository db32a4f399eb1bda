"""Tiles that come with the program, to look at before opening one's own."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from core.errors import InputError
from core.images.synthetic import TYPE_NAMES, synthetic_tile
from core.types import Tile

#: Seed of the synthetic sample: glands, stroma, lymphocytes and a lumen in view,
#: and outside the seeds that the demo model learned from.
SYNTHETIC_SEED = 2


@dataclass(frozen=True, slots=True)
class Sample:
    """A tile with what is known about it.

    Parameters
    ----------
    tile
        The image.
    labels
        int32 (h, w) ground truth, 0 = background, or None.
    classes
        int64 (n,) types, 1-based into `type_names`, or None.
    type_names
        Names of the types, empty when there are none.
    """

    tile: Tile
    labels: NDArray[np.int32] | None = None
    classes: NDArray[np.int64] | None = None
    type_names: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True)
class SampleEntry:
    """One line of the list of samples.

    Parameters
    ----------
    title
        For a menu.
    description
        One sentence for a tooltip.
    load
        Reads or makes it.
    """

    title: str
    description: str
    load: Callable[[], Sample]


def _immunohistochemistry() -> Sample:
    # imported here because it is slow and only this sample needs it
    from skimage import data

    shown = data.immunohistochemistry()  # type: ignore[no-untyped-call]
    pixels = np.ascontiguousarray(shown[..., :3], np.uint8)
    return Sample(Tile(pixels, None, "immunohistochemistry"))


def _synthetic() -> Sample:
    tile, labels, classes = synthetic_tile(512, SYNTHETIC_SEED)
    named = Tile(tile.pixels, tile.mpp, "synthetic")
    return Sample(named, labels, classes, TYPE_NAMES)


#: Built-in samples by name; the first is shown when the program starts.
SAMPLES: Mapping[str, SampleEntry] = {
    "immunohistochemistry": SampleEntry(
        "Colon, immunohistochemistry",
        "Real tissue from scikit-image, DAB and haematoxylin; no ground truth, so "
        "accuracy is agreement with the dense model.",
        _immunohistochemistry,
    ),
    "synthetic": SampleEntry(
        "Synthetic H&E with ground truth",
        "Made by this program with every nucleus and its type known exactly.",
        _synthetic,
    ),
}

DEFAULT_SAMPLE = "immunohistochemistry"


def load_sample(name: str = DEFAULT_SAMPLE) -> Sample:
    """Open a built-in sample.

    Parameters
    ----------
    name
        Key of `SAMPLES`.

    Raises
    ------
    InputError
        When there is no such sample.
    """
    entry = SAMPLES.get(name)
    if entry is None:
        raise InputError(f"There is no sample {name!r}; choose {' or '.join(SAMPLES)}.")
    return entry.load()
