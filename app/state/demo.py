"""The demo view as a value: its story, page by page, and what it must give back."""

from dataclasses import dataclass
from typing import Literal

from app.state.history import Arrangement

Overlay = Literal["outline", "fill", "difference"]


@dataclass(frozen=True, slots=True)
class Page:
    """One page of the story: which model, drawn how, and one sentence."""

    sparsity: float
    overlay: Overlay
    words: str


PAGES = (
    Page(
        0.0,
        "outline",
        "This is the full model: it outlines every nucleus it finds.",
    ),
    Page(
        0.5,
        "outline",
        "Half of the model is removed, and the rest is adjusted to make up for it.",
    ),
    Page(
        0.9,
        "outline",
        "Nine tenths are removed. Look for nuclei on the left that the right lacks.",
    ),
    Page(
        0.9,
        "difference",
        "The same, with every nucleus coloured by what became of it. Striped: lost.",
    ),
)


@dataclass(frozen=True, slots=True)
class Demo:
    """Where the demo view stands.

    Parameters
    ----------
    on
        Whether it is shown.
    page
        Of the story, from 1; 0 before it begins.
    slide
        Key of the piece of tissue that times are told for.
    kept
        The panes as they were before, the overlay, and whether masks were drawn; put
        back when it is left.
    """

    on: bool = False
    page: int = 0
    slide: str = "resection"
    kept: tuple[Arrangement, Overlay, bool] | None = None

    def find_page(self, sparsity: float) -> int:
        """Return the page of a step that was chosen by its button."""
        pages = [n for n, page in enumerate(PAGES, 1) if page.sparsity == sparsity]
        return pages[0] if pages and self.page else self.page
