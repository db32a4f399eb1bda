"""Image files and label maps in, tiles out; synthetic and sample tiles."""

from core.images.labels import as_labels, check_labels, read_labels
from core.images.limits import MAX_PIXELS, TooLargeError
from core.images.reading import read_slide, read_tile
from core.images.slides.slide import Slide

__all__ = [
    "MAX_PIXELS",
    "Slide",
    "TooLargeError",
    "as_labels",
    "check_labels",
    "read_labels",
    "read_slide",
    "read_tile",
]
