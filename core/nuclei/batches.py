"""Several patches through a network at once, on any device and in half precision."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import TYPE_CHECKING, Any, Literal

import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.nuclei.outputs import Maps, read_outputs

if TYPE_CHECKING:
    from core.types import ModelSpec

Precision = Literal["float32", "bfloat16"]
PRECISIONS: tuple[Precision, ...] = ("float32", "bfloat16")


def forward_batch(
    module: nn.Module,
    spec: ModelSpec,
    inputs: Tensor,
    precision: Precision = "float32",
    *,
    on_smaller: Callable[[int], None] = lambda _: None,
) -> list[Maps]:
    """Run the network over patches of one size.

    Where the device has not enough memory for all of them, halves of the batch are
    tried, down to single patches.

    Parameters
    ----------
    module
        Dense or pruned, on the device of the inputs.
    spec
        Names the reader.
    inputs
        (n, 3, h, w) from `core.nuclei.preprocess.pixels_to_input`.
    precision
        ``"bfloat16"`` runs what torch deems safe in half precision.
    on_smaller
        Told of the number of patches that are tried when so many do not fit.

    Returns
    -------
    list of dict
        Maps of each patch, see `core.nuclei.outputs.read_outputs`.

    Raises
    ------
    ModelError
        When there is not enough memory for a single patch; says what to do.
    """
    try:
        return _forward(module, spec, inputs, precision)
    except RuntimeError as error:
        if not is_out_of_memory(error):
            raise
    # outside of the handler, whose traceback keeps the tensors alive
    release_device(inputs.device)
    count = len(inputs)
    if count == 1:
        raise ModelError(
            f"{inputs.device.type} has not enough memory for one patch of "
            f"{inputs.shape[-1]} x {inputs.shape[-2]} pixels; close other programs "
            "that use it, or choose --device cpu."
        )
    on_smaller(count - count // 2)
    halves = inputs[: count // 2], inputs[count // 2 :]
    return [
        each
        for half in halves
        for each in forward_batch(module, spec, half, precision, on_smaller=on_smaller)
    ]


def is_out_of_memory(error: BaseException) -> bool:
    """Whether an error says that the device has no memory left."""
    own = isinstance(error, torch.OutOfMemoryError)
    return own or "out of memory" in str(error).lower()


def release_device(device: torch.device) -> None:
    """Give memory that torch keeps for later back to the device."""
    if device.type == "cuda":
        torch.cuda.empty_cache()
    elif device.type == "mps":
        torch.mps.empty_cache()


def describe_memory(device: torch.device) -> str:
    """Say how much memory of a device this process holds; empty on the processor."""
    if device.type == "cuda":
        _, whole = torch.cuda.mem_get_info(device)
        held = torch.cuda.max_memory_reserved(device)
    elif device.type == "mps":
        whole = torch.mps.recommended_max_memory()
        held = torch.mps.driver_allocated_memory()
    else:
        return ""
    return f"{held / 2**30:.1f} of {whole / 2**30:.0f} GiB of the GPU"


def _forward(
    module: nn.Module, spec: ModelSpec, inputs: Tensor, precision: Precision
) -> list[Maps]:
    half = precision == "bfloat16"
    with (
        torch.inference_mode(),
        torch.autocast(inputs.device.type, torch.bfloat16, enabled=half),
    ):
        outputs = module(inputs)
        return [
            read_outputs(_one(outputs, index), spec) for index in range(len(inputs))
        ]


def _one(outputs: Any, index: int) -> Any:
    """Return the outputs of one patch as those of a batch of one."""
    if isinstance(outputs, Tensor):
        return outputs[index : index + 1]
    if isinstance(outputs, Mapping):
        return {name: _one(each, index) for name, each in outputs.items()}
    if isinstance(outputs, list | tuple):
        return [_one(each, index) for each in outputs]
    return outputs
