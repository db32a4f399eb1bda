"""What a trace writes down about a network: labels of tensors, layers, widths.

`Recorder` is the notebook that the rules (``core.pruning.tracing.rules``) write into
while a model runs once; `core.pruning.tracing.tracer` turns it into a `ChannelGraph`.

To read this file, start from `Recorder.labels`.
"""

import sys
from collections.abc import Collection, Iterable
from dataclasses import dataclass, field
from fractions import Fraction
from types import FrameType
from typing import Any, Literal

import numpy as np
from torch import Tensor, nn
from torch.utils._pytree import tree_iter

from core.pruning.tracing.labels import LabelArray, Labels
from core.pruning.tracing.symbolic_sizes import SymbolicSize

DimLabels = list[LabelArray | None]
"""Labels per dimension; None where nothing can be removed."""

LayerKind = Literal["conv", "transposed", "linear", "norm"]


@dataclass(frozen=True, slots=True)
class AttributeUse:
    """A module attribute that repeats a width, e.g. ``conv1.out_channels``."""

    path: str
    labels: LabelArray
    as_tuple: bool = False


@dataclass(frozen=True, slots=True)
class Summed:
    """A dimension of an operand that a product of matrices sums over.

    Parameters
    ----------
    operand
        Place among the tensors that the call was given.
    dim
        Of that tensor, counted from the front.
    labels
        Labels, or atoms in a finished graph, of its channels.
    left_out
        Whether removed channels are left out (a mean counts them), not made zero.
    """

    operand: int
    dim: int
    labels: LabelArray
    left_out: bool = False


@dataclass(frozen=True, slots=True)
class ChannelStatistic:
    """A mean or spread over channels, which a norm by hand is made of.

    Parameters
    ----------
    labels
        Of the channels.
    place
        Their dimension, counted from the end.
    reason
        Why they are protected if it is used for something else.
    inverse
        Whether it is one over a spread.
    """

    labels: LabelArray
    place: int
    reason: str
    inverse: bool = False


@dataclass(slots=True)
class LayerRecord:
    """One call of a layer with weights.

    Parameters
    ----------
    kind
        Which operation.
    weight, bias
        State-dict names, or None.
    inputs
        Labels of the channels it reads.
    outputs
        Labels of the channels it makes.
    groups
        Of a convolution; 1 for dense layers.
    depthwise
        Whether every output reads one input channel.
    positions
        How often each weight is used: multiply-accumulates per weight.
    reads, makes
        Identities of input and output tensor, to see what follows what.
    settings
        Stride, padding, dilation of a convolution.
    """

    kind: LayerKind
    weight: str | None
    bias: str | None
    inputs: LabelArray
    outputs: LabelArray
    groups: int = 1
    depthwise: bool = False
    positions: int = 0
    reads: int = 0
    makes: int = 0
    settings: dict[str, Any] = field(default_factory=dict)


class Recorder:
    """Labels of every tensor seen so far, and the layers met on the way.

    Parameters
    ----------
    module
        The network that is traced; only its names are read.
    strict
        Whether every width that the network's own code looks at stays as it is.
    foreign
        Identities of tensors that the network should not use.
    """

    def __init__(
        self,
        module: nn.Module,
        *,
        strict: bool = False,
        foreign: Collection[int] = (),
    ) -> None:
        self.book = Labels()
        self.strict, self.foreign = strict, foreign
        self.touched: list[str] = []
        """Functions that were given a foreign tensor."""
        self.example: tuple[tuple[int, ...], ...] = ()
        self.handed = False
        """Whether the network's own code has looked at a width."""
        self.calls: list[tuple[str, tuple[Any, ...]]] = []
        """Functions in the order they were called, with constants of the code."""
        self.layers: list[LayerRecord] = []
        self.attributes: list[AttributeUse] = []
        self.own: list[AttributeUse] = []
        """Numbers of the model's own modules, which may count channels."""
        self.unknown: dict[str, int] = {}
        self.mixed: list[LabelArray] = []
        """Channels of each group or layer norm, in the order they are called."""
        self.sums: list[tuple[Summed, ...]] = []
        """What each call that sums over channels does, in the order they are called."""
        self.statistics: dict[int, ChannelStatistic] = {}
        """Means and spreads over channels by identity of their tensor."""
        self.readers: dict[int, int] = {}
        self.outputs: set[int] = set()
        self._names = {
            id(tensor): name
            for name, tensor in [*module.named_parameters(), *module.named_buffers()]
        }
        self._modules = {id(child): name for name, child in module.named_modules()}
        self._labels: dict[int, DimLabels] = {}
        # Identities are only unique while the tensors live.
        self._alive: list[Tensor] = []

    def name(self, tensor: object) -> str | None:
        """Return the state-dict name of a parameter or buffer, or None."""
        return self._names.get(id(tensor))

    def parameter(self, tensor: object) -> str | None:
        """Return the state-dict name of a parameter; None for buffers and results."""
        return self.name(tensor) if isinstance(tensor, nn.Parameter) else None

    def labels(self, tensor: Tensor) -> DimLabels:
        """Return the labels of a tensor, one entry a dimension.

        Parameters and buffers get fresh labels when first met, so a learned
        scale or a positional encoding is pruned with what it multiplies.
        """
        known = self._labels.get(id(tensor))
        if known is None:
            known = [None] * tensor.dim()
            if id(tensor) in self._names:
                known = [self.book.fresh(n) if n > 1 else None for n in tensor.shape]
            self.set(tensor, known)
        return known

    def set(self, tensor: Tensor, labels: DimLabels) -> None:
        """Write down the labels of a tensor."""
        for size, entry in zip(tensor.shape, labels, strict=True):
            assert entry is None or len(entry) == size, (tensor.shape, labels)
        self._labels[id(tensor)] = labels
        self._alive.append(tensor)

    def known(self) -> dict[str, DimLabels]:
        """Return the labels of all parameters and buffers that were used."""
        return {
            self._names[key]: labels
            for key, labels in self._labels.items()
            if key in self._names
        }

    def used(self) -> frozenset[str]:
        """Return the names of parameters and buffers that some call was given."""
        return frozenset(self._names[key] for key in self.readers if key in self._names)

    def fix(self, tensors: object, reason: str) -> None:
        """Protect every channel of every tensor in a nested structure."""
        for tensor in tensors_in(tensors):
            for entry in self.labels(tensor):
                if entry is not None:
                    self.book.fix(entry, reason)

    def bind(self, left: LabelArray | None, right: LabelArray | None) -> None:
        """Unite two dimensions of equal size; one without labels fixes the other."""
        if left is not None and right is not None:
            self.book.unite(left, right)
        elif left is not None:
            self.book.fix(left, "joined with values that cannot be pruned")
        elif right is not None:
            self.book.fix(right, "joined with values that cannot be pruned")

    def size(self, labels: LabelArray | None, size: int) -> int:
        """Return a width as the traced code sees it; it is noted that it does."""
        if labels is None:
            return size
        if self.strict:
            self.book.fix(labels, "the code computes with this width")
            return size
        self.handed = True
        return SymbolicSize(labels, Fraction(1), self.book.fix, self._tie)

    def _tie(self, labels: LabelArray, count: int) -> None:
        tie_chunks(self, labels, count)

    def fix_outside_torch(self, labels: LabelArray, reason: str) -> None:
        """Protect channels, unless torch's own layers only check their widths."""
        if not in_torch_nn():
            self.book.fix(labels, reason)

    def owner(self, kinds: tuple[type[nn.Module], ...]) -> str | None:
        """Return the name of the module whose forward is running, if of ``kinds``.

        Only its attributes can be updated: the same call written out by hand
        may hold the width as a literal.
        """
        frame = _calling_frame()
        while frame is not None:
            owner = frame.f_locals.get("self")
            if isinstance(owner, nn.Module):
                return (
                    self._modules.get(id(owner)) if isinstance(owner, kinds) else None
                )
            frame = frame.f_back
        return None

    def use(self, owner: str | None, attribute: str, labels: LabelArray) -> None:
        """Note that ``owner.attribute`` repeats the number of ``labels``."""
        if owner is not None:
            path = f"{owner}.{attribute}" if owner else attribute
            as_tuple = attribute == "normalized_shape"
            self.attributes.append(AttributeUse(path, labels, as_tuple))


def tensors_in(nested: object) -> Iterable[Tensor]:
    """Yield the tensors in lists, tuples and dicts."""
    return (leaf for leaf in tree_iter(nested) if isinstance(leaf, Tensor))


def in_torch_nn() -> bool:
    """Tell whether the running call comes from torch's own layers.

    They check widths against their own attributes, which pruning updates, so
    there a width is just a number.
    """
    frame = _calling_frame()
    return frame is not None and frame.f_globals.get("__name__", "").startswith(
        ("torch.nn", "torch._")
    )


def _calling_frame() -> FrameType | None:
    """Return the innermost frame outside this package and torch's dispatcher."""
    frame: FrameType | None = sys._getframe(1)  # noqa: SLF001 - no public way
    while frame is not None:
        name = frame.f_globals.get("__name__", "")
        # ``torch._tensor`` only wraps methods: who calls them is behind it.
        if not name.startswith(("core.pruning", "torch.overrides", "torch._tensor")):
            return frame
        frame = frame.f_back
    return None


def tie_chunks(recorder: Recorder, labels: LabelArray, count: int) -> None:
    """Keep ``count`` equal stretches of a dimension equally wide."""
    rows = labels.reshape(count, -1)
    recorder.book.unite(rows[:1], rows[1:])


def plain(shape: Iterable[int]) -> tuple[int, ...]:
    """Return sizes as plain integers."""
    return tuple(int.__int__(size) for size in shape)


def total(values: Iterable[int]) -> int:
    """Return the product of sizes."""
    return int(np.prod([1, *values], dtype=np.int64))


def spatial(tensor: Tensor) -> int:
    """Return the number of batch and spatial positions of (N, C, ...)."""
    return total((tensor.shape[0], *tensor.shape[2:]))
