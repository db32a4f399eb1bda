"""Operators with weights, as torch's own layers."""

from __future__ import annotations

import math
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from core.errors import ModelError

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

    from core.models.graphs.values import Node

_CONVS: Mapping[int, Any] = {1: nn.Conv1d, 2: nn.Conv2d, 3: nn.Conv3d}
_TRANSPOSED: Mapping[int, Any] = {
    1: nn.ConvTranspose1d,
    2: nn.ConvTranspose2d,
    3: nn.ConvTranspose3d,
}


class BatchNorm(nn.BatchNorm2d):
    """Batch norm of any number of dimensions: a graph does not say how many."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        pass


class InstanceNorm(nn.InstanceNorm2d):
    """Instance norm of any number of dimensions."""

    def _check_input_dim(self, input: Tensor) -> None:  # noqa: A002 - torch's name
        pass

    def forward(self, input: Tensor) -> Tensor:  # noqa: A002 - torch's name
        """Normalise each channel of each image; the first dimension is of images."""
        weight, bias = self.weight, self.bias
        return functional.instance_norm(input, weight=weight, bias=bias, eps=self.eps)


def split_pads(pads: Sequence[int]) -> tuple[list[int], list[int], list[int]]:
    """Divide padding into what both sides have, and what each has on top."""
    sides = len(pads) // 2
    begin, end = list(pads[:sides]), list(pads[sides:])
    both = [min(pair) for pair in zip(begin, end, strict=True)]
    return (
        both,
        [b - m for b, m in zip(begin, both, strict=True)],
        [e - m for e, m in zip(end, both, strict=True)],
    )


def flat_pads(before: Sequence[Any], after: Sequence[Any]) -> list[Any]:
    """Return padding as torch takes it: the last dimension first."""
    pairs = list(zip(before, after, strict=True))
    return [size for pair in reversed(pairs) for size in pair]


def same_pads(
    value: Tensor, kernel: Sequence[int], node: Node
) -> tuple[list[int], list[int]]:
    """Padding of ``auto_pad``: as many outputs as steps fit into the input."""
    sides = len(kernel)
    steps = node.get("strides") or [1] * sides
    apart = node.get("dilations") or [1] * sides
    before, after = [], []
    for place in range(sides):
        size = int(value.shape[value.dim() - sides + place])
        reach = (kernel[place] - 1) * apart[place] + 1
        total = max((-(-size // steps[place]) - 1) * steps[place] + reach - size, 0)
        less, more = total // 2, total - total // 2
        upper = node.get("auto_pad") == "SAME_UPPER"
        before.append(less if upper else more)
        after.append(more if upper else less)
    return before, after


def _sizes(node: Node, name: str, sides: int) -> list[int]:
    found = node.get(name) or [1] * sides
    if len(found) != sides or not all(0 < int(size) <= 1 << 16 for size in found):
        raise node.unsupported(f"{name} {found}")
    return [int(size) for size in found]


def _conv(node: Node) -> nn.Module:
    kernel = list(node.get("kernel_shape"))
    sides = len(kernel)
    both, _, _ = split_pads(node.get("pads") or [0] * 2 * sides)
    kind = node.get("auto_pad", "NOTSET")
    made: nn.Module = _CONVS[sides](
        node.get("in_channels"),
        node.get("out_channels"),
        tuple(kernel),
        stride=tuple(_sizes(node, "strides", sides)),
        padding=tuple(both) if kind == "NOTSET" else 0,
        dilation=tuple(_sizes(node, "dilations", sides)),
        groups=node.get("group", 1),
        bias=bool(node.get("bias")),
    )
    return made


def _run_conv(node: Node, layer: nn.Module, value: Tensor) -> Tensor:
    kind = node.get("auto_pad", "NOTSET")
    if kind in {"SAME_UPPER", "SAME_LOWER"}:
        before, after = same_pads(value, node.get("kernel_shape"), node)
    else:
        _, before, after = split_pads(node.get("pads") or [0] * 2)
    if any((*before, *after)):
        value = functional.pad(value, flat_pads(before, after))
    return layer(value)  # type: ignore[no-any-return]


def _transposed(node: Node) -> nn.Module:
    kernel = list(node.get("kernel_shape"))
    sides = len(kernel)
    pads = node.get("pads") or [0] * 2 * sides
    both, _, _ = split_pads(pads)
    kind = node.get("auto_pad", "NOTSET")
    if node.get("output_shape"):
        raise node.unsupported("a fixed output shape")
    made: nn.Module = _TRANSPOSED[sides](
        node.get("in_channels"),
        node.get("out_channels"),
        tuple(kernel),
        stride=tuple(_sizes(node, "strides", sides)),
        padding=tuple(both) if kind == "NOTSET" else 0,
        output_padding=tuple(node.get("output_padding") or [0] * sides),
        dilation=tuple(_sizes(node, "dilations", sides)),
        groups=node.get("group", 1),
        bias=bool(node.get("bias")),
    )
    return made


def _run_transposed(node: Node, layer: nn.Module, value: Tensor) -> Tensor:
    kind = node.get("auto_pad", "NOTSET")
    found: Tensor = layer(value)
    kernel = node.get("kernel_shape")
    if kind in {"SAME_UPPER", "SAME_LOWER"}:
        steps = node.get("strides") or [1] * len(kernel)
        first = value.dim() - len(kernel)
        over = [
            int(found.shape[first + i]) - int(value.shape[first + i]) * steps[i]
            for i in range(len(kernel))
        ]
        less = [o // 2 for o in over]
        more = [o - h for o, h in zip(over, less, strict=True)]
        upper = kind == "SAME_UPPER"
        before, after = (less, more) if upper else (more, less)
    else:
        _, before, after = split_pads(node.get("pads") or [0] * 2)
    if not any((*before, *after)):
        return found
    return functional.pad(found, [-size for size in flat_pads(before, after)])


def _batch_norm(node: Node) -> nn.Module:
    return BatchNorm(node.get("channels"), eps=node.get("epsilon", 1e-5))


def _instance_norm(node: Node) -> nn.Module:
    eps = node.get("epsilon", 1e-5)
    return InstanceNorm(node.get("channels"), eps=eps, affine=True)


def _group_norm(node: Node) -> nn.Module:
    eps = node.get("epsilon", 1e-5)
    return nn.GroupNorm(node.get("num_groups"), node.get("channels"), eps=eps)


def _layer_norm(node: Node) -> nn.Module:
    shape, eps = tuple(node.get("shape")), node.get("epsilon", 1e-5)
    return nn.LayerNorm(shape, eps=eps, bias=bool(node.get("bias")))


def _linear(node: Node) -> nn.Module:
    bias = bool(node.get("bias"))
    return nn.Linear(node.get("in_channels"), node.get("out_channels"), bias=bias)


def _prelu(node: Node) -> nn.Module:
    return nn.PReLU(node.get("channels"))


def _run(node: Node, layer: nn.Module, value: Tensor) -> Tensor:
    return layer(value)  # type: ignore[no-any-return]


_BUILDERS: Mapping[str, Callable[[Node], nn.Module]] = {
    "Conv": _conv,
    "ConvTranspose": _transposed,
    "BatchNormalization": _batch_norm,
    "InstanceNormalization": _instance_norm,
    "GroupNormalization": _group_norm,
    "LayerNormalization": _layer_norm,
    "Linear": _linear,
    "PRelu": _prelu,
}
_RUNS: Mapping[str, Callable[[Node, nn.Module, Tensor], Tensor]] = {
    "Conv": _run_conv,
    "ConvTranspose": _run_transposed,
}
LAYERS = frozenset(_BUILDERS)
"""Operators that `build_layer` makes."""


def build_layer(node: Node) -> nn.Module:
    """Return the layer of an operator with weights, in eval mode.

    Raises
    ------
    ModelError
        When its settings are impossible.
    """
    try:
        return _BUILDERS[node.op](node).eval()
    except ModelError:
        raise
    except (KeyError, TypeError, ValueError, RuntimeError, ArithmeticError) as error:
        raise ModelError(
            f"the layer {node.layer!r} of a graph has impossible settings "
            f"({str(error)[:120]}); the file is damaged, copy or export it again"
        ) from error


def run_layer(node: Node, layer: nn.Module, value: Tensor) -> Tensor:
    """Run a layer, with the padding that torch's own does not have."""
    return _RUNS.get(node.op, _run)(node, layer, value)


def run_max_pool(node: Node, value: Tensor) -> Tensor:
    """Maximum of a window; ONNX's MaxPool."""
    kernel = list(node.get("kernel_shape"))
    before, after = _pool_pads(node, value, kernel)
    both, over, under = split_pads([*before, *after])
    if any((*over, *under)) or any(
        2 * b > k for b, k in zip(both, kernel, strict=True)
    ):
        flat = flat_pads(before, after)
        value = functional.pad(value, flat, value=-math.inf)
        both = [0] * len(kernel)
    pools = (functional.max_pool1d, functional.max_pool2d, functional.max_pool3d)
    found: Tensor = pools[len(kernel) - 1](
        value,
        kernel,
        stride=_sizes(node, "strides", len(kernel)),
        padding=both,
        dilation=_sizes(node, "dilations", len(kernel)),
        ceil_mode=bool(node.get("ceil_mode", 0)),
    )
    return found


def run_average_pool(node: Node, value: Tensor) -> Tensor:
    """Mean of a window; ONNX's AveragePool."""
    kernel = list(node.get("kernel_shape"))
    if any(size != 1 for size in node.get("dilations") or []):
        raise node.unsupported("dilations")
    before, after = _pool_pads(node, value, kernel)
    both, over, under = split_pads([*before, *after])
    counted = bool(node.get("count_include_pad", 0))
    if any((*over, *under)) and not counted:
        raise node.unsupported("uneven padding")
    if any((*over, *under)):
        value = functional.pad(value, flat_pads(before, after))
        both = [0] * len(kernel)
    pools = (functional.avg_pool1d, functional.avg_pool2d, functional.avg_pool3d)
    found: Tensor = pools[len(kernel) - 1](
        value,
        kernel,
        stride=_sizes(node, "strides", len(kernel)),
        padding=both,
        ceil_mode=bool(node.get("ceil_mode", 0)),
        count_include_pad=counted,
    )
    return found


def _pool_pads(
    node: Node, value: Tensor, kernel: Sequence[int]
) -> tuple[list[int], list[int]]:
    if node.get("auto_pad", "NOTSET") in {"SAME_UPPER", "SAME_LOWER"}:
        return same_pads(value, kernel, node)
    pads = list(node.get("pads") or [0] * 2 * len(kernel))
    return pads[: len(kernel)], pads[len(kernel) :]


def run_global_average(node: Node, value: Tensor) -> Tensor:
    """Mean over all positions."""
    return value.mean(list(range(2, value.dim())), keepdim=True)


def run_global_max(node: Node, value: Tensor) -> Tensor:
    """Maximum over all positions."""
    return torch.amax(value, list(range(2, value.dim())), keepdim=True)


def run_adaptive_average(node: Node, value: Tensor) -> Tensor:
    """Mean of as many windows as wanted; torch's own, ONNX has none."""
    return functional.adaptive_avg_pool2d(value, node.get("sizes"))


def run_attention(
    node: Node, query: Tensor, key: Tensor, value: Tensor, mask: Tensor | None = None
) -> Tensor:
    """Attention of each position to all; torch's own."""
    found: Tensor = functional.scaled_dot_product_attention(
        query, key, value, attn_mask=mask, scale=node.get("scale")
    )
    return found
