"""What the window shows: one frozen value, with one owner.

Views emit intents, the controller puts a new `AppState` into the `Store`, and
whoever listens to `Store.changed` compares the old with the new.
"""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, Literal

from PySide6.QtCore import QObject, Signal

from app.state.training import Training
from app.state.values import DrawnOutcome, Kind, Opened, Picture
from core.job import Step
from core.results import Comparison, SizeCurve, Trial
from core.types import PruneRequest

Lock = Literal["free", "sparsity", "latency"]
Overlay = Literal["outline", "fill", "difference"]

MOST = 4  # pruned panes; more would be too small to see nuclei in


@dataclass(frozen=True, slots=True)
class Message:
    """Something to tell the user, in the window; ``details`` can be copied."""

    text: str
    details: str = ""
    kind: Literal["error", "warning", "info"] = "error"


@dataclass(frozen=True, slots=True)
class Display:
    """How masks are drawn.

    Parameters
    ----------
    overlay
        Style of the masks.
    visible
        Whether masks are drawn at all.
    opacity
        Of the masks, 0 to 1.
    metric
        Key of `core.tables.METRICS`: the score on the plots.
    truth
        Whether ground truth is drawn over both panes.
    swipe
        Whether the dense model's masks are drawn left of a divider.
    heat
        Raw output whose difference is drawn: ``foreground``, ``shape`` or nothing.
    hidden_types, hidden_kinds
        Nuclei that are left out: numbers of types, and kinds of the difference.
    """

    overlay: Overlay = "outline"
    visible: bool = True
    opacity: float = 0.9
    metric: str = "aji"
    truth: bool = False
    swipe: bool = False
    heat: str = ""
    hidden_types: tuple[int, ...] = ()
    hidden_kinds: tuple[Kind, ...] = ()


def switched(display: Display, what: str) -> dict[str, Any]:
    """Return the fields that a key changes.

    Parameters
    ----------
    display
        As it is now.
    what
        ``hide``, ``truth``, ``swipe``, ``fill`` or ``difference``.
    """
    if what == "hide":
        return {"visible": not display.visible}
    if what == "truth":
        return {"truth": not display.truth}
    if what == "swipe":
        return {"swipe": not display.swipe}
    # The same key goes back to outlines.
    return {"overlay": "outline" if display.overlay == what else what}


@dataclass(frozen=True, slots=True)
class Pane:
    """One pruned model on show.

    Parameters
    ----------
    request
        How it is pruned.
    curve
        Counts at any sparsity, for the heuristic and scope of ``request``.
    outcome
        Newest result; it may lag behind ``request``.
    """

    request: PruneRequest
    curve: SizeCurve | None = None
    outcome: DrawnOutcome | None = None

    @property
    def current(self) -> bool:
        """Whether the newest result answers the request."""
        return self.outcome is not None and self.outcome.request == self.request


@dataclass(frozen=True, slots=True)
class AppState:
    """Everything the window shows.

    Parameters
    ----------
    opened
        Model and tile, or None while the first ones load.
    pending
        A tile that was read while its masks are still being computed.
    request, curve, outcome
        The active pane: the one that the controls edit. See `Pane`.
    before, after
        The panes on either side of it.
    lock
        What all panes have in common: nothing, their sparsity or their latency.
    preview
        A plotted point under the mouse, shown in the active pane meanwhile.
    measured
        Newest latency; it may lag behind ``request``.
    trials
        Points of the plots.
    training
        The newest fine-tuning: running, or over.
    todo
        Requests of a running exploration, still to come.
    background
        Points of the random baseline, computed while nothing else is.
    failed
        Requests of panes that cannot be met, and a sentence why; they are not
        tried again while they stay as they are.
    display
        How masks are drawn.
    demo
        Whether the demo view is on.
    busy, step
        Whether something is computed, and how far it is.
    message
        Shown in the window until dismissed.
    """

    opened: Opened | None = None
    pending: Picture | None = None
    request: PruneRequest = field(
        default_factory=lambda: PruneRequest("reconstruction", 0.5)
    )
    curve: SizeCurve | None = None
    outcome: DrawnOutcome | None = None
    before: tuple[Pane, ...] = ()
    after: tuple[Pane, ...] = ()
    lock: Lock = "free"
    preview: DrawnOutcome | None = None
    measured: Comparison | None = None
    trials: tuple[Trial, ...] = ()
    training: Training | None = None
    todo: tuple[PruneRequest, ...] = ()
    background: tuple[PruneRequest, ...] = ()
    failed: Mapping[PruneRequest, str] = field(default_factory=dict)
    display: Display = field(default_factory=Display)
    demo: bool = False
    busy: bool = False
    step: Step | None = None
    message: Message | None = None

    @property
    def pane(self) -> Pane:
        """The active pane."""
        return Pane(self.request, self.curve, self.outcome)

    @property
    def panes(self) -> tuple[Pane, ...]:
        """Every pruned model on show, from left to right; never empty."""
        return (*self.before, self.pane, *self.after)

    @property
    def active(self) -> int:
        """Place of the active pane among `panes`."""
        return len(self.before)

    @property
    def seen(self) -> DrawnOutcome | None:
        """What the active pane draws: a previewed point, or else its own result."""
        return self.preview or self.drawn(self.pane)

    def drawn(self, pane: Pane) -> DrawnOutcome | None:
        """Return the result that a pane draws: none of other settings if it failed."""
        failed = pane.request in self.failed and not pane.current
        return None if failed else pane.outcome

    @property
    def current(self) -> bool:
        """Whether the newest result answers what the controls say."""
        return self.pane.current

    @property
    def latency(self) -> Comparison | None:
        """The measurement of the model on show, if there is one."""
        return self.latency_of(self.request)

    def latency_of(self, request: PruneRequest) -> Comparison | None:
        """Return the measurement of one pruned model, if there is one."""
        for trial in self.trials:
            if trial.request == request:
                return trial.measured
        return None


def with_panes(panes: Sequence[Pane], active: int) -> dict[str, Any]:
    """Return the fields of `AppState` that put these panes on show.

    Parameters
    ----------
    panes
        From left to right, at least one.
    active
        Place of the one that the controls edit.
    """
    pane = panes[active]
    return {
        "before": tuple(panes[:active]),
        "after": tuple(panes[active + 1 :]),
        "request": pane.request,
        "curve": pane.curve,
        "outcome": pane.outcome,
    }


class Store(QObject):
    """The owner of the state.

    Parameters
    ----------
    state
        To begin with.
    parent
        Qt owner.
    """

    changed = Signal(object, object)  # AppState before, AppState now

    def __init__(self, state: AppState, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._state = state

    @property
    def state(self) -> AppState:
        """What is shown now."""
        return self._state

    def update(self, **changes: Any) -> None:
        """Replace fields; silent when nothing is different."""
        self._put(replace(self._state, **changes))

    def _put(self, new: AppState) -> None:
        old, self._state = self._state, new
        # Identity, not equality: values hold arrays, which do not compare.
        if any(
            getattr(old, name) is not getattr(new, name)
            for name in AppState.__dataclass_fields__
        ):
            self.changed.emit(old, new)
