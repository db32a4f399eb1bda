"""What a model or a tile is opened from, as a value.

Text such as ``sample:NAME`` is for the command line and for files of earlier
versions; it is read and written here and nowhere else.
"""

import re
from dataclasses import dataclass, field
from pathlib import Path
from typing import Literal, Self

from core.errors import InputError
from core.options import split_model

SourceKind = Literal["sample", "file", "catalogue"]
_SAMPLE = "sample:"
WITH_SAMPLES = "default:"
"""Before a tile: it and the built-in samples, on which it is calibrated by default."""
_LABELS = "|"  # between a tile and its labels, in text of earlier versions


_VIEW = re.compile(r"#((?:region|level|mpp|pixel|resample)=[^#|]*)$")


@dataclass(frozen=True, slots=True)
class TileRegion:
    """Which part of a picture is opened, and at which resolution.

    Parameters
    ----------
    region
        (x, y, width, height) in pixels of `level`; None for the whole.
    level
        Resolution of a slide, 0 the finest.
    mpp
        Micrometres per pixel that the tile is read at; that of `level` when None.
    pixel_size
        Micrometres per pixel where the file states none, or a wrong one.
    resample
        Whether the tile may be resampled to a model's pixel size.
    """

    region: tuple[int, int, int, int] | None = None
    level: int = 0
    mpp: float | None = None
    pixel_size: float | None = None
    resample: bool = True

    def __str__(self) -> str:
        """Text form, such as ``region=0,0,512,512;level=1``; empty for all defaults."""
        parts = []
        if self.region is not None:
            parts.append(f"region={','.join(map(str, self.region))}")
        if self.level:
            parts.append(f"level={self.level}")
        for name, value in (("mpp", self.mpp), ("pixel", self.pixel_size)):
            if value is not None:
                parts.append(f"{name}={value:g}")
        if not self.resample:
            parts.append("resample=off")
        return ";".join(parts)

    @classmethod
    def of(cls, text: str) -> Self:
        """Read the text form.

        Raises
        ------
        InputError
            When it is none.
        """
        known = dict(part.partition("=")[::2] for part in text.split(";") if part)
        try:
            sides = tuple(int(n) for n in known.get("region", "").split(",") if n)
            if len(sides) not in (0, 4):
                raise ValueError("a region has four numbers")
            mpp, pixel = (_size(known.get(name)) for name in ("mpp", "pixel"))
            return cls(
                (sides[0], sides[1], sides[2], sides[3]) if sides else None,
                int(known.get("level") or 0),
                mpp,
                pixel,
                known.get("resample", "auto") != "off",
            )
        except ValueError:
            raise InputError(
                f"{text!r} names no part of a picture; write it like "
                "region=0,0,1024,1024;level=1;mpp=0.5."
            ) from None


def _size(text: str | None) -> float | None:
    if not text:
        return None
    value = float(text)
    if not 0.001 <= value <= 1000:
        raise ValueError("no pixel size")
    return value


WHOLE = TileRegion()


@dataclass(frozen=True, slots=True)
class Source:
    """Where a tile or a model comes from.

    Parameters
    ----------
    kind
        ``"sample"`` is a tile that comes with the program, ``"catalogue"`` a model
        that is opened by name, ``"file"`` a file or folder.
    name
        Of the sample or the model, or a path. Empty for the default one.
    labels
        Path of the ground truth that goes with a tile; empty without one.
    view
        Which part of the picture, and at which resolution.

    Attributes
    ----------
    text
        Text form without the labels; empty for the default sample.
    pair
        Text form with the labels, as lists of recent files and points have it.
    """

    kind: SourceKind
    name: str = ""
    labels: str = ""
    view: TileRegion = field(default=WHOLE)
    text: str = field(init=False, compare=False, repr=False)
    pair: str = field(init=False, compare=False, repr=False)

    def __post_init__(self) -> None:
        sample = self.kind == "sample" and self.name
        name = f"{_SAMPLE}{self.name}" if sample else self.name
        view = str(self.view)
        text = f"{name}#{view}" if view else name
        # Made once: they name every point of a drag.
        object.__setattr__(self, "text", text)
        pair = f"{text}{_LABELS}{self.labels}" if self.labels else text
        object.__setattr__(self, "pair", pair)

    @classmethod
    def of_tile(cls, text: str, labels: str = "") -> Self:
        """Read the text form of a tile: ``sample:NAME``, a path, or nothing.

        Parameters
        ----------
        text
            From a command line, a list of recent files or an old settings file. A
            path may be followed by ``#`` and the text form of a `TileRegion`, and by
            ``|`` and the path of its labels, unless there is a file of just that
            name.
        labels
            Path of the ground truth.
        """
        if not labels and _LABELS in text and not Path(text).exists():
            text, labels = _split_labels(text)
        view = WHOLE
        if (found := _VIEW.search(text)) and not Path(text).exists():
            text, view = text[: found.start()], TileRegion.of(found.group(1))
        if not text or text.startswith(_SAMPLE):
            return cls("sample", text.removeprefix(_SAMPLE), labels, view)
        return cls("file", text, labels, view)

    @classmethod
    def of_model(cls, text: str) -> Self:
        """Read the text form of a model: a name of the catalogue, or a path.

        How it is opened may follow, see `core.options.ModelOptions`; it is left out.
        """
        text = split_model(text)[0]
        named = "/" not in text and "\\" not in text and not Path(text).suffix
        return cls("catalogue" if named else "file", text)

    @property
    def path(self) -> Path | None:
        """Path of a file, None for all other kinds."""
        return Path(self.name) if self.kind == "file" else None

    @property
    def exists(self) -> bool:
        """Whether it can still be opened: a name, or a file that is there."""
        return self.kind != "file" or Path(self.name).exists()

    @property
    def recent(self) -> bool:
        """Whether it belongs among recent files: samples have a menu of their own."""
        return self.kind == "file"

    def __str__(self) -> str:
        return self.text


DEFAULT_TILE = Source("sample")
"""The sample that is opened when no tile is named."""


def _split_labels(text: str) -> tuple[str, str]:
    """Return tile and labels; a name may have the sign between them in itself."""
    parts = text.split(_LABELS)
    for place in range(len(parts) - 1, 0, -1):
        tile = _LABELS.join(parts[:place])
        if Path(_VIEW.sub("", tile)).exists():
            return tile, _LABELS.join(parts[place:])
    tile, _, labels = text.rpartition(_LABELS)
    return tile, labels
