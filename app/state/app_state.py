"""What the window knows: one frozen value.

Views send events, `app.state.reduce.reduce` makes the next state of an event, and
`app.state.store.Store` owns the newest one.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Literal

from app.state.demo import Demo
from app.state.display import Display
from app.state.history import History, Lock
from app.state.plot_settings import PlotSettings
from app.state.session.saved_session import SavedSession
from app.state.slide_map import Choosing
from app.state.tile_folder import ScoredFolder
from app.state.training import Training
from app.state.trials import measurements
from app.state.values import DrawnOutcome, Kind, Opened, Picture
from app.state.work import Work
from core.job import Step
from core.rects import Rect
from core.results import Comparison, SizeCurve, Trial
from core.sources import Source
from core.types import SIZES, FineTune, PruneRequest, RequestKey

MOST = 4  # pruned panes; more would be too small to see nuclei in


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell the user, in the window; ``details`` can be copied.

    ``about`` is the request that caused it: the message goes when no pane asks for
    that any more. None keeps it until it is dismissed. ``offer`` is the caption of a
    button in the message, and the event (`app.state.events`) that it stands for.
    """

    text: str
    details: str = ""
    kind: Literal["error", "warning", "info"] = "error"
    about: PruneRequest | None = None
    offer: tuple[str, object] | None = None


@dataclass(frozen=True, slots=True)
class Pane:
    """One pruned model on show.

    Parameters
    ----------
    request
        How it is pruned.
    outcome
        Newest result; it may lag behind ``request``.
    live
        Whether the result is that of a training that goes on.
    """

    request: PruneRequest
    outcome: DrawnOutcome | None = None
    live: bool = False

    @property
    def current(self) -> bool:
        """Whether the newest result answers the request, and is the last one."""
        if self.live or self.late_by is not None or self.outcome is None:
            return False
        return self.outcome.part is None

    @property
    def late_by(self) -> PruneRequest | None:
        """What the result on show is of, where that is not what is asked for."""
        shown = self.outcome.request if self.outcome is not None else None
        return None if shown == self.request else shown


@dataclass(frozen=True, slots=True)
class Opening:
    """A model and a tile that are being opened.

    Parameters
    ----------
    model, tile
        Sources.
    picture
        The tile, from when it has been read.
    choosing
        The slide that it was chosen from, shown again when it cannot be opened.
    kept
        The session that both belong to, put back when they are open.
    """

    model: str
    tile: Source
    picture: Picture | None = None
    choosing: Choosing | None = None
    kept: SavedSession | None = None


@dataclass(frozen=True, slots=True)
class AppState:
    """Everything the window knows.

    Parameters
    ----------
    opened
        Model and tile, or None while the first ones load.
    opening
        What is being opened; results of ``opened`` are not shown meanwhile.
    choosing
        A slide of which a part is to be chosen, in the place of everything else.
    panes, active
        Pruned models on show, from left to right (at least one), and the place of
        the one that the controls edit.
    lock
        What all panes have in common: nothing, their sparsity or their latency.
    preview
        A plotted point under the pointer, shown in the active pane meanwhile.
    trials
        Points of the plots.
    curves
        Sizes at any sparsity, by what they depend on.
    recent
        The results seen last, the newest last: going back to one costs nothing.
    training, tuning
        The newest fine-tuning, and how one was asked for last.
    trains, trained
        Fine-tunings that were started by the user and are not over yet, and the last
        ones that are: no other begins by itself.
    todo
        Requests of a running exploration, still to come.
    background
        Points of the random baseline, computed while nothing else is.
    failed
        Requests of panes that cannot be met, and a sentence why; they are not
        tried again while they stay as they are.
    told
        Failures that a message has told of.
    display
        How masks are drawn.
    plots
        Axes and hidden curves of the plots; their score is ``display.metric``.
    story, reading
        Where the demo view stands, and whether the blinded reading is on.
    history
        Settings that can be gone back to.
    visited
        Which nucleus of each kind was looked at last.
    work, asked
        What the worker does, and what it was asked for by name (opening, exports),
        the first of which may be running.
    step
        How far the work is.
    started
        How many pieces of work have been started.
    moves
        How many changes the user has made; the window's timers begin again with each.
    resting
        Whether the user has changed nothing for a moment.
    paused
        Whether the user has cancelled, and nothing begins until the next change.
    late
        Whether panes have shown results of other settings for a moment.
    refined
        How often panes of the same latency were moved after a measurement.
    message
        Shown in the window until dismissed.
    visible
        Which part of the tile is on screen, in its pixels; None for all of it.
    folder
        A folder whose tiles are scored, or None.
    """

    opened: Opened | None = None
    opening: Opening | None = None
    choosing: Choosing | None = None
    panes: tuple[Pane, ...] = (Pane(PruneRequest("reconstruction", 0.5)),)
    active: int = 0
    lock: Lock = "free"
    preview: Pane | None = None
    trials: tuple[Trial, ...] = ()
    curves: Mapping[RequestKey, SizeCurve] = field(default_factory=dict)
    recent: tuple[DrawnOutcome, ...] = ()
    training: Training | None = None
    tuning: FineTune = field(default_factory=FineTune)
    trains: tuple[PruneRequest, ...] = ()
    trained: tuple[PruneRequest, ...] = ()
    todo: tuple[PruneRequest, ...] = ()
    background: tuple[PruneRequest, ...] = ()
    failed: Mapping[PruneRequest, str] = field(default_factory=dict)
    told: frozenset[str] = frozenset()
    display: Display = field(default_factory=Display)
    plots: PlotSettings = field(default_factory=PlotSettings)
    story: Demo = field(default_factory=Demo)
    reading: bool = False
    history: History = field(default_factory=History)
    visited: Mapping[Kind, int] = field(default_factory=dict)
    work: Work | None = None
    asked: tuple[Work, ...] = ()
    step: Step | None = None
    started: int = 0
    moves: int = 0
    resting: bool = True
    paused: bool = False
    late: bool = False
    refined: int = 0
    message: Message | None = None
    visible: Rect | None = None
    folder: ScoredFolder | None = None

    @property
    def pane(self) -> Pane:
        """The active pane."""
        return self.panes[self.active]

    @property
    def demo(self) -> bool:
        """Whether the demo view is on."""
        return self.story.on

    @property
    def request(self) -> PruneRequest:
        """What the controls say."""
        return self.pane.request

    @property
    def outcome(self) -> DrawnOutcome | None:
        """Newest result of the active pane."""
        return self.pane.outcome

    @property
    def current(self) -> bool:
        """Whether the newest result answers what the controls say."""
        return self.pane.current

    @property
    def busy(self) -> bool:
        """Whether something is computed."""
        return self.work is not None

    def waits_for_start(self, request: PruneRequest) -> bool:
        """Whether a request is a fine-tuning that nobody has started."""
        known = (*self.trains, *self.trained)
        return request.recovery == "finetune" and request not in known

    @property
    def curve(self) -> SizeCurve | None:
        """Sizes at any sparsity with the settings of the controls, once known."""
        return self.curve_for(self.request)

    def curve_for(self, request: PruneRequest) -> SizeCurve | None:
        """Return the sizes at any sparsity with the settings of a request."""
        return self.curves.get(request.key(without=SIZES))

    @property
    def seen(self) -> DrawnOutcome | None:
        """What the active pane draws: a previewed point, or else its own result."""
        if self.preview is not None and self.preview.outcome is not None:
            return self.preview.outcome
        return self.drawn(self.pane)

    def drawn(self, pane: Pane) -> DrawnOutcome | None:
        """Return the result that a pane draws.

        None where a result of other settings would only mislead: it was cancelled,
        it failed, or something else is being opened.
        """
        own = pane.outcome is not None and pane.late_by is None and not pane.live
        if self.opening is not None or (not own and self.why_not(pane)):
            return None
        return pane.outcome

    def why_not(self, pane: Pane) -> str:
        """Return why a pane has no result of its own; empty where it gets one."""
        if pane.current:
            return ""
        stopped = self.paused and self.opened is not None and self.opening is None
        return self.failed.get(pane.request, STOPPED if stopped else "")

    @property
    def latency(self) -> Comparison | None:
        """The measurement of the model on show, if there is one."""
        return self.latency_of(self.request)

    def latency_of(self, request: PruneRequest) -> Comparison | None:
        """Return the measurement of one pruned model, if there is one."""
        return measurements(self.trials).get(request)


STOPPED = "Not computed: cancelled. Change a setting, or choose Run, Compute again."


def with_active(state: AppState, pane: Pane) -> AppState:
    """Return a state whose active pane is another one."""
    panes = (*state.panes[: state.active], pane, *state.panes[state.active + 1 :])
    return replace(state, panes=panes)


def with_panes(state: AppState, panes: Sequence[Pane], active: int) -> AppState:
    """Return a state with these panes on show, one of them edited by the controls."""
    return replace(state, panes=tuple(panes), active=active)


def showing(request: PruneRequest) -> AppState:
    """Return the state of a window with one pane, before anything is opened."""
    return AppState(panes=(Pane(request),))
