"""The curves of the plots by name, each with its mark."""

from collections.abc import Sequence
from dataclasses import dataclass

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QSizePolicy, QWidget

from app.plots.marks import GLYPHS, Shape
from app.rendering.palette import Rgb

_LONG = 32  # letters of a name that may break
_MOST = 6  # curves that are named; more would push the plots away


@dataclass(frozen=True, slots=True)
class Entry:
    """One curve: its name, its looks, and whether a pane is on it."""

    name: str
    colour: Rgb
    shape: Shape = "circle"
    strong: bool = True


class Legend(QLabel):
    """Names of curves, wrapped into as many lines as they need."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWordWrap(True)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setAccessibleName("Curves")
        self.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.setToolTip(
            "Colour tells the heuristic, the mark the recovery (circle refit, square "
            "batch norm, triangle none, diamond what takes longer) and the line the "
            "scope (solid network, dashed layer, dotted encoder); bands hold 95 % of "
            "resampled nuclei."
        )

    def set_entries(self, entries: Sequence[Entry], note: str = "") -> None:
        """Name these curves, the first ones where there are many; silent.

        Parameters
        ----------
        entries
            From the first to the last.
        note
            What a mark of no curve of its own means.
        """
        words = [_words(entry) for entry in entries[:_MOST]]
        if len(entries) > _MOST:
            words.append(f"and {len(entries) - _MOST} more")
        if note:
            words.append(note.replace(" ", "&nbsp;"))
        # the gap stays with what is before it: no line begins with one
        joined = "&nbsp;&nbsp; ".join(words)
        if joined != self.text():
            self.setText(joined)


def _words(entry: Entry) -> str:
    """Return a name after its mark; only one that is too long breaks."""
    mark = f'<span style="color:rgb{entry.colour}">{GLYPHS[entry.shape]}</span>'
    name = entry.name
    if len(name) <= _LONG:
        name = name.replace(" ", "&nbsp;")
    return f"{mark}&nbsp;{name}"
