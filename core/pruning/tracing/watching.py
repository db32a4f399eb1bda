"""Watches a running model: every torch call goes into a recorder.

To read this file, start from `CallWatch`.
"""

from collections.abc import Iterator
from functools import partial
from typing import Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode
from torch.utils._pytree import tree_iter

from core.pruning.tracing.dataflow import Wiring
from core.pruning.tracing.recording import Recorder, in_torch_nn, tensors_in
from core.pruning.tracing.rules import RULES, SUMMING, Call
from core.pruning.tracing.rules.channel_norms import follow
from core.pruning.tracing.rules.protocol import UnhandledError
from core.pruning.tracing.rules.reshaping import misuse
from core.pruning.tracing.side_effects import Writes
from core.pruning.tracing.symbolic_sizes import SymbolicSize
from core.pruning.tracing.traced_shape import TracedShape

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
        "setitem",
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


class RuleError(Exception):
    """A rule failed: a fault of this program, not of the traced model."""


class CallWatch(TorchFunctionMode):
    """Writes every torch call of the running model into a recorder.

    Parameters
    ----------
    recorder
        Where labels, layers and calls are written.
    wiring
        Where it is written which layer reads which.
    writes
        Whether the model may write to its own tensors, as batch norms do in training.
    """

    def __init__(
        self, recorder: Recorder, wiring: Wiring, *, writes: bool = False
    ) -> None:
        super().__init__()
        self._recorder = recorder
        self._wiring = wiring
        self._writes, self._may_write = Writes(recorder), writes

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
        if not self._may_write:
            self._writes.before(func, name, args)
        self._recorder.calls.append((name, _constants(args, kwargs)))
        out = func(*args, **kwargs)
        self._writes.after(name, args, out)
        if name in _LOOKS:
            return out
        for tensor in tensors_in((args, kwargs)):
            readers = self._recorder.readers
            readers[id(tensor)] = readers.get(id(tensor), 0) + 1
            if id(tensor) in self._recorder.foreign:
                self._recorder.touched.append(name)
        done = len(self._recorder.layers)
        self._record(Call(name.removeprefix("get_"), args, kwargs, out))
        made = self._recorder.layers[done:]
        layer = done if made and made[0].kind != "norm" else None
        self._wiring.after(name.removeprefix("get_"), (args, kwargs), out, layer)
        return out

    def _record(self, call: Call) -> None:
        recorder = self._recorder
        if call.name not in _TAKE_SIZES:
            for leaf in _leaves(call.args, call.kwargs):
                misuse(recorder, leaf)
        if call.name in _MAKERS:
            return
        rule, products = RULES.get(call.name), len(recorder.sums)
        wrapped = [t for t in tensors_in((call.args, call.kwargs)) if _is_wrapped(t)]
        recorder.fix([_unwrapped(t) for t in wrapped], "mapped over by torch.func")
        try:
            if rule is None or wrapped:
                raise UnhandledError
            rule(recorder, call)
            follow(recorder, call)
        except UnhandledError:
            self._protect(call)
        except Exception as error:
            raise RuleError(
                f"The rule for {call.name} failed ({error!r}). Please report this."
            ) from error
        if call.name in SUMMING and len(recorder.sums) == products:
            recorder.sums.append(())  # one entry a call, for whoever counts them

    def _protect(self, call: Call) -> None:
        """Fix all that an operation without a rule touches."""
        recorder = self._recorder
        follow(recorder, call)
        for leaf in _leaves(call.args, call.kwargs):
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
        if name == "len" and labels[0] is not None:  # Python makes a number of it
            recorder.book.fix(labels[0], "the code counts its entries")
        if name not in ("get_shape", "size"):
            if name != "len":
                recorder.fix(tensor, "the code counts its values")
            return out
        sizes = tuple(int.__int__(size) for size in tensor.shape)
        dim = args[1] if len(args) > 1 else kwargs.get("dim")
        if dim is not None:
            return recorder.size(labels[dim], sizes[dim])
        count = partial(recorder.fix, tensor, "the code counts its values")
        return TracedShape(sizes, lambda d: recorder.size(labels[d], sizes[d]), count)


def _leaves(args: tuple[Any, ...], kwargs: dict[str, Any]) -> Iterator[Any]:
    """Yield what a call was given, shapes taken apart."""
    for leaf in tree_iter((args, kwargs)):
        if isinstance(leaf, TracedShape):
            yield from leaf
        elif isinstance(leaf, slice):
            yield from (leaf.start, leaf.stop, leaf.step)
        else:
            yield leaf


def _constants(args: tuple[Any, ...], kwargs: dict[str, Any]) -> tuple[Any, ...]:
    """Return the numbers and names that the model's own code wrote into a call.

    Torch's own layers take theirs from attributes, which pruning keeps up to date.
    """
    if in_torch_nn():
        return ()
    found: list[Any] = []
    for leaf in tree_iter((args, kwargs)):
        if isinstance(leaf, TracedShape | SymbolicSize):
            found.append("width")
        elif isinstance(leaf, slice):
            bounds = (leaf.start, leaf.stop, leaf.step)
            found += ["width" if isinstance(b, SymbolicSize) else b for b in bounds]
        elif isinstance(leaf, int | float | complex | str | None):
            found.append(leaf)
    return tuple(found)


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
