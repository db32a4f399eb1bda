"""What is the case, of all that a command may depend on: a pure function."""

from pathlib import Path

from app.state.app_state import MOST, AppState
from core.sources import Source


def find_flags(state: AppState) -> frozenset[str]:
    """Return what is the case, of all that a command may depend on."""
    display, bench = state.display, not state.demo
    panes = len(state.panes)
    past, now = state.history.past, tuple(pane.request for pane in state.panes)
    # What was not rested on yet can be taken back as well.
    moved = bool(past) and past[-1].requests != now
    flags = {
        "open": state.opened is not None and state.opening is None,
        "slide": state.opened is not None and state.opened.slide is not None,
        "sized": state.opened is not None and state.opened.model.task == "nuclei",
        "classes": _names_classes(state),
        "undo": len(past) > 1 or moved,
        "redo": bool(state.history.future),
        "room": bench and panes < MOST,
        "several": bench and panes > 1,
        "masks": display.visible,
        "fill": display.overlay == "fill",
        "difference": display.overlay == "difference",
        "swipe": display.swipe,
        "truth": display.truth,
        "demo": state.demo,
        "bench": bench,
        "story": state.demo and not state.reading,
        "locked": bool(state.request.locked),
        "calibrated": state.opened is not None and bool(state.opened.calibrated_on),
        "exploring": bool(state.todo),
        "measured": state.opened is not None and state.latency is not None,
        "paused": state.paused,
    }
    flags |= {f"pane {n + 1}": bench and n < panes for n in range(MOST)}
    return frozenset(name for name, on in flags.items() if on)


def _names_classes(state: AppState) -> bool:
    """Return whether the open model is a classifier from a file."""
    model = state.opened.model if state.opened else None
    return (
        model is not None
        and model.task == "patch"
        and Path(Source.of_model(model.source).name).is_file()
    )
