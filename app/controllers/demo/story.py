"""The story of the demo view: its pages, and what a slide's time means."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Protocol

from PySide6.QtCore import QObject, Slot

from app.state.store import Store
from app.text.slides import SLIDES, meaning, slide_called

if TYPE_CHECKING:
    from app.views.panels.demo import Demo


@dataclass(frozen=True, slots=True)
class Page:
    """One page: which model, drawn how, and one sentence."""

    sparsity: float
    overlay: str
    words: str


PAGES = (
    Page(
        0.0,
        "outline",
        "A computer model outlines every nucleus it finds. This is the whole of it.",
    ),
    Page(
        0.5,
        "outline",
        "Half of the model is taken away, and the rest adjusted to stand in for it.",
    ),
    Page(
        0.9,
        "outline",
        "Nine tenths are taken away. Look for nuclei on the left that the right lacks.",
    ),
    Page(
        0.9,
        "difference",
        "The same, with every nucleus coloured by what became of it. Striped: lost.",
    ),
)


class Asks(Protocol):
    """What the story asks for: `app.controllers.controller.Controller` has it."""

    def set_request(self, **changes: Any) -> None:
        """Change what is pruned."""

    def set_display(self, **changes: Any) -> None:
        """Change how masks are drawn."""


class StoryController(QObject):
    """Leads through the pages.

    Parameters
    ----------
    view
        Shows them.
    store
        Model and measurements are read from it.
    asks
        Changes what is pruned and how it is drawn.
    slide
        Key of the slide that times are told for, as kept last time.
    keep
        Is told of another slide, to keep it.
    parent
        Qt owner.
    """

    def __init__(
        self,
        view: "Demo",
        store: Store,
        asks: Asks,
        slide: str,
        keep: Callable[[str], None],
        parent: QObject,
    ) -> None:
        super().__init__(parent)
        self._view, self._store, self._asks, self._keep = view, store, asks, keep
        self._slide = slide_called(slide or SLIDES[1].key)
        self._page = 0  # none yet
        view.set_slide(self._slide.key)
        view.storyAsked.connect(self.turn)
        view.slideChosen.connect(self.choose_slide)
        view.stepChosen.connect(self._on_step)
        store.changed.connect(self._on_changed)
        self._show_page()

    @Slot(int)
    def turn(self, by: int) -> None:
        """Go on or back by pages; stays at both ends."""
        page = min(max(self._page + by, 1), len(PAGES))
        if page != self._page:
            self._page = page
            shown = PAGES[page - 1]
            self._asks.set_request(sparsity=shown.sparsity)
            self._asks.set_display(overlay=shown.overlay, visible=True)
            self._show_page()

    @Slot(str)
    def choose_slide(self, key: str) -> None:
        """Tell times for another slide."""
        self._slide = slide_called(key)
        self._keep(key)
        self._show_meaning()

    @Slot(float)
    def _on_step(self, sparsity: float) -> None:
        """Go on from the page of a step that was chosen by its button."""
        pages = [n for n, page in enumerate(PAGES, 1) if page.sparsity == sparsity]
        if pages and self._page:
            self._page = pages[0]
            self._show_page()

    @Slot(object, object)
    def _on_changed(self, old: Any, new: Any) -> None:
        if old.demo and not new.demo:
            self._page = 0
            self._show_page()
        names = ("opened", "panes", "trials")
        if any(getattr(old, n) is not getattr(new, n) for n in names):
            self._show_meaning()

    def _show_page(self) -> None:
        words = PAGES[self._page - 1].words if self._page else ""
        self._view.set_page(self._page, len(PAGES), words)

    def _show_meaning(self) -> None:
        state = self._store.state
        if state.opened is not None:
            words = meaning(state.opened, state.latency, self._slide)
            self._view.set_meaning(words)
