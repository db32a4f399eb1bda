"""Run a model once and find out which channels belong together.

The model runs on shapes alone (fake tensors), with every torch function
intercepted. Control flow is free Python: whatever path the example takes is the
path that is recorded. An operation without a rule protects all it touches.

To read this file, start from `trace`.
"""

from collections.abc import Collection
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import FakeTensorMode
from torch.utils._pytree import tree_map_only

from core.errors import PruningError
from core.pruning.tracing.copies import copied
from core.pruning.tracing.dataflow import Wiring
from core.pruning.tracing.graph import OUTPUT, ChannelGraph, build_graph
from core.pruning.tracing.modes import evaluating
from core.pruning.tracing.nested import leaves_in, tensors_within
from core.pruning.tracing.recording import Recorder
from core.pruning.tracing.rules.reshaping import misuse
from core.pruning.tracing.side_effects import (
    SelfWriteError,
    first_change,
    restoring,
    state_of,
)
from core.pruning.tracing.traceable import check_traceable
from core.pruning.tracing.training_pass import trace_training
from core.pruning.tracing.watching import CallWatch, RuleError
from core.pruning.tracing.width_attributes import watching_widths


@dataclass(frozen=True, slots=True)
class TraceRun:
    """What one run of a model showed.

    Parameters
    ----------
    module
        What ran: the model, or a copy where the code looks at values.
    recorder, wiring
        What was written down.
    out
        What the model gave.
    on_values
        Whether it ran on values and not on shapes alone.
    """

    module: nn.Module
    recorder: Recorder
    wiring: Wiring
    out: Any
    on_values: bool = False


def trace(module: nn.Module, example: Tensor | tuple[Tensor, ...]) -> ChannelGraph:
    """Find the channels of a model that live or die together, unchecked.

    `core.pruning.trace` checks what this finds, see `core.pruning.verification`.

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
        runs, or is a frozen program (TorchScript).
    """
    return graph_of_run(run_once(module, example))


def graph_of_run(ran: TraceRun) -> ChannelGraph:
    """Return what a run showed as a graph."""
    recorder = ran.recorder
    found = tensors_within(ran.out)
    recorder.fix(found, OUTPUT)
    for tensor in found:
        statistic = recorder.statistics.get(id(tensor))
        if statistic is not None:
            recorder.book.fix(statistic.labels, statistic.reason)
    for leaf in leaves_in(ran.out):
        misuse(recorder, leaf)
    recorder.outputs.update(id(tensor) for tensor in found)
    wires = ran.wiring.wires(found)
    return build_graph(ran.module, recorder, list(recorder.example), wires)


def run_once(
    module: nn.Module,
    example: Tensor | tuple[Tensor, ...],
    *,
    strict: bool = False,
    foreign: Collection[int] = (),
) -> TraceRun:
    """Run a model on an example and write down what it does; see `trace`.

    With ``strict``, every width that the model's own code looks at is protected;
    calls that take tensors whose identities are ``foreign`` are noted.
    """
    inputs = check_traceable(module, example)
    before = state_of(module)
    with evaluating(module), restoring(module):
        recorder = Recorder(module, strict=strict, foreign=foreign)
        ran = _on_shapes(module, inputs, recorder)
        if ran is None:
            copy = copied(module)
            recorder = Recorder(copy, strict=strict, foreign=foreign)
            ran = _on_values(copy, inputs, recorder)
        else:
            trace_training(module, inputs, recorder)
        changed = first_change(before, state_of(module))
    if changed:
        raise _impure(changed)
    ran.recorder.example = tuple(tuple(t.shape) for t in inputs)
    return ran


def _on_shapes(
    module: nn.Module, inputs: tuple[Tensor, ...], recorder: Recorder
) -> TraceRun | None:
    """Run on shapes alone; None when the code looks at values."""
    wiring = Wiring()
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    try:
        with torch.no_grad(), fake, watching_widths(recorder, module):
            shapes = tree_map_only(Tensor, fake.from_tensor, inputs)
            with CallWatch(recorder, wiring):
                return TraceRun(module, recorder, wiring, module(*shapes))
    except SelfWriteError as error:
        raise _impure(str(error)) from error
    except RuleError:
        raise
    except Exception:  # noqa: BLE001 - the code is not ours; values will tell
        return None


def _on_values(
    module: nn.Module, inputs: tuple[Tensor, ...], recorder: Recorder
) -> TraceRun:
    """Run a copy of the model on a copy of the example itself."""
    wiring = Wiring()
    before = state_of(module)
    try:
        with torch.no_grad(), watching_widths(recorder, module):
            values = tuple(tensor.clone() for tensor in inputs)
            with CallWatch(recorder, wiring):
                out = module(*values)
    except SelfWriteError as error:
        raise _impure(str(error)) from error
    except RuleError:
        raise
    except Exception as error:
        raise _cannot_run(inputs, error) from error
    changed = first_change(before, state_of(module))
    if changed:
        raise _impure(changed)
    return TraceRun(module, recorder, wiring, out, on_values=True)


def _impure(name: str) -> PruningError:
    return PruningError(
        f"This model changes its own parameters or buffers while it runs ({name}), so "
        "a plan made from one run would not hold for the next: make its forward pass "
        "free of side effects in evaluation mode."
    )


def _cannot_run(inputs: tuple[Tensor, ...], error: Exception) -> PruningError:
    shapes = ", ".join(str(tuple(t.shape)) for t in inputs)
    first = (str(error) or repr(error)).splitlines()[0]
    return PruningError(
        f"The model does not run on an example of shape {shapes} ({first}): pass an "
        "example of the shape and type that the model takes."
    )
