"""A picture of one resolution, as a slide of one level."""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.images.pixels import Raw
from core.images.raster import open_raster
from core.images.slides.values import PyramidLevel

if TYPE_CHECKING:
    from pathlib import Path

    from core.images.orientation import Region


class RasterBackend:
    """PNG, JPEG and their like; decoded whole, once, when a part is read.

    Parameters
    ----------
    path
        Of the file.
    """

    notes: tuple[str, ...] = ()
    associated: tuple[str, ...] = ()

    def __init__(self, path: Path) -> None:
        self._image = open_raster(path)
        self._decoded: Raw | None = None
        self.levels = (PyramidLevel(self._image.size, self._image.mpp),)

    def read(self, level: int, region: Region) -> Raw:
        """Decode (x, y, width, height); there is only level 0."""
        assert level == 0
        if self._decoded is None:
            self._decoded = self._image.decode()
        raw = self._decoded
        x, y, width, height = region
        part = raw.values[y : y + height, x : x + width]
        return Raw(part, raw.alpha, raw.inverted, raw.bits)

    def read_associated(self, name: str) -> Raw:
        """There are none."""
        raise KeyError(name)

    def close(self) -> None:
        """Let go of the pixels."""
        self._decoded = None
