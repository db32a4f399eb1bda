"""Slides of scanners, read by OpenSlide."""

from __future__ import annotations

from importlib import util
from typing import TYPE_CHECKING

import numpy as np

from core.errors import InputError
from core.images.pixels import Raw
from core.images.slides.values import PyramidLevel
from core.tables.extras import to_install_command
from core.tables.formats import IMAGE_FORMATS

if TYPE_CHECKING:
    from collections.abc import Mapping
    from pathlib import Path

    from core.images.orientation import Region

FORMATS = {
    "aperio": "Aperio SVS",
    "dicom": "DICOM slide",
    "hamamatsu": "Hamamatsu",
    "leica": "Leica SCN",
    "mirax": "3DHISTECH MIRAX",
    "philips": "Philips TIFF",
    "sakura": "Sakura SVSLIDE",
    "trestle": "Trestle TIFF",
    "ventana": "Ventana BIF",
    "zeiss": "Zeiss CZI",
}
"""Vendors as OpenSlide names them. Plain pyramids are read by `core.images.tiff`,
which knows sub-images, depths and orientation."""

_ENDINGS = {
    ending
    for row in IMAGE_FORMATS
    if row.reader == "openslide"
    for ending in row.endings
}


def detect(path: Path) -> str | None:
    """Return the vendor whose slide a file is, or None.

    Raises
    ------
    InputError
        When its name says so, and OpenSlide is not installed.
    """
    if util.find_spec("openslide") is None:
        if path.suffix.lower() in _ENDINGS:
            raise InputError(
                f"{path.name} is a slide of a scanner, which needs OpenSlide; run: "
                f"{to_install_command('slides')}, then open it again."
            )
        return None
    import openslide

    try:
        found = openslide.OpenSlide.detect_format(path)
    except Exception:  # noqa: BLE001 - a file that it cannot read is none of its own
        return None
    return found if found in FORMATS else None


class OpenSlideBackend:
    """A slide that OpenSlide decodes.

    Parameters
    ----------
    path
        A file that `detect` knows.

    Raises
    ------
    InputError
        With OpenSlide's reason.
    """

    def __init__(self, path: Path) -> None:
        import openslide

        self._name = path.name
        try:
            self._slide = openslide.OpenSlide(path)
        except openslide.OpenSlideError as error:
            raise InputError(
                f"{path.name} cannot be opened as a slide ({error}); copy it again "
                "with all files that belong to it."
            ) from None
        about = self._slide.properties
        mpp, self.notes = self._mpp(about)
        width, height = self._slide.dimensions
        self.levels = tuple(
            PyramidLevel(
                size,
                mpp and (mpp[0] * width / size[0], mpp[1] * height / size[1]),
            )
            for size in self._slide.level_dimensions
        )
        self.associated = tuple(sorted(self._slide.associated_images))

    def _mpp(
        self, about: Mapping[str, str]
    ) -> tuple[tuple[float, float] | None, tuple[str, ...]]:
        import openslide

        sizes = [
            _number(about.get(name))
            for name in (openslide.PROPERTY_NAME_MPP_X, openslide.PROPERTY_NAME_MPP_Y)
        ]
        if sizes[0] and sizes[1]:
            return (sizes[0], sizes[1]), ()
        power = _number(about.get(openslide.PROPERTY_NAME_OBJECTIVE_POWER))
        if not power:
            return None, ()
        guess = 10 / power
        return (guess, guess), (
            f"{self._name} states no pixel size: {guess:g} µm is taken from its "
            f"objective ({power:g}x).",
        )

    def read(self, level: int, region: Region) -> Raw:
        """Decode (x, y, width, height) in pixels of one level."""
        import openslide

        x, y, width, height = region
        step = self._slide.level_downsamples[level]
        corner = (round(x * step), round(y * step))
        try:
            picture = self._slide.read_region(corner, level, (width, height))
        except openslide.OpenSlideError as error:
            raise InputError(
                f"{self._name} is damaged ({error}); copy it again with all files "
                "that belong to it."
            ) from None
        return Raw(np.asarray(picture), alpha="straight")

    def read_associated(self, name: str) -> Raw:
        """Decode a picture beside the slide's own."""
        picture = self._slide.associated_images[name]
        return Raw(np.asarray(picture), alpha="straight")

    def close(self) -> None:
        """Close the file."""
        self._slide.close()


def _number(text: str | None) -> float | None:
    try:
        return float(text) if text else None
    except ValueError:
        return None
