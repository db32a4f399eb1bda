"""Panes that move together: pure functions from panes to panes.

To read this file, start from `followed`.
"""

from collections.abc import Callable
from dataclasses import replace

from app.state.app_state import AppState, Pane
from app.state.trials import predictor, work_of
from core.tables import MAX_SPARSITY
from core.types import SPARSITY

_HALVINGS = 12  # of the range: closer than the slider's steps
_STEPS = 1000  # of the slider


def followed(state: AppState) -> tuple[Pane, ...]:
    """Return the panes as the lock wants them, given the active one.

    Parameters
    ----------
    state
        Of the window; ``lock`` says what the panes have in common.

    Returns
    -------
    tuple of Pane
        The very same objects where nothing changes. A pane whose sizes are
        not known yet stays as it is: it follows when its curve is there.
    """
    if state.lock == "sparsity":
        sparsity = state.request.sparsity
        return tuple(_moved(pane, sparsity) for pane in state.panes)
    if state.lock == "latency":
        return _as_fast(state)
    return state.panes


def _moved(pane: Pane, sparsity: float) -> Pane:
    if pane.request.sparsity == sparsity or pane.request.model:
        return pane
    return replace(pane, request=replace(pane.request, sparsity=sparsity))


def _as_fast(state: AppState) -> tuple[Pane, ...]:
    """Return the other panes at the sparsity that is as fast as the active one."""
    wanted = speedup_at(state, state.pane)
    if wanted is None:
        return state.panes
    moved = []
    for index, pane in enumerate(state.panes):
        speed = _speeds(state, pane)
        if index == state.active or speed is None or _fast_enough(state, pane, wanted):
            moved.append(pane)
        else:
            moved.append(_moved(pane, _sparsity_for(speed, wanted)))
    return tuple(moved)


def _fast_enough(state: AppState, pane: Pane, wanted: float) -> bool:
    """Return whether a pane was measured, and is as fast as can be told apart."""
    measured = state.latency_of(pane.request)
    if measured is None or not measured.measurable:
        return False
    low, high = measured.interval
    return low <= wanted <= high


def speedup_at(state: AppState, pane: Pane) -> float | None:
    """Return how much faster than dense a pane is: measured, or else predicted."""
    measured = state.latency_of(pane.request)
    if measured is not None and measured.measurable:
        return measured.speedup
    speed = _speeds(state, pane)
    return speed(pane.request.sparsity) if speed is not None else None


def _speeds(state: AppState, pane: Pane) -> Callable[[float], float] | None:
    """Return the predicted speed-up at any sparsity, once sizes are known.

    What was measured on the pane's own curve is a better guide than what was
    measured on others: the same work is faster in some layers.
    """
    opened, curve = state.opened, state.curve_for(pane.request)
    if opened is None or curve is None:
        return None
    curve_key = pane.request.key(without=SPARSITY)
    own = [
        trial
        for trial in state.trials
        if trial.latency is not None
        and trial.request.key(without=SPARSITY) == curve_key
    ]
    predict = predictor(own or state.trials)
    total = max(opened.counts.macs, 1)
    return lambda sparsity: predict(
        work_of(pane.request, curve.at(sparsity).macs / total)
    )


def _sparsity_for(speed: Callable[[float], float], wanted: float) -> float:
    """Return the least sparsity that is fast enough, on a step of the slider."""
    low, high = 0.0, MAX_SPARSITY
    if speed(low) >= wanted:
        return low
    if speed(high) < wanted:
        return high
    for _ in range(_HALVINGS):
        middle = (low + high) / 2
        if speed(middle) < wanted:
            low = middle
        else:
            high = middle
    return min(round(high * _STEPS) / _STEPS, MAX_SPARSITY)
