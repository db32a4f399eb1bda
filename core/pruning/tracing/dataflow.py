"""Which layer reads which: written down while a model runs once, for drawing it.

Pruning needs none of this (atoms say all that matters there); people do, to see
the encoder, the decoder and the skips between them.

To read this file, start from `Wiring.after`.
"""

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field

from torch import Tensor

from core.pruning.tracing.recording import plain, tensors_in

_JOINED = ("cat", "concat", "concatenate", "stack", "hstack", "vstack", "dstack")


@dataclass(frozen=True, slots=True)
class Connections:
    """What goes where between the layers of a traced model.

    Parameters
    ----------
    links
        Pairs of layer indices (into `ChannelGraph.layers`): the first one's
        output comes into the second, straight on or after a concatenation; where
        outputs are added or multiplied, into the latest of them.
    sides
        Height and width of each layer's output, for those that have them.
    ends
        Layers whose output leaves the model, one entry an output.
    """

    links: tuple[tuple[int, int], ...] = ()
    sides: Mapping[int, tuple[int, ...]] = field(default_factory=dict)
    ends: tuple[tuple[int, ...], ...] = ()


class Wiring:
    """Follows tensors from layer to layer."""

    def __init__(self) -> None:
        self._makers: dict[int, tuple[int, ...]] = {}
        self._links: dict[tuple[int, int], None] = {}
        self._sides: dict[int, tuple[int, ...]] = {}
        # Identities are only unique while the tensors live.
        self._alive: list[Tensor] = []

    def after(self, name: str, inputs: object, out: object, layer: int | None) -> None:
        """Note one call.

        Parameters
        ----------
        name
            Of the torch function.
        inputs, out
            What it took and gave, tensors nested in anything.
        layer
            Index of the layer that the call was, or None for any other call.
        """
        producing_layers = sorted(
            {each for t in tensors_in(inputs) for each in self._of(t)}
        )
        if layer is not None:
            self._link(producing_layers, layer)
            producing_layers = [layer]
        elif len(producing_layers) > 1 and name not in _JOINED:
            self._link(producing_layers[:-1], producing_layers[-1])
            producing_layers = producing_layers[-1:]
        for tensor in tensors_in(out):
            self._makers[id(tensor)] = tuple(producing_layers)
            self._alive.append(tensor)
            if layer is not None:
                self._sides[layer] = plain(tensor.shape[2:])

    def wires(self, outputs: object) -> Connections:
        """Return all that was noted, for a model that gave ``outputs``."""
        ends = tuple(self._of(tensor) for tensor in tensors_in(outputs))
        return Connections(tuple(self._links), dict(self._sides), ends)

    def _of(self, tensor: Tensor) -> tuple[int, ...]:
        return self._makers.get(id(tensor), ())

    def _link(self, producing_layers: Iterable[int], reader: int) -> None:
        for maker in producing_layers:
            if maker != reader:
                self._links[maker, reader] = None
