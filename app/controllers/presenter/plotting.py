"""The state to the plots: what the right column shows."""

from dataclasses import replace
from typing import TYPE_CHECKING

from app.plots.curves import curves, dense_latency, latencies
from app.plots.plot_values import Dot
from app.plots.styles import series_name, style_of
from app.views.widgets.legend import Entry
from core.types import SPARSITY

if TYPE_CHECKING:
    from app.state.app_state import AppState
    from app.views.panels.plots import Plots
    from core.types import PruneRequest, RequestKey


def show_plots(plots: "Plots", new: "AppState") -> None:
    """Set the plots; called a little later, so that masks come first."""
    opened = new.opened
    if opened is None:
        return
    order = tuple(item.name for item in opened.heuristics)
    metric = new.display.metric
    guess = opened.seconds.get("network", 0.1) * 1000
    dense_ms = dense_latency(new.trials, guess)
    against = "against truth" if opened.scores is not None else "against dense"
    plots.set_task(opened.model.task)
    plots.set_metric(metric, against)
    plots.set_lines(
        curves(
            new.trials,
            metric=metric,
            dense_ms=dense_ms,
            now=new.request,
            order=order,
            beside=[
                pane.request
                for place, pane in enumerate(new.panes)
                if place != new.active
            ],
        )
    )
    level = opened.scores.get(metric) if opened.scores is not None else 1.0
    plots.set_dense(level, dense_ms)
    plots.set_legend(_legend(new, order))
    plots.set_current(_current(new, metric, dense_ms))


def _legend(state: "AppState", order: tuple[str, ...]) -> tuple[Entry, ...]:
    """Return the curves by name: those of the panes first, then the baseline."""
    heuristics = state.opened.heuristics if state.opened else ()
    titles = {item.name: item.title for item in heuristics}
    requests: dict[RequestKey, PruneRequest] = {}
    for pane in state.panes:
        requests.setdefault(pane.request.key(without=SPARSITY), pane.request)
    for trial in state.trials:
        requests.setdefault(trial.request.key(without=SPARSITY), trial.request)
    shown = {pane.request.key(without=SPARSITY) for pane in state.panes}
    entries = []
    for series, request in requests.items():
        looks = style_of(request, order)
        name = series_name(request, titles)
        if request.heuristic == "random" and series not in shown:
            name += " (baseline)"
        entries.append(Entry(name, looks.colour, looks.shape, series in shown))
    # What no pane is on comes last, the baseline of the active pane before it.
    here = replace(state.request, heuristic="random").key(without=SPARSITY)
    keys = list(requests)
    ranks = [(not e.strong, k != here) for k, e in zip(keys, entries, strict=True)]
    return tuple(entries[i] for i in sorted(range(len(entries)), key=ranks.__getitem__))


def _current(
    state: "AppState", metric: str, dense_ms: float
) -> tuple[Dot | None, Dot | None, Dot | None]:
    """Return the rings around the point on show, one per plot."""
    found = [i for i, t in enumerate(state.trials) if t.request == state.request]
    if not found:
        return None, None, None
    trial = state.trials[found[0]]
    latency = latencies(state.trials, dense_ms)[found[0]]
    score = trial.scores.get(metric, float("nan"))
    key, sure = trial.request, trial.latency is not None
    if score != score:  # undefined: both maps are empty
        return None, Dot(trial.removed, latency, key, sure=sure), None
    return (
        Dot(trial.removed, score, key),
        Dot(trial.removed, latency, key, sure=sure),
        Dot(latency, score, key, sure=sure),
    )
