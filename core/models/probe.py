"""A small test that travels with a model: fixed input, expected outputs.

Weights can be read correctly and still mean something else, when the code of
the architecture has changed since. A saved model therefore carries a handful
of its own outputs, and loading computes them again (the idea of the test
tensors in bioimage.io packages).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core.errors import ModelError

if TYPE_CHECKING:
    from torch import Tensor, nn

    from core.types import ModelSpec

_SAMPLES = 16  # values kept of each output
_TOLERANCE = 1e-3  # of the largest kept value; other machines round differently


def probe_side(spec: ModelSpec) -> int:
    """Side in pixels of the smallest sensible square input.

    A network of unpadded convolutions (reader ``"hv"``) loses a fixed border, so
    its window is cut by as many pixels as leave some output; its inputs move in
    steps of 8.
    """
    if spec.reader == "hv":
        whole, valid = spec.window
        return whole - max(valid - 4, 0) // 8 * 8
    return max(64, spec.stride)


def probe(module: nn.Module, spec: ModelSpec, seed: int = 0) -> dict[str, Any]:
    """Run `module` on noise and keep some of each output.

    Parameters
    ----------
    module
        In eval mode.
    spec
        Says how large and how bright an input is.
    seed
        Of the noise.

    Returns
    -------
    dict
        JSON values: ``"seed"``, ``"side"`` in pixels, and ``"outputs"``, name ->
        ``{"shape": [...], "values": [...]}``.

    Raises
    ------
    ModelError
        When the network cannot take such an input.
    """
    side = probe_side(spec)
    first = next(iter(module.parameters()), torch.zeros(()))
    low, high = spec.input_range
    noise = np.random.default_rng(seed).uniform(low, high, (1, 3, side, side))
    scale = (noise - np.reshape(spec.mean, (3, 1, 1))) / np.reshape(spec.std, (3, 1, 1))
    try:
        with torch.inference_mode():
            outputs = module(torch.from_numpy(scale).to(first.device, first.dtype))
    except (RuntimeError, TypeError, ValueError) as error:
        raise ModelError(
            f"the network {spec.name!r} does not take an input of {side} x {side} "
            f"pixels; check its description ({str(error).splitlines()[0]})"
        ) from error
    return {
        "seed": seed,
        "side": side,
        "outputs": {name: _sample(tensor) for name, tensor in flatten(outputs)},
    }


def flatten(outputs: Any, name: str = "output") -> list[tuple[str, Tensor]]:
    """Name every tensor in a tensor, mapping or sequence of outputs."""
    if isinstance(outputs, torch.Tensor):
        return [(name, outputs)]
    if isinstance(outputs, Mapping):
        named = [(str(key), value) for key, value in outputs.items()]
    elif isinstance(outputs, Sequence):
        named = [(f"{name}.{i}", value) for i, value in enumerate(outputs)]
    else:
        return []
    return [pair for key, value in named for pair in flatten(value, key)]


def _sample(tensor: Tensor) -> dict[str, Any]:
    """Shape and evenly spaced values of one output."""
    values = tensor.detach().double().cpu().flatten()
    count = min(_SAMPLES, len(values))
    places = torch.linspace(0, max(len(values) - 1, 0), count).long()
    return {"shape": list(tensor.shape), "values": values[places].tolist()}


def check_probe(module: nn.Module, spec: ModelSpec, expected: Any) -> None:
    """Compare `module` with the outputs that were saved with it.

    Parameters
    ----------
    module
        As loaded.
    spec
        As loaded.
    expected
        What `probe` returned when the model was saved.

    Raises
    ------
    ModelError
        When the outputs differ by more than rounding.
    """
    found = probe(module, spec, seed=int(expected["seed"]))["outputs"]
    if found.keys() != expected["outputs"].keys() or not all(
        _same(found[name], expected["outputs"][name]) for name in found
    ):
        raise ModelError(
            f"the network {spec.name!r} no longer computes what it did when it was "
            "saved; save it again with this version, or use the version that wrote it"
        )


def _same(found: Mapping[str, Any], expected: Mapping[str, Any]) -> bool:
    if list(found["shape"]) != list(expected["shape"]):
        return False
    a, b = np.asarray(found["values"]), np.asarray(expected["values"], dtype=float)
    if a.shape != b.shape:
        return False
    return bool(
        np.abs(a - b).max(initial=0) <= _TOLERANCE * np.abs(b).max(initial=1e-6)
    )
