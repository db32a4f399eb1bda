"""How masks are drawn: one frozen value."""

from dataclasses import dataclass, field, replace

from app.state.demo import Overlay
from app.state.values import Kind


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
    opacity: float = field(default=0.9, metadata={"range": (0, 1)})
    metric: str = "aji"
    truth: bool = False
    swipe: bool = False
    heat: str = ""
    hidden_types: tuple[int, ...] = ()
    hidden_kinds: tuple[Kind, ...] = ()

    def toggled(self, what: str) -> "Display":
        """Return the display after a key was pressed.

        Parameters
        ----------
        what
            ``visible``, ``truth``, ``swipe``, ``fill`` or ``difference``.
        """
        if what == "visible":
            return replace(self, visible=not self.visible)
        if what == "truth":
            return replace(self, truth=not self.truth)
        if what == "swipe":
            return replace(self, swipe=not self.swipe)
        # The same key goes back to outlines.
        overlay: Overlay = "fill" if what == "fill" else "difference"
        return replace(self, overlay="outline" if self.overlay == what else overlay)
