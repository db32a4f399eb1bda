"""The state to the plots: what the right column shows."""

from typing import TYPE_CHECKING

from app.curves import best, curves, dense_latency, latencies
from app.palette import series_colour
from app.widgets.plot import Dot

if TYPE_CHECKING:
    from app.state import AppState
    from app.views.plots import Plots


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
    plots.set_metric(metric, against)
    plots.set_lines(
        curves(
            new.trials,
            metric=metric,
            dense_ms=dense_ms,
            now=new.request,
            order=order,
        )
    )
    plots.set_front(best(new.trials, metric=metric, dense_ms=dense_ms))
    level = opened.scores.get(metric) if opened.scores is not None else 1.0
    plots.set_dense(level, dense_ms)
    titles = {item.name: item.title for item in opened.heuristics}
    names = dict.fromkeys(trial.request.heuristic for trial in new.trials)
    names.setdefault(new.request.heuristic)
    plots.set_legend(
        {titles.get(name, name): series_colour(name, order) for name in names}
    )
    plots.set_current(_current(new, metric, dense_ms))


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
    key, sure = trial.request, trial.measured is not None
    if score != score:  # undefined: both maps are empty
        return None, Dot(trial.removed, latency, key, sure=sure), None
    return (
        Dot(trial.removed, score, key),
        Dot(trial.removed, latency, key, sure=sure),
        Dot(latency, score, key, sure=sure),
    )
