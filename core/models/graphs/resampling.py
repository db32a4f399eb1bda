"""Resize and Upsample, in the ways that ONNX places pixels."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch.nn import functional

from core.models.graphs.values import Node, Value, check_count, to_list, to_sizes

if TYPE_CHECKING:
    from torch import Tensor

_LINEAR = {3: "linear", 4: "bilinear", 5: "trilinear"}
_HALVES = {"half_pixel", "pytorch_half_pixel", "half_pixel_symmetric"}


def run_resize(
    node: Node,
    value: Tensor,
    region: Value = None,
    scales: Value = None,
    sizes: Value = None,
) -> Tensor:
    """Resample height and width; ONNX's Resize and Upsample.

    Raises
    ------
    ModelError
        For ways that are not computed here.
    """
    old = node.op == "Upsample" or node.opset < 11
    if old and scales is None:
        scales, region = (
            (node.get("scales"), None) if region is None else (region, None)
        )
    place = (
        "asymmetric"
        if old
        else node.get("coordinate_transformation_mode", "half_pixel")
    )
    mode = {"bilinear": "linear"}.get(*[node.get("mode", "nearest")] * 2)
    if node.get("axes") or node.get("keep_aspect_ratio_policy", "stretch") != "stretch":
        raise node.unsupported("axes")
    wanted, factors = _targets(node, value, scales, sizes)
    check_count([*value.shape[:2], *wanted], node)
    size: dict[str, Any] = (
        {"size": wanted} if factors is None else {"scale_factor": factors}
    )
    if mode == "nearest":
        return _nearest(node, value, place, old, wanted, size)
    if mode == "linear" and (place in _HALVES or place == "align_corners"):
        corners = place == "align_corners"
        if corners:
            size = {"size": wanted}
        return functional.interpolate(
            value,
            mode=_LINEAR[value.dim()],
            align_corners=corners,
            antialias=bool(node.get("antialias", 0)),
            **size,
        )
    if mode == "linear" and place == "asymmetric":
        return _asymmetric(value, wanted, factors)
    plain = node.get("cubic_coeff_a", -0.75) == -0.75
    if mode == "cubic" and place in {*_HALVES, "align_corners"} and plain:
        corners = place == "align_corners"
        size = {"size": wanted} if corners else size
        return functional.interpolate(
            value, mode="bicubic", align_corners=corners, **size
        )
    raise node.unsupported(f"mode {mode!r} and places {place!r}")


def _targets(
    node: Node, value: Tensor, scales: Value, sizes: Value
) -> tuple[list[Any], list[float] | None]:
    """Return height and width that are wanted, and factors where those are given."""
    first = 2
    if sizes is not None and np.size(sizes):
        return to_sizes(sizes)[first:], None
    given = [float(factor) for factor in to_list(scales)]
    if len(given) != value.dim() or any(factor != 1 for factor in given[:first]):
        raise node.unsupported(f"scales {given}")
    factors = given[first:]
    if not all(0 < factor <= 1 << 12 for factor in factors):
        raise node.unsupported(f"scales {given}")
    shape = list(value.shape[first:])
    wanted = [
        size * int(f) if f == int(f) else int(size * f)
        for size, f in zip(shape, factors, strict=True)
    ]
    return wanted, factors


def _nearest(
    node: Node,
    value: Tensor,
    place: str,
    old: bool,
    wanted: list[Any],
    size: dict[str, Any],
) -> Tensor:
    how = "floor" if old else node.get("nearest_mode", "round_prefer_floor")
    factors = size.get("scale_factor")
    whole = factors is not None and all(f == int(f) for f in factors)
    if place == "asymmetric" and how == "floor":
        return functional.interpolate(value, mode="nearest", **size)
    if whole and (
        (place in _HALVES and how in {"round_prefer_floor", "round_prefer_ceil"})
        or (place == "tf_half_pixel_for_nn" and how == "floor")
    ):
        return functional.interpolate(value, mode="nearest", **size)
    for dim, new in enumerate(wanted, start=2):
        count = int(value.shape[dim])
        factor = factors[dim - 2] if factors else int(new) / count
        at = _positions(node, place, int(new), count, factor)
        index = torch.tensor(_rounded(at, how, count).tolist(), device=value.device)
        value = torch.index_select(value, dim, index)
    return value


def _positions(node: Node, place: str, new: int, count: int, factor: float) -> Any:
    steps = np.arange(new, dtype=np.float64)
    if place == "asymmetric":
        return steps / factor
    if place == "align_corners":
        return steps * ((count - 1) / (new - 1) if new > 1 else 0)
    if place in _HALVES:
        return (steps + 0.5) / factor - 0.5
    if place == "tf_half_pixel_for_nn":
        return (steps + 0.5) / factor
    raise node.unsupported(f"places {place!r}")


def _rounded(at: Any, how: str, count: int) -> Any:
    if how == "round_prefer_floor":
        found = np.ceil(at - 0.5)
    elif how == "round_prefer_ceil":
        found = np.floor(at + 0.5)
    else:
        found = np.ceil(at) if how == "ceil" else np.floor(at)
    return np.clip(found, 0, count - 1).astype(np.int64)


def _asymmetric(
    value: Tensor, wanted: list[Any], factors: list[float] | None
) -> Tensor:
    """Mix the two neighbours of each new pixel, corners of pixels aligned."""
    for dim, new in enumerate(wanted, start=2):
        count = int(value.shape[dim])
        factor = factors[dim - 2] if factors else int(new) / count
        at = np.minimum(np.arange(int(new)) / factor, count - 1)
        low = np.floor(at).astype(np.int64)
        high = np.minimum(low + 1, count - 1)
        shape = [-1] + [1] * (value.dim() - dim - 1)
        share = torch.tensor((at - low).tolist(), device=value.device).reshape(shape)
        one, other = (
            torch.index_select(
                value, dim, torch.tensor(i.tolist(), device=value.device)
            )
            for i in (low, high)
        )
        value = one * (1 - share) + other * share
    return value
