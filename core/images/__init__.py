"""Image files and label maps in, tiles out; synthetic and sample tiles."""

from core.images.labels import as_labels, check_labels, read_labels
from core.images.reading import MAX_PIXELS, read_tile

__all__ = ["MAX_PIXELS", "as_labels", "check_labels", "read_labels", "read_tile"]
