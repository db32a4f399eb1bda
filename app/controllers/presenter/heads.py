"""What is written above the panes: pure functions from the state to words."""

from collections.abc import Mapping
from dataclasses import replace
from typing import TYPE_CHECKING

from app.plots.styles import series_name, style_of
from app.state.values import DrawnOutcome, Opened
from app.text import format as text
from app.views.widgets.pane_frame import Head
from core.results import Comparison, Outcome
from core.tables import METRICS
from core.types import PruneRequest

if TYPE_CHECKING:
    from app.state.app_state import AppState, Pane


def dense_head(state: "AppState") -> Head:
    """Return what is written above the dense model; no scores in the demo view."""
    opened = state.opened
    if opened is None:
        return Head(("Dense",))
    found = text.counted(opened.nuclei.count, "nucleus", "nuclei")
    if state.demo:
        return Head(("The whole model",), (found,))
    if opened.scores is None:
        return Head(("Dense",), (found,))
    short = f"{found} · {_score(opened.scores, 'aji')}"
    return Head(("Dense",), (found + _scored(opened.scores, "truth"), short, found))


def pruned_heads(state: "AppState") -> tuple[Head, ...]:
    """Return what is written above each pruned pane on show."""
    if state.demo or len(state.panes) == 1:
        only = _only_head(state)
        return (replace(only, failure=_failure(state, state.request)),)
    heads = tuple(_head(state, index, pane) for index, pane in enumerate(state.panes))
    return tuple(
        replace(head, failure=_failure(state, pane.request))
        for head, pane in zip(heads, state.panes, strict=True)
    )


def _failure(state: "AppState", request: PruneRequest) -> str:
    """Return why a pane shows no result; a preview hides it meanwhile."""
    hidden = state.preview is not None and request == state.request
    return "" if hidden else state.failed.get(request, "")


def _only_head(state: "AppState") -> Head:
    """Return the head of the only pruned pane: the controls say how it is pruned."""
    opened, outcome = state.opened, state.seen
    if opened is None or outcome is None:
        return Head(("Pruned",))
    found = text.counted(outcome.nuclei.count, "nucleus", "nuclei")
    if state.demo:
        whole = outcome.request.sparsity == 0
        return Head(("The same model" if whole else "The smaller model",), (found,))
    scores, against = _scores(outcome)
    short = f"{found} · {_score(scores, 'aji')}"
    return Head(("Pruned",), (found + _scored(scores, against), short, found))


def _head(state: "AppState", index: int, pane: "Pane") -> Head:
    """Return the head of one of several panes."""
    shown = state.seen if index == state.active else state.drawn(pane)
    request = pane.request
    if index == state.active and state.preview is not None:
        request = state.preview.request
    opened = state.opened
    heuristics = opened.heuristics if opened else ()
    titles = {item.name: item.title for item in heuristics}
    style = style_of(request, tuple(titles))
    share = text.percent(request.sparsity, 1)
    title = titles.get(request.heuristic, request.heuristic)
    words = (
        f"{index + 1}  {series_name(request, titles)}, {share}",
        f"{index + 1}  {title}, {share}",
        f"{index + 1}  {share}",
    )
    notes: tuple[str, ...] = ("",)
    if opened is not None and shown is not None:
        notes = _notes(opened, shown, state.latency_of(shown.request))
    return Head(words, notes, style.colour, style.shape)


def _notes(
    opened: Opened, outcome: DrawnOutcome, measured: Comparison | None
) -> tuple[str, ...]:
    """Return what a pane found and how fast, in fewer and fewer words."""
    found = text.counted(outcome.nuclei.count, "nucleus", "nuclei")
    scores, against = _scores(outcome)
    aji = _score(scores, "aji")
    known = measured is not None and measured.measurable
    fast = f"{measured.speedup:.1f}{text.TIMES}" if measured and known else ""
    said = ""
    if measured is not None:
        said = f"{fast} ({measured.verdict})" if known else measured.verdict
    total = opened.nuclei.count
    return tuple(
        " · ".join(part for part in parts if part)
        for parts in (
            (f"{found} of {total:,}{_scored(scores, against)}", said),
            (f"{found}{_scored(scores, '')}", fast),
            (found, aji, fast),
            (aji, fast),
            (aji,),
        )
    )


def _scores(outcome: Outcome) -> tuple[Mapping[str, float], str]:
    if outcome.scores is not None:
        return outcome.scores, "truth"
    return outcome.agreement, "dense"


def _score(scores: Mapping[str, float], key: str) -> str:
    return f"{METRICS[key].title} {text.score(scores[key])}"


def _scored(scores: Mapping[str, float], against: str) -> str:
    both = ", ".join(_score(scores, key) for key in ("aji", "pq"))
    return f" · {both} against {against}" if against else f" · {both}"
