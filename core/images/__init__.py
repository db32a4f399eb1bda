"""Image files and label maps in, tiles out; synthetic and sample tiles."""

from core.images.labels.numbers import as_labels, check_labels, describe_fit
from core.images.labels.reading import (
    frame_of,
    read_labels,
    read_truth,
    read_type_map,
)
from core.images.labels.truth import Frame, Truth
from core.images.labels.types import renumber_types
from core.images.limits import MAX_PIXELS, TooLargeError
from core.images.reading import read_slide, read_tile
from core.images.slides.slide import Slide

__all__ = [
    "MAX_PIXELS",
    "Frame",
    "Slide",
    "TooLargeError",
    "Truth",
    "as_labels",
    "check_labels",
    "describe_fit",
    "frame_of",
    "read_labels",
    "read_slide",
    "read_tile",
    "read_truth",
    "read_type_map",
    "renumber_types",
]
