"""Run a model once and find out which channels belong together.

The model runs on shapes alone (fake tensors), with every torch function
intercepted. Control flow is free Python: whatever path the example takes is the
path that is recorded. An operation without a rule protects all it touches.

To read this file, start from `trace`.
"""

from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch._subclasses.fake_tensor import (
    DataDependentOutputException,
    DynamicOutputShapeException,
    FakeTensorMode,
    UnsupportedFakeTensorException,
)
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_iter, tree_map_only

from core.errors import PruningError
from core.pruning.tracing.dataflow import Wiring
from core.pruning.tracing.graph import OUTPUT, ChannelGraph, build_graph
from core.pruning.tracing.modes import copied, evaluating
from core.pruning.tracing.recording import Recorder, in_torch_nn, tensors_in
from core.pruning.tracing.rules import RULES, Call
from core.pruning.tracing.rules.protocol import UnhandledError
from core.pruning.tracing.rules.shapes import misuse
from core.pruning.tracing.side_effects import (
    SelfWriteError,
    Writes,
    first_change,
    restoring,
    state_of,
)
from core.pruning.tracing.width_attributes import watching_widths

# Functions that make no values: looking at a tensor changes nothing.
_LOOKS = frozenset(
    [
        "dim",
        "ndimension",
        "is_floating_point",
        "is_complex",
        "element_size",
        "get_device",
        "is_contiguous",
        "storage_offset",
        "is_nonzero",
        "data_ptr",
        "has_names",
        "requires_grad_",
        "get_dtype",
        "get_device",
        "get_requires_grad",
        "get_is_nested",
        "get_ndim",
        "get_is_cuda",
        "get_layout",
        "get_is_sparse",
        "get_is_quantized",
        "get_names",
        "get_is_mkldnn",
        "get_is_meta",
        "get_itemsize",
        "get_grad_fn",
        "get_is_leaf",
        "set_data",
        "is_pinned",
    ]
)
# Functions that make values out of no channels at all.
_MAKERS = frozenset(["arange", "linspace", "tensor", "eye", "new_tensor", "meshgrid"])
# Functions whose rules look at the widths that they are given.
_TAKE_SIZES = frozenset(
    [
        "view",
        "reshape",
        "unflatten",
        "expand",
        "split",
        "split_with_sizes",
        "getitem",
        "zeros",
        "ones",
        "empty",
        "rand",
        "randn",
        "full",
        "new_zeros",
        "new_ones",
        "new_empty",
        "new_full",
    ]
)


_SIZES = frozenset(
    ["get_shape", "size", "numel", "nelement", "len", "stride", "get_nbytes"]
)


class _Watch(TorchFunctionMode):
    """Writes every torch call of the running model into a recorder."""

    def __init__(self, recorder: Recorder, wiring: Wiring) -> None:
        super().__init__()
        self._recorder = recorder
        self._wiring = wiring
        self._writes = Writes(recorder)

    def __torch_function__(
        self,
        func: Any,
        types: Any,
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        kwargs = kwargs or {}
        name = _name(func)
        if name in _SIZES:
            return self._look_at_size(name, func, args, kwargs)
        self._writes.before(func, name, args)
        out = func(*args, **kwargs)
        self._writes.after(name, args, out)
        if name in _LOOKS:
            return out
        for tensor in tensors_in((args, kwargs)):
            readers = self._recorder.readers
            readers[id(tensor)] = readers.get(id(tensor), 0) + 1
        done = len(self._recorder.layers)
        self._record(Call(name.removeprefix("get_"), args, kwargs, out))
        made = self._recorder.layers[done:]
        layer = done if made and made[0].kind != "norm" else None
        self._wiring.after(name.removeprefix("get_"), (args, kwargs), out, layer)
        return out

    def _record(self, call: Call) -> None:
        recorder = self._recorder
        if call.name not in _TAKE_SIZES:
            for leaf in tree_iter((call.args, call.kwargs)):
                misuse(recorder, leaf)
        if call.name in _MAKERS:
            return
        rule = RULES.get(call.name)
        wrapped = [t for t in tensors_in((call.args, call.kwargs)) if _is_wrapped(t)]
        recorder.fix([_unwrapped(t) for t in wrapped], "mapped over by torch.func")
        try:
            if rule is None or wrapped:
                raise UnhandledError
            rule(recorder, call)
        except Exception:  # noqa: BLE001 - a form that the rule does not know
            for leaf in tree_iter((call.args, call.kwargs)):
                misuse(recorder, leaf)
            operands = list(tensors_in((call.args, call.kwargs)))
            if any(tensor.dim() for tensor in operands):
                count = recorder.unknown.get(call.name, 0)
                recorder.unknown[call.name] = count + 1
            recorder.fix(operands, f"used by {call.name}, which has no rule")
            for tensor in tensors_in(call.out):
                recorder.set(tensor, [None] * tensor.dim())

    def _look_at_size(
        self, name: str, func: Any, args: tuple[Any, ...], kwargs: dict[str, Any]
    ) -> Any:
        out = func(*args, **kwargs)
        tensor = args[0]
        recorder = self._recorder
        if in_torch_nn() or not isinstance(tensor, Tensor):
            return out
        labels = recorder.labels(tensor)
        sizes = [recorder.size(e, n) for e, n in zip(labels, tensor.shape, strict=True)]
        if name == "len" and labels[0] is not None:  # Python makes a number of it
            recorder.book.fix(labels[0], "the code counts its entries")
        if name not in ("get_shape", "size"):
            if name != "len":
                recorder.fix(tensor, "the code counts its values")
            return out
        dim = args[1] if len(args) > 1 else kwargs.get("dim")
        if dim is None:
            return torch.Size(sizes)
        return sizes[dim]


def _is_wrapped(tensor: Tensor) -> bool:
    """Tell whether ``torch.vmap`` and the like run the code on one slice."""
    return bool(torch._C._functorch.is_functorch_wrapped_tensor(tensor))  # noqa: SLF001


def _unwrapped(tensor: Tensor) -> Tensor:
    while _is_wrapped(tensor):
        tensor = torch._C._functorch.get_unwrapped(tensor)  # noqa: SLF001 - no other way
    return tensor


def _name(func: Any) -> str:
    """Return the bare name of a torch function, ``get_x`` for a property."""
    name = getattr(func, "__name__", "")
    if name in ("__get__", "__set__"):
        owner = getattr(getattr(func, "__self__", None), "__name__", "")
        # ``x.T`` and ``x.data`` are operations; others only look.
        prefix = "set_" if name == "__set__" else "get_"
        return {"data": "alias", "T": "t", "mT": "mT"}.get(owner, prefix + owner)
    return str(name).strip("_")


def trace(module: nn.Module, example: Tensor | tuple[Tensor, ...]) -> ChannelGraph:
    """Find the channels of a model that live or die together.

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
    inputs = _check(module, example)
    before = state_of(module)
    with evaluating(module), restoring(module):
        ran = _on_shapes(module, inputs) or _on_values(copied(module), inputs)
        changed = first_change(before, state_of(module))
    if changed:
        raise _impure(changed)
    recorder, out = ran.recorder, ran.out
    recorder.fix(out, OUTPUT)
    for leaf in tree_iter(out):
        misuse(recorder, leaf)
    recorder.outputs.update(id(tensor) for tensor in tensors_in(out))
    wires = ran.wiring.wires(out)
    return build_graph(ran.module, recorder, [tuple(t.shape) for t in inputs], wires)


@dataclass(frozen=True, slots=True)
class _Run:
    """What one run of a model showed."""

    module: nn.Module
    recorder: Recorder
    wiring: Wiring
    out: Any


def _check(
    module: nn.Module, example: Tensor | tuple[Tensor, ...]
) -> tuple[Tensor, ...]:
    """Return the inputs as a tuple, or say what is wrong with module or example."""
    kind = type(module)
    if not issubclass(kind, nn.Module):
        raise PruningError(
            f"A model to prune is a torch.nn.Module, not a {kind.__name__}: build the "
            "network first and load its weights into it."
        )
    if any(isinstance(child, torch.jit.ScriptModule) for child in module.modules()):
        raise PruningError(
            "This model is or holds a TorchScript program, whose widths are frozen: "
            "load the Python model with its weights instead."
        )
    inputs: object = (example,) if isinstance(example, Tensor) else example
    if not isinstance(inputs, tuple | list) or not all(
        isinstance(one, Tensor) for one in inputs
    ):
        raise PruningError(
            "The example is one tensor or a tuple of tensors, as the model takes them, "
            f"not a {type(example).__name__}: convert it first."
        )
    return tuple(inputs)


def _on_shapes(module: nn.Module, inputs: tuple[Tensor, ...]) -> _Run | None:
    """Run on shapes alone; None when the code looks at values."""
    recorder, wiring = Recorder(module), Wiring()
    fake = FakeTensorMode(allow_non_fake_inputs=True)
    try:
        with torch.no_grad(), fake, watching_widths(recorder, module):
            shapes = tree_map_only(Tensor, fake.from_tensor, inputs)
            with _Watch(recorder, wiring):
                return _Run(module, recorder, wiring, module(*shapes))
    except (
        DataDependentOutputException,
        DynamicOutputShapeException,
        UnsupportedFakeTensorException,
    ):
        return None
    except SelfWriteError as error:
        raise _impure(str(error)) from error
    except Exception as error:
        raise _cannot_run(inputs, error) from error


def _on_values(module: nn.Module, inputs: tuple[Tensor, ...]) -> _Run:
    """Run a copy of the model on a copy of the example itself."""
    recorder, wiring = Recorder(module), Wiring()
    before = state_of(module)
    try:
        with torch.no_grad(), watching_widths(recorder, module):
            values = tuple(tensor.clone() for tensor in inputs)
            with _Watch(recorder, wiring):
                out = module(*values)
    except SelfWriteError as error:
        raise _impure(str(error)) from error
    except Exception as error:
        raise _cannot_run(inputs, error) from error
    changed = first_change(before, state_of(module))
    if changed:
        raise _impure(changed)
    return _Run(module, recorder, wiring, out)


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
