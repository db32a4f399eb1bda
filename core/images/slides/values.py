"""What all readers of slides share."""

from dataclasses import dataclass
from typing import Protocol

from core.images.orientation import Region
from core.images.pixels import Raw


@dataclass(frozen=True, slots=True)
class PyramidLevel:
    """One resolution of a slide.

    Parameters
    ----------
    size
        (width, height) in pixels.
    mpp
        Micrometres per pixel along x and y, as the file states them, or None.
    """

    size: tuple[int, int]
    mpp: tuple[float, float] | None = None


class Backend(Protocol):
    """One library that decodes a kind of file."""

    @property
    def levels(self) -> tuple[PyramidLevel, ...]:
        """Resolutions, the finest first; at least one."""

    @property
    def associated(self) -> tuple[str, ...]:
        """Names of pictures beside the slide's own."""

    @property
    def notes(self) -> tuple[str, ...]:
        """Sentences that a user should know."""

    def read(self, level: int, region: Region) -> Raw:
        """Decode (x, y, width, height) in pixels of one level."""

    def read_associated(self, name: str) -> Raw:
        """Decode a picture beside the slide's own."""

    def close(self) -> None:
        """Close the file."""
