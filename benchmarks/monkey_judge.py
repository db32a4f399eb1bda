"""What a window shows is compared with what its state says, for `benchmarks.monkey`."""

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from app.bootstrap import Application
    from app.state.app_state import AppState


def find_lies(bench: "Application") -> list[str]:
    """Return what is shown and does not belong to what is named.

    The state is asked once, then every pane, point and name on show is compared with
    it; the plan of each pane is computed again from its request.
    """
    state = bench.store.state
    if state.opened is None or state.opening is not None or state.choosing is not None:
        return []
    shown = [state.drawn(pane) for pane in state.panes]
    shown[state.active] = state.seen
    shown = [state.seen] if state.demo else shown
    return [
        *_compare_names(bench),
        *_compare_panes(state, shown),
        *_compare_masks(bench, [one for one in shown if one is not None]),
    ]


def _compare_names(bench: "Application") -> list[str]:
    """Return points and titles of something else than what is open."""
    state, title = bench.store.state, bench.window.windowTitle()
    opened = state.opened
    assert opened is not None
    found = [] if opened.picture.name in title else [f"the title says {title!r}"]
    place = opened.model.source, opened.source.pair
    for trial in state.trials:
        if (trial.identity.model, trial.identity.data) != place:
            found.append(f"a point of {trial.identity.model} on {trial.identity.data}")
        if trial.measured is not None and trial.measured.request != trial.request:
            found.append(f"the latency of {trial.measured.request} at {trial.request}")
    asked = [trial.request for trial in state.trials]
    return found if len(set(asked)) == len(asked) else [*found, "two points of one"]


def _compare_panes(state: "AppState", shown: list[Any]) -> list[str]:
    """Return panes whose result, or its plan, is of another request."""
    found: list[str] = []
    session = getattr(state.opened and state.opened.session, "bench", None)
    if state.demo or state.preview is not None:
        return found
    for number, (pane, outcome) in enumerate(zip(state.panes, shown, strict=True)):
        request = pane.request
        if outcome is None or not pane.current:
            continue
        if outcome.request != request:
            found.append(f"pane {number} is named {request}")
        untold = session is None or request.model or request.recovery == "finetune"
        if not untold and session.pruned(request)[1].hash != outcome.plan_hash:
            found.append(f"pane {number} shows another plan")
    return found


def _compare_masks(bench: "Application", shown: list[Any]) -> list[str]:
    """Return which masks on show are of no result that belongs there."""
    state = bench.store.state
    assert state.opened is not None
    nuclei = [state.opened.nuclei, *(one.nuclei for one in shown)]
    if state.opened.truth is not None:
        nuclei.append(state.opened.truth)
    known = {id(one.levels) for one in nuclei}
    return [
        f"pane {number} draws masks of something else"
        for number, view in enumerate(bench.window.viewer.panes)
        for mask in view.masks
        if id(mask.levels) not in known
    ]
