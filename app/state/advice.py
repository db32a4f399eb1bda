"""What could be done about a disappointing result, as events: pure functions."""

from dataclasses import replace

from app.state import events
from app.state.app_state import AppState

LANES = 16
"""Widths that are a multiple of this fill the vector units of common processors."""

LOWER, AGAIN, ROUND = (
    "Lower the minimum width to 1",
    "Measure again",
    f"Round widths to {LANES}",
)
CAPTIONS = (LOWER, AGAIN, ROUND)

Advice = tuple[str, events.Event]


def find_advice(state: AppState) -> tuple[Advice, ...]:
    """Return captions of buttons, and what each asks for.

    Parameters
    ----------
    state
        Of the window; the model of the controls is meant.
    """
    request, measured = state.request, state.latency
    found: list[Advice] = []
    if state.opened is None or request.model:
        return ()
    why = state.failed.get(request, "")
    if why and request.min_channels > 1:
        lower = events.RequestChanged(replace(request, min_channels=1))
        found.append((LOWER, lower))
    if not state.current or measured is None:
        return tuple(found)
    if not measured.measurable:
        found.append((AGAIN, events.MeasuringAsked()))
    elif measured.verdict != "faster" and _is_odd(state):
        rounded = events.RequestChanged(replace(request, round_to=LANES))
        found.append((ROUND, rounded))
    return tuple(found)


def _is_odd(state: AppState) -> bool:
    """Return whether channels were removed to widths that processors pad."""
    request, outcome = state.request, state.outcome
    if outcome is None or request.unstructured or request.sparsity == 0:
        return False
    if request.round_to % LANES == 0:
        return False
    return any(width % LANES for width in outcome.widths.values())


def measure_again(state: AppState, _: events.MeasuringAsked) -> AppState:
    """Return the state without the measurement of the model of the controls."""
    trials = tuple(
        replace(trial, measured=None) if trial.request == state.request else trial
        for trial in state.trials
    )
    return replace(state, trials=trials)
