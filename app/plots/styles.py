"""How a curve and its pane look.

Colour and mark tell the heuristic, the dash of the line its scope, its width the
recovery: the more is done to recover the accuracy, the thicker it is.

Fixed by what a curve is, not by when it appeared, so that nothing changes its
looks when another pane opens.
"""

from collections.abc import Mapping
from dataclasses import replace
from pathlib import PurePath

from app.plots.marks import DASHES
from app.rendering.series_looks import SeriesLook, series_look
from app.text.format import counted
from core.tables import COUNTS, RECOVERIES
from core.types import PruneRequest

# How many dashes further than usual the line of a curve is.
_SCOPES = {"network": 0, "layer": 1, "encoder": 2, "decoder": 3}
# Pixels: the more is done to recover the accuracy, the thicker the line.
_WIDTHS = {"none": 1.0, "bn": 1.5, "refit": 2.0, "sequential": 2.8, "finetune": 3.8}


def style_of(request: PruneRequest) -> SeriesLook:
    """Return the looks of the curve that a request belongs to.

    Parameters
    ----------
    request
        Of any of its points.
    """
    if request.model:
        return replace(series_look(f"model:{request.model}"), width=2.0)
    look = series_look(request.heuristic)
    further = _SCOPES.get(request.scope, 3)
    place = (DASHES.index(look.dash) + further) % len(DASHES)
    return replace(look, dash=DASHES[place], width=_WIDTHS.get(request.recovery, 2.0))


def series_name(request: PruneRequest, titles: Mapping[str, str]) -> str:
    """Return a curve in words: what is usual is left out.

    Parameters
    ----------
    request
        Of any of its points.
    titles
        Titles of heuristics by name.
    """
    if request.model:
        return model_name(request.model)
    parts = [titles.get(request.heuristic, request.heuristic)]
    if request.scope != "network":
        parts.append(request.scope)
    if request.count != "params":
        parts.append(COUNTS[request.count].phrase)
    parts.append(RECOVERIES[request.recovery].phrase)
    return ", ".join([*parts, *limits_in_words(request)])


def model_name(source: str) -> str:
    """Return a model that stands beside the open one, as panes and curves name it."""
    path = PurePath(source)
    return path.stem if path.suffix else path.name


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
