"""How a curve and its pane look: colour by heuristic, mark by recovery, line by scope.

Fixed by what a curve is, not by when it appeared, so that nothing changes its
looks when another pane opens.
"""

from collections.abc import Mapping
from dataclasses import dataclass

from PySide6.QtCore import Qt

from app.plots.marks import DASHES, Shape
from app.rendering.series_looks import Rgb, series_look
from app.text.format import counted
from core.tables import COUNTS, RECOVERIES
from core.types import PruneRequest

_SHAPES: Mapping[str, Shape] = {
    "refit": "circle",
    "bn": "square",
    "none": "triangle",
    "sequential": "diamond",  # as all that takes longer
}
_LINES = ("network", "layer", "encoder", "decoder")


@dataclass(frozen=True, slots=True)
class Style:
    """Looks of one curve."""

    colour: Rgb
    shape: Shape
    dash: Qt.PenStyle


def style_of(request: PruneRequest, order: tuple[str, ...]) -> Style:
    """Return the looks of the curve that a request belongs to.

    Parameters
    ----------
    request
        Of any of its points.
    order
        Names of the heuristics, for their colours.
    """
    known = request.scope in _LINES
    dash = DASHES[_LINES.index(request.scope)] if known else DASHES[-1]
    if request.heuristic == "random":
        dash = Qt.PenStyle.DashLine  # the baseline is told at a glance
    return Style(
        series_look(request.heuristic).colour,
        _SHAPES.get(request.recovery, "diamond"),
        dash,
    )


def series_name(request: PruneRequest, titles: Mapping[str, str]) -> str:
    """Return a curve in words: what is usual is left out.

    Parameters
    ----------
    request
        Of any of its points.
    titles
        Titles of heuristics by name.
    """
    parts = [titles.get(request.heuristic, request.heuristic)]
    if request.scope != "network":
        parts.append(request.scope)
    if request.count != "params":
        parts.append(COUNTS[request.count].phrase)
    parts.append(RECOVERIES[request.recovery].phrase)
    return ", ".join([*parts, *limits_in_words(request)])


def limits_in_words(request: PruneRequest) -> list[str]:
    """Return what a request does not allow, in words; nothing is usual."""
    locked, fixed = len(request.locked), len(request.ratios)
    found = {
        counted(locked, "layer") + " locked": locked,
        counted(fixed, "layer") + " fixed": fixed,
        f"widths by {request.round_to}": request.round_to > 1,
        f"at least {request.min_channels} channels": request.min_channels > 1,
        counted(request.steps, "step"): request.steps > 1,
    }
    return [words for words, unusual in found.items() if unusual]
