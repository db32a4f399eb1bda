"""Put named tensors into a network, or say exactly why they do not fit."""

from __future__ import annotations

import hashlib
from typing import TYPE_CHECKING

import torch
from torch import nn

from core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

# Absent from some converted checkpoints; torch fills it in and nothing but
# cumulative batch-norm averaging reads it.
_OPTIONAL = "num_batches_tracked"
_WITH_BIAS = (
    nn.Linear,
    nn.Conv1d,
    nn.Conv2d,
    nn.Conv3d,
    nn.ConvTranspose1d,
    nn.ConvTranspose2d,
    nn.ConvTranspose3d,
)


def check_finite(state: Mapping[str, Tensor], where: str) -> None:
    """Refuse NaN and infinite weights.

    Raises
    ------
    ModelError
        Naming the first tensor that holds one.
    """
    for name, tensor in state.items():
        if tensor.is_floating_point() and not bool(torch.isfinite(tensor).all()):
            raise ModelError(
                f"{where}: the weights {name!r} hold NaN or infinite values; "
                "the file is damaged or its training diverged, use another checkpoint"
            )


def check_fit(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Compare names and shapes of `state` with those of `module`.

    Raises
    ------
    ModelError
        Naming the first tensor that is missing, unexpected or of another shape.
    """
    expected = module.state_dict()
    missing = [k for k in expected if k not in state and not k.endswith(_OPTIONAL)]
    if missing and 10 * len(missing) < len(expected):
        raise ModelError(
            f"{where} is of this network, but {len(missing)} of its {len(expected)} "
            f"tensors are missing, the first is {missing[0]!r}; the file is "
            "incomplete: save the whole state_dict(), buffers included"
        )
    if missing:
        raise ModelError(
            f"{where}: {len(missing)} tensors are missing, the first is "
            f"{missing[0]!r}; the file is incomplete or of another network"
        )
    extra = [k for k in state if k not in expected]
    if extra:
        raise ModelError(
            f"{where}: {len(extra)} tensors do not belong to this network, the first "
            f"is {extra[0]!r}; the file is of another network"
        )
    for name, tensor in state.items():
        shape = tuple(expected[name].shape)
        if tuple(tensor.shape) != shape:
            raise ModelError(
                f"{where}: {name!r} has shape {tuple(tensor.shape)} where {shape} is "
                "expected; the file is of another network or of another width"
            )
        if tensor.is_floating_point() != expected[name].is_floating_point():
            raise ModelError(
                f"{where}: {name!r} holds {tensor.dtype} values where "
                f"{expected[name].dtype} is expected; save unquantised weights"
            )


def adopt(module: nn.Module, state: Mapping[str, Tensor], where: str) -> None:
    """Make `state` the weights of `module`, without copying them.

    A repair of pruned weights may have given a bias to a layer that had none;
    such biases are added to `module` first.

    Parameters
    ----------
    module
        Changed in place. May be on the meta device.
    state
        State-dict name -> tensor, on the CPU.
    where
        File name that starts an error message.

    Raises
    ------
    ModelError
        When names or shapes differ, or weights are not finite.
    """
    for name in state:
        _add_bias(module, name)
    shared = {n: state[first] for n, first in aliases(module).items() if first in state}
    state = {**shared, **state}
    check_fit(module, state, where)
    check_finite(state, where)
    whole = {name: _widen(tensor) for name, tensor in state.items()}
    # not the method of its class, which may rename what it reads
    nn.Module.load_state_dict(module, whole, strict=False, assign=True)


def _widen(tensor: Tensor) -> Tensor:
    """Half precision to single, which is what CPUs are fast at; exact."""
    half = tensor.dtype in (torch.float16, torch.bfloat16)
    return tensor.float() if half else tensor


def _add_bias(module: nn.Module, name: str) -> None:
    owner, _, leaf = name.rpartition(".")
    if leaf != "bias":
        return
    try:
        layer = module.get_submodule(owner)
    except AttributeError:
        return
    if isinstance(layer, _WITH_BIAS) and layer.bias is None:
        layer.bias = nn.Parameter(torch.zeros(_outputs(layer)))


def _outputs(layer: nn.Module) -> int:
    weight: Tensor = layer.get_parameter("weight")
    if getattr(layer, "transposed", False):
        return weight.shape[1] * int(getattr(layer, "groups", 1))
    return weight.shape[0]


def aliases(module: nn.Module) -> dict[str, str]:
    """Return second names of weights, and the first name of each."""
    firsts: dict[int, str] = {}
    found = {}
    for name, tensor in module.state_dict(keep_vars=True).items():
        first = firsts.setdefault(id(tensor), name)
        if first != name:
            found[name] = first
    return found


def portable(module: nn.Module) -> dict[str, Tensor]:
    """Copies of all weights, contiguous and on the CPU, fit for a file.

    Weights with several names are there once, under the first.
    """
    second = aliases(module)
    return {
        name: tensor.detach().cpu().contiguous().clone()
        for name, tensor in module.state_dict().items()
        if name not in second
    }


def digest(state: Mapping[str, Tensor]) -> str:
    """SHA-256 over names, types, shapes and bytes of all tensors, as hex."""
    total = hashlib.sha256()
    for name in sorted(state):
        tensor = state[name].contiguous()
        total.update(f"{name}|{tensor.dtype}|{tuple(tensor.shape)}|".encode())
        raw = tensor.reshape(-1).view(torch.uint8)
        total.update(raw.numpy().data)
    return total.hexdigest()
