"""What the outputs of an unknown network mean: chosen by names, shapes and values."""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core.errors import ModelError
from core.models.architectures import build_empty
from core.models.probe import flatten, probe_side
from core.models.weights import adopt

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from core.types import ModelSpec


def choose_reader(spec: ModelSpec, state: Mapping[str, Tensor]) -> ModelSpec:
    """Return a spec with the reader that fits what a network gives.

    Parameters
    ----------
    spec
        Its reader and task do not count.
    state
        Weights of the network, which is run on noise once.

    Raises
    ------
    ModelError
        When it does not run, or gives nothing that a reader takes.
    """
    module = build_empty(spec.architecture, spec.config)
    adopt(module, state, spec.name)
    return fit_reader(spec, module.eval())


def fit_reader(spec: ModelSpec, module: nn.Module) -> ModelSpec:
    """Return a spec with the reader that fits what a network gives; see above."""
    return replace(spec, **_choice(run_on_noise(module, spec), spec))


def run_on_noise(module: nn.Module, spec: ModelSpec) -> dict[str, Tensor]:
    """Return the outputs of a network for one noisy input, by name.

    Raises
    ------
    ModelError
        When it does not run on such an input.
    """
    side = probe_side(spec)
    low, high = spec.input_range
    noise = np.random.default_rng(0).uniform(low, high, (1, 3, side, side))
    mean, std = (np.reshape(values, (3, 1, 1)) for values in (spec.mean, spec.std))
    image = torch.from_numpy(((noise - mean) / std).astype(np.float32))
    try:
        with torch.inference_mode():
            return dict(flatten(module(image)))
    except ModelError:
        raise
    except Exception as error:  # code of others raises anything
        first = (str(error).strip().splitlines() or [type(error).__name__])[0]
        raise ModelError(
            f"the network {spec.name!r} does not run on a picture of {side} x {side} "
            f"pixels ({first[:160]}); it must take float32 (images, 3, height, width)"
        ) from error


def _choice(outputs: Mapping[str, Tensor], spec: ModelSpec) -> dict[str, Any]:
    """Return the fields of a spec that follow from outputs."""
    names = set(outputs)
    if {"np", "hv"} <= names:
        return {"reader": "hv", "threshold": {"foreground": 0.5, "object": 0.4}}
    if {"np", "dist"} <= names:
        return {"reader": "distance"}
    first = next(iter(outputs.values()), None)
    if first is None:
        raise ModelError(f"the network {spec.name!r} gives no tensor")
    if first.dim() == 2 or (first.dim() == 4 and tuple(first.shape[2:]) == (1, 1)):
        return _classifier(int(first.shape[1]))
    if first.dim() not in {3, 4} or not first.is_floating_point():
        raise ModelError(
            f"the network {spec.name!r} gives an output of shape {tuple(first.shape)}, "
            "which no reader takes; it should give a value for each pixel or class"
        )
    channels = 1 if first.dim() == 3 else int(first.shape[1])
    values = first.float()
    likely = bool(values.min() >= 0 and values.max() <= 1)
    if likely and channels > 1:
        likely = bool((values.sum(1) - 1).abs().max() < 1e-3)
    found: dict[str, Any] = {"reader": "probability" if likely else "mask"}
    if channels > 2:
        found["classes"] = tuple(f"type {i}" for i in range(1, channels))
    return found


def _classifier(count: int) -> dict[str, Any]:
    names = tuple(f"class {i}" for i in range(1, count + 1)) if count > 1 else ()
    window = (224, 224)
    return {"task": "patch", "reader": "patch", "classes": names, "window": window}
