"""Which sparsities an exploration tries, and what is left of it: pure functions."""

from dataclasses import replace

from app.state.app_state import AppState
from core.types import SLOW, PruneRequest, Recovery

EXPLORED = (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.85, 0.9, 0.95)
BASELINE = (0.2, 0.4, 0.6, 0.8, 0.9, 0.95)  # of the random curve
TIMED = (0.3, 0.6, 0.8, 0.9)  # explored sparsities whose latency is measured


def row_of(state: AppState) -> tuple[PruneRequest, ...]:
    """Return what to do to fill the curve of the controls.

    Parameters
    ----------
    state
        Of the window.

    Returns
    -------
    tuple of PruneRequest
        First everything that was never tried; then, a second time, what is to
        be measured.
    """
    own = replace(state.request, model="")
    row = [replace(own, sparsity=sparsity) for sparsity in EXPLORED]
    tried = {trial.request for trial in state.trials}
    timed = {trial.request for trial in state.trials if trial.measured}
    if state.request.recovery == "finetune":
        # Few trained models are kept: each is measured before the next is trained.
        asked = [(one, one.sparsity in TIMED and one not in timed) for one in row]
        return tuple(one for one, due in asked for _ in range((one not in tried) + due))
    pruned = [one for one in row if one not in tried]
    measured = [one for one in row if one.sparsity in TIMED and one not in timed]
    return (*pruned, *measured)


def baseline_of(state: AppState) -> tuple[PruneRequest, ...]:
    """Return what to do to draw the random baseline of the active pane.

    Parameters
    ----------
    state
        Of the window.

    Returns
    -------
    tuple of PruneRequest
        What was never tried of random pruning with the scope, the count and
        the recovery of the controls (refit for fine-tuning); nothing where random
        cannot be used.
    """
    heuristics = state.opened.heuristics if state.opened else ()
    if not any(item.name == "random" and not item.needs for item in heuristics):
        return ()
    tried = {trial.request for trial in state.trials}
    # nobody waits half an hour for a background
    repair = state.request.recovery
    recovery: Recovery = "refit" if repair in SLOW else repair
    asked = replace(state.request, heuristic="random", recovery=recovery, model="")
    row = [replace(asked, sparsity=sparsity) for sparsity in BASELINE]
    return tuple(one for one in row if one not in tried)


def without(
    todo: tuple[PruneRequest, ...], done: PruneRequest
) -> tuple[PruneRequest, ...]:
    """Return what is left to do after ``done``, which may come twice."""
    index = todo.index(done) if done in todo else -1
    return todo if index < 0 else (*todo[:index], *todo[index + 1 :])
