"""What a trace found: atoms, layers and sizes, as plain arrays.

To read this file, start from `ChannelGraph`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from functools import cached_property
from typing import Any

import numpy as np
from numpy.typing import NDArray
from torch import Tensor, nn

from core.pruning.tracing.dataflow import Connections
from core.pruning.tracing.labels import FIXED, Atoms
from core.pruning.tracing.recording import AttributeUse, LayerKind, Recorder, Summed

OUTPUT = "output of the model"

AtomArray = NDArray[np.int64]
Alive = NDArray[np.bool_]


@dataclass(frozen=True, slots=True)
class GraphLayer:
    """One call of a layer with weights.

    Parameters
    ----------
    name
        Module path (the weight's name without its last part).
    kind
        ``"conv"``, ``"transposed"``, ``"linear"`` or ``"norm"`` (batch norm).
    weight, bias
        State-dict names, or None.
    inputs, outputs
        int64 atoms of the channels it reads and makes.
    groups, depthwise
        Of a convolution.
    positions
        How often each weight is used for the traced input.
    norm
        Index of the batch norm that alone reads the output, or None.
    settings
        Stride and padding, or names of a batch norm's statistics.
    """

    name: str
    kind: LayerKind
    weight: str | None
    bias: str | None
    inputs: AtomArray
    outputs: AtomArray
    groups: int
    depthwise: bool
    positions: int
    norm: int | None
    settings: Mapping[str, Any] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Attribute:
    """A module attribute that repeats a width."""

    path: str
    atoms: AtomArray
    as_tuple: bool


@dataclass(frozen=True)
class ChannelGraph:
    """The channels of one model, and what must go together.

    Parameters
    ----------
    atoms
        Number of atoms; atom 0 stands for all that may not be removed.
    dims
        State-dict name to atoms per dimension, None where nothing can go.
    shapes
        State-dict name to dense shape.
    learned
        Names of parameters, shared ones once (the rest are buffers).
    layers
        Calls with weights, in order.
    attributes
        Module attributes that repeat a width.
    mixed
        Channels of each group or layer norm, in the order they are called.
    example
        Shapes of the traced inputs.
    reasons
        Layer name to why (some of) its outputs are protected.
    unknown
        Operations without a rule, with how often they were met.
    wires
        Which layer reads which, for drawing.
    reused
        Names of parameters that are read in more than one way: changing their
        values to suit one reader would spoil another.
    unused
        Names of parameters that no run of the model reads, in evaluation or in
        training; they stay as they are.
    sums
        What each call that sums over channels does, in the order they are called.
    """

    atoms: int
    dims: Mapping[str, tuple[AtomArray | None, ...]]
    shapes: Mapping[str, tuple[int, ...]]
    learned: tuple[str, ...]
    layers: tuple[GraphLayer, ...]
    attributes: tuple[Attribute, ...]
    mixed: tuple[AtomArray, ...]
    example: tuple[tuple[int, ...], ...]
    reasons: Mapping[str, str]
    unknown: Mapping[str, int]
    wires: Connections = field(default_factory=Connections)
    reused: frozenset[str] = frozenset()
    unused: tuple[str, ...] = ()
    sums: tuple[tuple[Summed, ...], ...] = ()

    @cached_property
    def groups(self) -> tuple[AtomArray, ...]:
        """Atoms by width: those of one group are channels of the same layers."""
        return _width_groups(self)

    @cached_property
    def group_of(self) -> NDArray[np.int64]:
        """int64 (atoms,): index into `groups`; -1 for the fixed atom."""
        owner = np.full(self.atoms, -1, dtype=np.int64)
        for index, members in enumerate(self.groups):
            owner[members] = index
        return owner

    @property
    def producing_layers(self) -> tuple[GraphLayer, ...]:
        """Layers that make channels: all but the norms."""
        return tuple(layer for layer in self.layers if layer.kind != "norm")


def build_graph(
    module: nn.Module,
    recorder: Recorder,
    example: list[tuple[int, ...]],
    wires: Connections,
) -> ChannelGraph:
    """Number the atoms and put the recorder's notes into arrays."""
    atoms = recorder.book.solve()
    state = dict[str, Tensor](module.named_parameters(remove_duplicate=False))
    learned = tuple(name for name, _ in module.named_parameters())
    state.update(module.named_buffers(remove_duplicate=False))
    atoms = _only_made(recorder, atoms)
    by_tensor, used = recorder.known(), recorder.used()
    dims: dict[str, tuple[AtomArray | None, ...]] = {}
    for name, tensor in state.items():
        first = recorder.name(tensor)
        known = by_tensor.get(first or "", [None] * tensor.dim())
        dims[name] = tuple(_atoms_or_none(entry, atoms) for entry in known)
    layers = _layers(recorder, atoms)
    return ChannelGraph(
        atoms=atoms.count,
        dims=dims,
        shapes={name: tuple(tensor.shape) for name, tensor in state.items()},
        learned=learned,
        layers=layers,
        attributes=tuple(
            Attribute(use.path, atoms.of_label[use.labels], use.as_tuple)
            for use in (*recorder.attributes, *_counting(recorder, atoms))
        ),
        mixed=tuple(atoms.of_label[labels] for labels in recorder.mixed),
        example=tuple(example),
        reasons=_reasons(recorder, atoms, layers),
        unknown=dict(recorder.unknown),
        wires=wires,
        reused=_reused(recorder, state),
        sums=tuple(
            tuple(replace(each, labels=atoms.of_label[each.labels]) for each in one)
            for one in recorder.sums
        ),
        unused=tuple(name for name in learned if name not in used),
    )


def _counting(recorder: Recorder, atoms: Atoms) -> list[AttributeUse]:
    """Return the model's own numbers that count channels which may go."""
    return [u for u in recorder.own if (atoms.of_label[u.labels] != FIXED).any()]


def _reused(recorder: Recorder, state: Mapping[str, Tensor]) -> frozenset[str]:
    """Return what is read by anything but calls of one layer."""
    uses: dict[str, list[tuple[Any, ...]]] = {}
    for record in recorder.layers:
        how = (record.kind, record.groups, record.weight, str(record.settings))
        for name in (record.weight, record.bias):
            if name is not None:
                uses.setdefault(name, []).append(how)
    found = set()
    for tensor in state.values():
        name, times = recorder.name(tensor), recorder.readers.get(id(tensor), 0)
        calls = uses.get(name or "", [])
        if name is not None and (len(set(calls)) > 1 or times != len(calls)):
            found.add(name)
    return frozenset(found)


def _only_made(recorder: Recorder, atoms: Atoms) -> Atoms:
    """Fix what no layer makes: kernel positions, sizes of learned tables."""
    made = np.zeros(atoms.count, dtype=bool)
    for record in recorder.layers:
        if record.kind != "norm":
            made[atoms.of_label[record.outputs]] = True
    made[FIXED] = False
    renumbered = np.where(made, np.cumsum(made), FIXED)
    return Atoms(renumbered[atoms.of_label], int(made.sum()) + 1, atoms.reasons)


def _atoms_or_none(entry: AtomArray | None, atoms: Atoms) -> AtomArray | None:
    if entry is None:
        return None
    found = atoms.of_label[entry]
    return found if (found != FIXED).any() else None


def _layers(recorder: Recorder, atoms: Atoms) -> tuple[GraphLayer, ...]:
    reads: dict[int, int] = {}
    for index, record in enumerate(recorder.layers):
        if record.kind == "norm" and recorder.readers.get(record.reads) == 1:
            reads[record.reads] = index
    return tuple(
        GraphLayer(
            name=(record.weight or "").rpartition(".")[0] or (record.weight or "?"),
            kind=record.kind,
            weight=record.weight,
            bias=record.bias,
            inputs=atoms.of_label[record.inputs],
            outputs=atoms.of_label[record.outputs],
            groups=record.groups,
            depthwise=record.depthwise,
            positions=record.positions,
            norm=reads.get(record.makes),
            settings=record.settings,
        )
        for record in recorder.layers
    )


def _reasons(
    recorder: Recorder, atoms: Atoms, layers: tuple[GraphLayer, ...]
) -> dict[str, str]:
    reasons: dict[str, str] = {}
    for record, layer in zip(recorder.layers, layers, strict=True):
        fixed = np.flatnonzero(layer.outputs == FIXED)
        if fixed.size and layer.kind != "norm":
            label = int(record.outputs[fixed[0]])
            reason = atoms.reasons.get(label, "")
            reason = OUTPUT if record.makes in recorder.outputs else reason
            reasons.setdefault(layer.name, reason)
    return reasons


def _width_groups(graph: ChannelGraph) -> tuple[AtomArray, ...]:
    """Atoms that exactly the same layers make, equally often, form one group.

    Finer than "share a layer": two concatenated layers may be added to a third,
    and a floor on the sum would let one of the two vanish. A layer's width is a
    sum over whole groups, so what holds for each group holds for each layer.
    """
    # Sums of one random number a layer are equal for equal sets (and, at 2**-64,
    # for no others); the seed is fixed, so the order of groups is too.
    marks = np.random.default_rng(0).integers(2**63, size=len(graph.layers))
    signature = np.zeros(graph.atoms, dtype=np.int64)
    for layer, mark in zip(graph.layers, marks, strict=True):
        if layer.kind != "norm":
            np.add.at(signature, layer.outputs, mark)
    members = np.arange(1, graph.atoms)
    _, first, group = np.unique(signature[1:], return_index=True, return_inverse=True)
    order = np.argsort(first[group], kind="stable")
    cuts = np.flatnonzero(np.diff(first[group][order])) + 1
    return tuple(np.split(members[order], cuts)) if members.size else ()
