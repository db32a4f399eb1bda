"""What the window shows, resolved from the state: one frozen value, a pure function.

Each field of `View` is what one or a few setters of the window are given; the
presenter compares two views field by field. To read this file, start from `resolve`.
"""

from dataclasses import dataclass, fields
from pathlib import Path

from app.controllers.presenter.flags import find_flags
from app.controllers.presenter.heads import (
    Heads,
    find_titles,
    late_words,
    resolve_heads,
)
from app.controllers.presenter.parts import (
    MapView,
    PartView,
    resolve_map,
    resolve_part,
    resolve_size,
)
from app.controllers.presenter.tuning import Tuning, resolve_tuning
from app.plots.styles import series_name
from app.state.advice import Advice, find_advice
from app.state.app_state import MOST, AppState, Message
from app.state.demo import PAGES
from app.state.display import Display
from app.state.plot_settings import PlotSettings
from app.state.training import Training
from app.state.trials import predictor, work_of
from app.state.values import DrawnOutcome, ModelCard, Opened, Picture
from app.text import format as text
from app.text import story
from app.text.slides import meaning, slide_called
from app.text.speed import describe_latency
from app.views.widgets.pixel_size import PixelSize
from core.results import LayerStep, Trial
from core.sources import Source
from core.types import Counts, PruneRequest


@dataclass(frozen=True, slots=True)
class Tabs:
    """The panes as the controls list them."""

    names: tuple[str, ...]
    active: int
    full: bool


@dataclass(frozen=True, slots=True)
class Working:
    """What the status bar says of the worker."""

    words: str
    done: int = 0
    total: int = 0


@dataclass(frozen=True, slots=True)
class Story:
    """The words of the demo view, see `app.views.panels.demo.Demo`."""

    headline: str
    explanation: str
    meaning: str
    step: float
    page: int
    words: str
    slide: str


@dataclass(frozen=True, slots=True, eq=False)
class Drawn:
    """What the panes draw.

    Parameters
    ----------
    opened
        Model and tile; None draws nothing.
    seen, active
        Result of each pruned pane on show, and which of them is the active one.
    display
        How.
    typed
        Whether nuclei have the colours of their types.
    """

    opened: Opened | None
    seen: tuple[DrawnOutcome | None, ...]
    active: int
    display: Display
    typed: bool = True


@dataclass(frozen=True, slots=True, eq=False)
class View:
    """Everything that the window shows.

    Parameters
    ----------
    picture, note
        The tile, and a sentence where there is none.
    title
        Of the window.
    part, map
        Slide of which a part is chosen, and where the open tile lies on its slide.
    pixel_size
        Of the tile.
    opened, card
        What is open, and its model in words.
    request
        What the controls say.
    heads, tabs, lock
        Of the panes.
    dimmed
        Which panes show a result of other settings for longer than a moment.
    counts
        Of the dense model, and what is left of it, None where it is not known; and
        what input multiply-accumulates are counted for.
    drawn
        Masks, legend, heat maps.
    outcome, late
        Whose nuclei are counted and listed, None where there are none to show; and
        which settings it is of, where they are no longer those of the controls.
    latency
        Sentence of the controls.
    costs
        What each layer costs, where that was measured.
    warnings, advice
        Sentences of the controls.
    demo, story
        Whether the demo view is on, and its words.
    reading
        Whether the blinded reading is on.
    message, working, exploring
        What is told, what runs, and how many models an exploration has to go.
    training, tuning
        The newest one, if it is of the request, and what the controls say of it.
    flags
        What commands depend on, see `app.controllers.presenter.flags`.
    saving
        Whether files are being written.
    trials, plotted
        Points, and requests of the panes: what plots and table are drawn from.
    plots
        Axes and hidden curves of the plots.
    """

    picture: Picture | None
    note: str
    title: str
    part: PartView | None
    map: MapView | None
    pixel_size: PixelSize
    opened: Opened | None
    card: ModelCard | None
    request: PruneRequest
    heads: Heads
    tabs: Tabs
    lock: str
    dimmed: tuple[bool, ...]
    counts: tuple[Counts | None, Counts | None, tuple[int, int]]
    drawn: Drawn
    outcome: DrawnOutcome | None
    late: str
    latency: str
    costs: tuple[LayerStep, ...]
    warnings: tuple[str, ...]
    advice: tuple[Advice, ...]
    demo: bool
    story: Story | None
    reading: bool
    message: Message | None
    working: Working | None
    exploring: int
    training: Training | None
    tuning: Tuning | None
    flags: frozenset[str]
    saving: bool
    trials: tuple[Trial, ...]
    plotted: tuple[PruneRequest, ...]
    plots: PlotSettings


def resolve(state: AppState) -> View:
    """Return what the window shows of a state."""
    opening = state.opening
    opened = None if opening else state.opened
    seen = [state.drawn(pane) for pane in state.panes]
    seen[state.active] = state.seen
    shown = seen[state.active]
    if state.demo:
        seen = [shown]
    return View(
        picture=opening.picture if opening else opened.picture if opened else None,
        note=_note(state),
        title=_title(state),
        part=resolve_part(state) if state.choosing is not None else None,
        map=resolve_map(opened),
        pixel_size=resolve_size(opened),
        opened=opened,
        card=_card(state),
        request=state.request,
        heads=resolve_heads(state),
        tabs=_tabs(state),
        lock=state.lock,
        dimmed=(False,) if state.demo else _dimmed(state),
        counts=_counts(state, opened),
        drawn=Drawn(
            opened,
            tuple(seen),
            0 if state.demo else state.active,
            state.display,
            typed=not (state.demo and opened and opened.model.types_note),
        ),
        outcome=shown if opened else None,
        late="" if state.demo else late_words(state),
        latency=_latency(state, opened),
        costs=state.latency.layers if state.latency is not None else (),
        warnings=_warnings(state, shown),
        advice=find_advice(state) if state.failed or state.latency else (),
        demo=state.demo,
        story=_story(state, opened),
        reading=state.reading,
        message=state.message,
        working=_working(state),
        exploring=len(state.todo),
        training=_training(state),
        tuning=resolve_tuning(state),
        flags=find_flags(state),
        saving=any(work.purpose == "save" for work in state.asked),
        trials=state.trials if opened else (),
        plotted=tuple(pane.request for pane in state.panes),
        plots=state.plots,
    )


def _tabs(state: AppState) -> Tabs:
    titles = find_titles(state)
    names = tuple(series_name(pane.request, titles) for pane in state.panes)
    return Tabs(names, state.active, len(state.panes) >= MOST)


def _note(state: AppState) -> str:
    """Return the sentence where there is no tile."""
    if state.opening is not None:
        return f"{_opening_words(state)}…"
    if state.opened is None and state.message is not None:
        return state.message.text
    return "Opening the demo model and a tile…" if state.opened is None else ""


def _opening_words(state: AppState) -> str:
    """Return what is being opened, by name."""
    opening, opened = state.opening, state.opened
    assert opening is not None
    names = [Path(opening.tile.name).name or "the sample tile"]
    if opened is None or opened.model.source != opening.model:
        names.insert(0, Path(Source.of_model(opening.model).name).name)
    return f"Opening {' and '.join(names)}"


def _title(state: AppState) -> str:
    if state.opening is not None:
        return f"{_opening_words(state)} · PruneScope"
    if state.opened is None:
        return "PruneScope"
    return f"{state.opened.picture.name} · {state.opened.model.name} · PruneScope"


def _card(state: AppState) -> ModelCard | None:
    """Return the model in words; another one's is not there before it is open."""
    opened, opening = state.opened, state.opening
    if opened is not None and opening and opening.model != opened.model.source:
        stem = Path(Source.of_model(opening.model).name).stem
        return ModelCard(opening.model, stem, "Opening…")
    return opened.model if opened else None


def _dimmed(state: AppState) -> tuple[bool, ...]:
    """Return which panes show a result that nobody asked for any more.

    Frames of a drag lag behind the slider by nature, and say so in the head; they
    are dimmed only when the hand rests and the result still has not come.
    """
    found = []
    for place, pane in enumerate(state.panes):
        seen = state.drawn(pane)
        hidden = place == state.active and state.preview is not None
        stale = state.late and pane.late_by is not None and not hidden
        moved = stale and seen is not None and not _dragged(seen.request, pane.request)
        found.append(stale and (moved or state.resting))
    return tuple(found)


def _dragged(one: PruneRequest, other: PruneRequest) -> bool:
    """Return whether only the sparsity is another."""
    names = [f.name for f in fields(PruneRequest) if f.name != "sparsity"]
    return all(getattr(one, name) == getattr(other, name) for name in names)


def _left(state: AppState) -> Counts | None:
    """Return what is left with the settings of the controls: exact, or predicted."""
    if state.current and state.outcome is not None:
        return state.outcome.counts
    if state.request in state.failed:
        return None
    if state.curve is not None:
        return state.curve.at(state.request.sparsity)
    whole = state.opened if state.request.sparsity == 0 else None
    return whole.counts if whole else None


def _counts(
    state: AppState, opened: Opened | None
) -> tuple[Counts | None, Counts | None, tuple[int, int]]:
    if opened is None:
        return None, None, (256, 256)
    return opened.counts, _left(state), opened.input_size


def _latency(state: AppState, opened: Opened | None) -> str:
    """Return how fast the model of the controls is: measured, or predicted."""
    left = _left(state) if opened is not None else None
    if opened is None or left is None:
        return text.DASH
    share = left.macs / max(opened.counts.macs, 1)
    predicted = predictor(state.trials)(work_of(state.request, share))
    return describe_latency(state.latency, predicted)


def _warnings(state: AppState, shown: DrawnOutcome | None) -> tuple[str, ...]:
    """Return what is to be said of the model of the controls."""
    if state.preview is None and not state.current:
        return ()
    measured = state.latency if state.current else None
    why = (measured.reason,) if measured and measured.reason else ()
    return (*why, *shown.warnings) if shown is not None else why


def _story(state: AppState, opened: Opened | None) -> Story | None:
    """Return the words of the demo view; None while it is not on."""
    if not state.demo:
        return None
    outcome = state.outcome
    headline, explanation = state.why_not(state.pane), ""
    if opened is None:
        headline = _note(state)
    elif outcome is not None and state.current:
        headline = story.headline(opened, outcome, state.latency)
        explanation = story.explanation(opened, outcome)
    told = state.story
    return Story(
        headline,
        explanation,
        meaning(opened, state.latency, slide_called(told.slide)) if opened else "",
        state.request.sparsity,
        told.page,
        PAGES[told.page - 1].words if told.page else "",
        told.slide,
    )


_DOING = {
    "open": "Opening",
    "save": "Saving",
    "frame": "Pruning",
    "preview": "Pruning a point of the plots",
    "dense": "Finding nuclei with the dense model",
    "pane": "Pruning",
    "explore": "Exploring",
    "measure": "Measuring latency",
    "tiles": "Scoring tiles of a folder",
    "baseline": "Random baseline",
}


def _working(state: AppState) -> Working | None:
    work, step = state.work, state.step
    if work is None or (work.purpose == "frame" and step is None and not state.late):
        return None  # a frame of a drag is there before anyone could read it
    words = step.what[:1].upper() + step.what[1:] if step else _DOING[work.purpose]
    if step and step.total > 1 and (work.purpose == "open" or "nuclei in" in words):
        words += f", {step.done} of {step.total}"
    if work.measures:
        words = "Measuring latency"
    if state.todo:
        words = f"Exploring, {len(state.todo)} to go"
    elif work.purpose == "baseline":
        words = f"Random baseline, {len(state.background)} to go"
    return Working(words, *((step.done, step.total) if step else ()))


def _training(state: AppState) -> Training | None:
    training = state.training
    return training if training and training.request == state.request else None
