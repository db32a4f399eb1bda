"""What a model or a tile is opened from, as a value.

Text such as ``sample:NAME`` is for the command line and for files of earlier
versions; it is read and written here and nowhere else.
"""

from dataclasses import dataclass
from pathlib import Path
from typing import Literal, Self

SourceKind = Literal["sample", "file", "catalogue"]
_SAMPLE = "sample:"
_LABELS = "|"  # between a tile and its labels, in text of earlier versions


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
    """

    kind: SourceKind
    name: str = ""
    labels: str = ""

    @classmethod
    def of_tile(cls, text: str, labels: str = "") -> Self:
        """Read the text form of a tile: ``sample:NAME``, a path, or nothing.

        Parameters
        ----------
        text
            From a command line, a list of recent files or an old settings file. A
            path may be followed by ``|`` and the path of its labels, unless there
            is a file of just that name.
        labels
            Path of the ground truth.
        """
        if not text or text.startswith(_SAMPLE):
            return cls("sample", text.removeprefix(_SAMPLE))
        if not labels and _LABELS in text and not Path(text).exists():
            text, _, labels = text.rpartition(_LABELS)
        return cls("file", text, labels)

    @classmethod
    def of_model(cls, text: str) -> Self:
        """Read the text form of a model: a name of the catalogue, or a path."""
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
    def text(self) -> str:
        """Text form without the labels, as a command line takes it."""
        return f"{_SAMPLE}{self.name}" if self.kind == "sample" else self.name

    def __str__(self) -> str:
        return self.text
