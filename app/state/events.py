"""Everything that can happen, as frozen values: what users do and what work gives.

What each event changes is written in `app.state.reduce`.
"""

from collections.abc import Callable
from dataclasses import dataclass

from app.state.app_state import Message
from app.state.display import Display
from app.state.history import Lock
from app.state.plot_settings import PlotSettings
from app.state.session.saved_session import SavedSession
from app.state.tile_folder import ScoredFolder
from app.state.values import Kind, WorkContext
from core.job import Step
from core.rects import Rect
from core.sources import Source
from core.types import PruneRequest


@dataclass(frozen=True, slots=True)
class Event:
    """Something that happened."""


# What the user does


@dataclass(frozen=True, slots=True)
class RequestChanged(Event):
    """The active pane is to be pruned so: a slider moved, a point was clicked."""

    request: PruneRequest


@dataclass(frozen=True, slots=True)
class PaneAdded(Event):
    """One more pane is wanted, beside the active one."""


@dataclass(frozen=True, slots=True)
class ModelAdded(Event):
    """Another model is wanted beside the active pane, as it is."""

    source: str


@dataclass(frozen=True, slots=True)
class PaneClosed(Event):
    """A pane is to go; the active one when no place is given."""

    place: int | None = None


@dataclass(frozen=True, slots=True)
class PaneChosen(Event):
    """The controls are to edit another pane."""

    place: int


@dataclass(frozen=True, slots=True)
class LockChosen(Event):
    """What the panes are to have in common."""

    lock: Lock


@dataclass(frozen=True, slots=True)
class Travelled(Event):
    """Settings are undone (-1) or redone (1)."""

    by: int


@dataclass(frozen=True, slots=True)
class Previewed(Event):
    """The pointer rests on a plotted point; None when it has left."""

    request: PruneRequest | None


@dataclass(frozen=True, slots=True)
class ExploreSwitched(Event):
    """A row of sparsities is to be tried, or no longer.

    ``confirmed`` says that the user knows how long that takes.
    """

    confirmed: bool = False


@dataclass(frozen=True, slots=True)
class TrainingStarted(Event):
    """The fine-tuning of the controls is to begin, or to go on."""


@dataclass(frozen=True, slots=True)
class DisplayChanged(Event):
    """Masks are to be drawn so."""

    display: Display


@dataclass(frozen=True, slots=True)
class DisplayToggled(Event):
    """One way of drawing is turned on or off; see `Display.toggled`."""

    what: str


@dataclass(frozen=True, slots=True)
class PlotsChanged(Event):
    """Plots are to have this on their axes, and to hide these curves."""

    plots: PlotSettings


@dataclass(frozen=True, slots=True)
class DemoSwitched(Event):
    """The demo view is wanted, or no longer."""

    on: bool


@dataclass(frozen=True, slots=True)
class DemoToggled(Event):
    """The demo view is wanted, or, while it is on, no longer."""


@dataclass(frozen=True, slots=True)
class PageTurned(Event):
    """The story of the demo view is to go on (1) or back (-1)."""

    by: int


@dataclass(frozen=True, slots=True)
class StepChosen(Event):
    """The demo view is to show the model of another sparsity."""

    sparsity: float


@dataclass(frozen=True, slots=True)
class SlideChosen(Event):
    """Times are to be told for another piece of tissue."""

    key: str


@dataclass(frozen=True, slots=True)
class ReadingSwitched(Event):
    """The blinded reading begins, or is closed."""

    on: bool


@dataclass(frozen=True, slots=True)
class NucleusAsked(Event):
    """The next nucleus of a kind is to be looked at."""

    kind: Kind


@dataclass(frozen=True, slots=True)
class MessageShown(Event):
    """Something is to be told; None takes the message away."""

    message: Message | None


@dataclass(frozen=True, slots=True)
class OfferTaken(Event):
    """What the message on show offers is wanted."""


@dataclass(frozen=True, slots=True)
class OpenAsked(Event):
    """A model and a tile are to be opened.

    ``call`` does it on the worker thread; ``kept`` is a session that is put back then.
    """

    model: str
    tile: Source
    call: Callable[[WorkContext], object]
    kept: SavedSession | None = None


@dataclass(frozen=True, slots=True)
class FolderShown(Event):
    """A folder is to be opened by the desktop; the controller does so."""

    path: str


@dataclass(frozen=True, slots=True)
class SessionDiscarded(Event):
    """What was restored at the start is not wanted."""


@dataclass(frozen=True, slots=True)
class Looked(Event):
    """Another part of the tile is on screen; None: all of it."""

    seen: Rect | None


@dataclass(frozen=True, slots=True)
class PartAsked(Event):
    """Another part of the open slide is wanted."""


@dataclass(frozen=True, slots=True)
class PartDrawn(Event):
    """A part of a slide is drawn: (x, y, width, height) of its finest level."""

    region: tuple[int, int, int, int]


@dataclass(frozen=True, slots=True)
class PartPlaced(Event):
    """A square of a slide is wanted around a place of its finest level."""

    x: float
    y: float


@dataclass(frozen=True, slots=True)
class SlidePixelSized(Event):
    """Micrometres per pixel of a slide's finest level are typed; None: unknown."""

    mpp: float | None


@dataclass(frozen=True, slots=True)
class PartLeft(Event):
    """No part of the slide is wanted after all."""


@dataclass(frozen=True, slots=True)
class FolderOpened(Event):
    """Tiles of a folder are listed, to be scored one by one."""

    folder: ScoredFolder


@dataclass(frozen=True, slots=True)
class FolderScored(Event):
    """Tiles of the folder are to be scored as the controls say, or the rest of them."""


@dataclass(frozen=True, slots=True)
class FolderStopped(Event):
    """No more tiles of the folder are to be scored."""


@dataclass(frozen=True, slots=True)
class FolderClosed(Event):
    """The folder is not looked through any more."""


@dataclass(frozen=True, slots=True)
class ReadAgain(Event):
    """What is open is to be read with other thresholds; ``call`` does it."""

    call: Callable[[WorkContext], object]


@dataclass(frozen=True, slots=True)
class SaveAsked(Event):
    """A file is to be written; ``call`` does it on the worker thread."""

    call: Callable[[WorkContext], object]


@dataclass(frozen=True, slots=True)
class WorkCancelled(Event):
    """Everything that runs is to stop."""


@dataclass(frozen=True, slots=True)
class Resumed(Event):
    """What was cancelled is to be computed after all."""


@dataclass(frozen=True, slots=True)
class MeasuringAsked(Event):
    """The latency of the model of the controls is to be measured once more."""


# What time brings


@dataclass(frozen=True, slots=True)
class HandRested(Event):
    """Nothing was changed for a moment."""


@dataclass(frozen=True, slots=True)
class IdleBegan(Event):
    """Nothing was asked for and nothing computed for a while."""


@dataclass(frozen=True, slots=True)
class ResultLate(Event):
    """A pane has shown a result of other settings for a moment."""


@dataclass(frozen=True, slots=True)
class CacheDue(Event):
    """The new masks are on screen: old results may be let go."""


# What the worker says; ``number`` is that of the work


@dataclass(frozen=True, slots=True)
class Progressed(Event):
    """How far a piece of work is."""

    number: int
    step: Step


@dataclass(frozen=True, slots=True)
class Published(Event):
    """A value that a piece of work hands over on its way."""

    number: int
    value: object


@dataclass(frozen=True, slots=True)
class Finished(Event):
    """A piece of work is done, and what it gives."""

    number: int
    value: object


@dataclass(frozen=True, slots=True)
class WorkFailed(Event):
    """A piece of work has failed, and why."""

    number: int
    text: str
    details: str = ""
