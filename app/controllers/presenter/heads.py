"""What is written above the panes: pure functions from the state to words."""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.plots.styles import model_name, series_name, style_of
from app.state.app_state import AppState, Pane
from app.state.values import DrawnOutcome, Opened
from app.text import format as text
from app.text.parts import describe_part
from app.views.widgets.pane_frame import Head
from core.results import Comparison, Part
from core.tables import METRICS, TASKS
from core.types import PruneRequest

Titles = Mapping[str, str]


@dataclass(frozen=True, slots=True)
class Heads:
    """What is written above all panes.

    Parameters
    ----------
    dense
        Above the dense model's.
    pruned, active
        Above each pruned one on show, and which of them is the active one.
    """

    dense: Head
    pruned: tuple[Head, ...]
    active: int


def find_titles(state: AppState) -> Titles:
    """Return the titles of heuristics by name."""
    heuristics = state.opened.heuristics if state.opened else ()
    return {item.name: item.title for item in heuristics}


def resolve_heads(state: AppState) -> Heads:
    """Return what is written above the panes."""
    heads = pruned_heads(state)
    return Heads(dense_head(state), heads, 0 if len(heads) == 1 else state.active)


def dense_head(state: AppState) -> Head:
    """Return what is written above the dense model; no scores in the demo view."""
    opened = state.opened
    if state.opening is not None:
        step = state.step
        words = step.what[:1].upper() + step.what[1:] if step else "Opening"
        far = f", {step.done} of {step.total}" if step and step.total > 1 else ""
        return Head(("Dense",), (f"{words}{far}…", f"Opening{far}…", "Opening…"))
    if opened is None:
        return Head(("Dense",))
    found = _counted(opened, opened.nuclei.count, opened.part)
    if state.demo:
        return Head(("The whole model",), (found,))
    if opened.scores is None:
        return Head(_dense_title(opened), (found,))
    first = TASKS[opened.model.task].scores[0]
    short = f"{found} · {_score(opened.scores, first)}"
    words = found + _scored(opened, opened.scores, "truth")
    return Head(_dense_title(opened), (words, short, found))


def _dense_title(opened: Opened) -> tuple[str, ...]:
    """Return what the model that was opened is called above its pane."""
    return (
        ("As opened, already pruned", "As opened")
        if opened.model.pruned
        else ("Dense",)
    )


def pruned_heads(state: AppState) -> tuple[Head, ...]:
    """Return what is written above each pruned pane on show."""
    titles = find_titles(state)
    if state.demo or len(state.panes) == 1:
        return (
            replace(_only_head(state, titles), failure=_failure(state, state.pane)),
        )
    return tuple(
        replace(_head(state, place, titles), failure=_failure(state, pane))
        for place, pane in enumerate(state.panes)
    )


def _failure(state: AppState, pane: Pane) -> str:
    """Return why a pane shows no result; a preview hides it meanwhile."""
    hidden = state.preview is not None and pane is state.pane
    return "" if hidden else state.why_not(pane)


def _only_head(state: AppState, titles: Titles) -> Head:
    """Return the head of the only pruned pane: the controls say how it is pruned."""
    opened, outcome = state.opened, state.seen
    if opened is None or outcome is None:
        return Head(("Pruned",))
    found = _counted(opened, outcome.nuclei.count, outcome.part)
    if state.demo:
        whole = outcome.request.sparsity == 0
        return Head(("The same model" if whole else "The smaller model",), (found,))
    scores, against = _scores(outcome)
    first = TASKS[opened.model.task].scores[0]
    short = f"{found} · {_score(scores, first)}"
    notes = (found + _scored(opened, scores, against), short, found)
    name = outcome.request.model
    titled = (model_name(name),) if name else ("Pruned",)
    return Head(titled, _labelled(state, state.pane, outcome, titles, notes))


def _head(state: AppState, index: int, titles: Titles) -> Head:
    """Return the head of one of several panes."""
    pane = state.panes[index]
    shown = state.seen if index == state.active else state.drawn(pane)
    request = pane.request
    if index == state.active and state.preview is not None:
        request = state.preview.request
    style = style_of(request)
    share = text.percent(request.sparsity, 1)
    title = titles.get(request.heuristic, request.heuristic)
    words: tuple[str, ...] = (
        f"{index + 1}  {series_name(request, titles)}, {share}",
        f"{index + 1}  {title}, {share}",
        f"{index + 1}  {share}",
    )
    if request.model:
        words = (f"{index + 1}  {model_name(request.model)}, as it is",)
    notes: tuple[str, ...] = ("",)
    if state.opened is not None and shown is not None:
        found = _notes(state.opened, shown, state.latency_of(shown.request))
        notes = _labelled(state, pane, shown, titles, found)
    return Head(words, notes, style.colour, style.mark)


def late_words(state: AppState) -> str:
    """Return whose result the active pane shows, once it has lagged for a moment.

    Empty while it is what was asked for, or a point under the pointer.
    """
    shown = state.drawn(state.pane)
    if not state.late or shown is None or state.preview is not None:
        return ""
    if shown.request == state.request:
        return ""
    return f"showing {_name(shown.request, state.request, find_titles(state))[0]}"


def find_widths(state: AppState) -> Mapping[str, int]:
    """Return channels left by layer: of the result on show, or predicted for it."""
    shown = state.seen
    if shown is not None and (state.preview is not None or state.pane.late_by is None):
        return shown.widths
    if state.curve is not None and state.request not in state.failed:
        predicted = state.curve.widths_at(state.request.sparsity)
        if predicted:
            return predicted
    return shown.widths if shown is not None else {}


def _labelled(
    state: AppState,
    pane: Pane,
    shown: DrawnOutcome,
    titles: Titles,
    notes: tuple[str, ...],
) -> tuple[str, ...]:
    """Return the notes of a pane, which say whose they are while they are late."""
    own = shown.request == pane.request
    if not state.late or own or (state.preview is not None and pane is state.pane):
        return notes
    label, short = _name(shown.request, pane.request, titles)
    return (
        *(f"showing {label} · {note}" for note in notes),
        f"showing {label}",
        f"showing {short}",
    )


def _name(shown: PruneRequest, asked: PruneRequest, titles: Titles) -> tuple[str, str]:
    """Return a result by what sets it apart from what is asked for."""
    share = text.percent(shown.sparsity, 1)
    title = titles.get(shown.heuristic, shown.heuristic)
    if shown.model or asked.model:
        name = model_name(shown.model) if shown.model else f"{title}, {share}"
        return name, name
    same = replace(shown, sparsity=asked.sparsity)
    if same == asked:
        return share, share
    if replace(same, heuristic=asked.heuristic) == asked:
        return f"{title}, {share}", share
    return f"{series_name(shown, titles)}, {share}", f"{title}, {share}"


def _notes(
    opened: Opened, outcome: DrawnOutcome, measured: Comparison | None
) -> tuple[str, ...]:
    """Return what a pane found and how fast, in fewer and fewer words."""
    found = _counted(opened, outcome.nuclei.count)
    part, mpp = outcome.part, opened.picture.mpp
    over = f" in {describe_part(part, mpp)}" if part is not None else ""
    scores, against = _scores(outcome)
    aji = _score(scores, TASKS[opened.model.task].scores[0])
    known = measured is not None and measured.measurable
    fast = f"{measured.speedup:.1f}{text.TIMES}" if measured and known else ""
    said = ""
    if measured is not None:
        said = f"{fast} ({measured.verdict})" if known else measured.verdict
    total = (outcome.dense or opened.nuclei).count
    return tuple(
        " · ".join(words for words in wording if words)
        for wording in (
            (f"{found} of {total:,}{over}{_scored(opened, scores, against)}", said),
            (f"{found}{over}{_scored(opened, scores, '')}", fast),
            (f"{found}{over}", aji, fast),
            (aji, fast),
            (aji,),
        )
    )


def _scores(outcome: DrawnOutcome) -> tuple[Mapping[str, float], str]:
    if outcome.scores is not None:
        return outcome.scores, "truth"
    return outcome.agreement, "dense"


def _score(scores: Mapping[str, float], key: str) -> str:
    return f"{METRICS[key].title} {text.score(scores[key])}"


def _counted(opened: Opened, number: int, part: Part | None = None) -> str:
    words = TASKS[opened.model.task]
    found = text.counted(number, words.one, words.many)
    if part is None:
        return found
    return f"{found} in {describe_part(part, opened.picture.mpp)}"


def _scored(opened: Opened, scores: Mapping[str, float], against: str) -> str:
    keys = TASKS[opened.model.task].scores
    both = ", ".join(_score(scores, key) for key in keys)
    return f" · {both} against {against}" if against else f" · {both}"
