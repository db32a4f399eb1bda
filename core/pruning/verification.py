"""A trace that is checked: the pruned model must do what the dense one does.

A trace sees what torch functions do and what Python does with widths. It cannot see a
width that C code takes for a plain number (``1.0 / x.shape[1]``, ``range(c)``), nor a
layer that a copy of the model shares with the original. Both show when a narrower copy
runs: it must call the same functions with the same constants, give outputs of the same
shapes and the same values as the masked model, and touch none of the original's
weights. This happens once, when a model is opened, before anything is shown.

To read this file, start from `trace`.
"""

from collections.abc import Iterable
from itertools import zip_longest

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import PruningError
from core.pruning.applying.agreement import disagreement
from core.pruning.applying.apply import apply_plan
from core.pruning.planning.plan import PruningPlan
from core.pruning.planning.selection import plan_of
from core.pruning.tracing.copies import has_own_functions
from core.pruning.tracing.graph import ChannelGraph
from core.pruning.tracing.nested import tensors_within
from core.pruning.tracing.recording import plain
from core.pruning.tracing.tracer import TraceRun, graph_of_run, run_once

_TRUSTED = ("torch.nn.", "core.models.")
_CLOSE = 1e-3  # of outputs in float32; what is wrong is off by far more
_REMOVED = 3  # every third channel of a group goes


def trace(module: nn.Module, example: Tensor | tuple[Tensor, ...]) -> ChannelGraph:
    """Find the channels of a model that live or die together, and check it.

    Where the model's code computes with widths in a way that cannot be followed,
    all widths that it looks at are protected.

    Parameters
    ----------
    module
        Any network that runs on the example; it is not changed.
    example
        One input tensor or a tuple of them, of the shape that multiply-adds are
        counted for. Values do not matter.

    Returns
    -------
    ChannelGraph
        Atoms, layers and sizes; plain data that holds no reference to the module.

    Raises
    ------
    PruningError
        When the module does not run on the example, changes itself while it
        runs, is a frozen program, or cannot be pruned without changing what its
        code computes.
    """
    ran = run_once(module, example)
    graph = graph_of_run(ran)
    if graph.atoms < 2 or not _needs_check(module, ran):
        return graph
    found = _fault(module, graph, ran, example)
    if found is None:
        return graph
    ran = run_once(module, example, strict=True)
    graph = graph_of_run(ran)
    found = _fault(module, graph, ran, example) if graph.atoms > 1 else None
    if found is None:
        return graph
    raise PruningError(
        f"This model cannot be pruned: {found}. Write its forward pass with widths "
        "taken from tensors (x.shape[1]) and layers held as attributes of the module."
    )


def _needs_check(module: nn.Module, ran: TraceRun) -> bool:
    """Tell whether the code could do what a trace does not see."""
    if ran.recorder.handed or ran.on_values:
        return True
    return any(
        has_own_functions(child) or not type(child).__module__.startswith(_TRUSTED)
        for child in module.modules()
    )


def _fault(
    module: nn.Module,
    graph: ChannelGraph,
    ran: TraceRun,
    example: Tensor | tuple[Tensor, ...],
) -> str | None:
    """Return what a narrower copy does differently, or None."""
    plan = _narrowing(graph)
    inputs = (example,) if isinstance(example, Tensor) else tuple(example)
    dense = {id(t) for t in (*module.parameters(), *module.buffers())}
    pruned = apply_plan(module, plan)
    try:
        narrow = run_once(pruned, inputs, foreign=dense)
        far = disagreement(module, graph, plan, _telling(inputs)) > _CLOSE
    except PruningError as error:
        return f"a narrower copy of it does not run ({_reason(error)})"
    touched = narrow.recorder.touched
    if touched:
        return (
            f"a copy of it still uses weights of the original in {touched[0]}, held by "
            "a function outside the module"
        )
    found = None if ran.on_values else _first_difference(ran, narrow)
    if found is None and far:
        return "cutting it does not give what masking it gives"
    return found


def _telling(inputs: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Return inputs whose values show a difference: noise in the place of constants."""
    generator = torch.Generator().manual_seed(0)
    return tuple(
        torch.rand(each.shape, generator=generator).to(each)
        if each.is_floating_point() and bool((each == each.flatten()[:1]).all())
        else each
        for each in inputs
    )


def _reason(error: PruningError) -> str:
    cause = error.__cause__
    return (str(cause or error) or repr(cause)).splitlines()[0].rstrip(".")


def _narrowing(graph: ChannelGraph) -> PruningPlan:
    """Return a plan that changes every width that may change."""
    alive = np.ones(graph.atoms, dtype=bool)
    for group in graph.groups:
        if len(group) > 1:
            alive[group[: max(1, len(group) // _REMOVED)]] = False
    return plan_of(graph, alive, {})


def _first_difference(dense: TraceRun, narrow: TraceRun) -> str | None:
    """Return where two runs part, in words, or None where they do the same."""
    pairs = zip_longest(dense.recorder.calls, narrow.recorder.calls)
    for one, other in pairs:
        if one is None or other is None or one[0] != other[0]:
            return f"its code takes another path for other widths ({_name(one, other)})"
        if not _same(one[1], other[1]):
            return f"a constant in its code depends on a width (in {one[0]})"
    shapes = [_shapes(run) for run in (dense, narrow)]
    if shapes[0] != shapes[1]:
        return "its outputs change their shape"
    return None


def _name(*calls: tuple[str, tuple[object, ...]] | None) -> str:
    return next((call[0] for call in calls if call is not None), "")


def _same(one: Iterable[object], other: Iterable[object]) -> bool:
    """Compare constants; one that is no number equals itself."""
    return all(
        type(a) is type(b) and (a == b or (a != a and b != b))
        for a, b in zip_longest(one, other)
    )


def _shapes(run: TraceRun) -> list[tuple[int, ...]]:
    return [plain(tensor.shape) for tensor in tensors_within(run.out)]
