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
from core.tables import OUTPUT_READERS

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor, nn

    from core.models.loaded import LoadedModel
    from core.types import ModelSpec


_CONTOURS = ("contour", "boundary", "edge")  # in names of outputs


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
    if {"prob", "dist"} <= names and outputs["dist"].dim() == 4:
        return {"reader": "stardist", "threshold": {"foreground": 0.5}}
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
    if any(word in name.lower() for name in names for word in _CONTOURS):
        return {"reader": "contour-probability" if likely else "contour"}
    if channels > 2:
        found["classes"] = tuple(f"type {i}" for i in range(1, channels))
    return found


def _classifier(count: int) -> dict[str, Any]:
    names = tuple(f"class {i}" for i in range(1, count + 1)) if count > 1 else ()
    window = (224, 224)
    return {"task": "patch", "reader": "patch", "classes": names, "window": window}


def with_reader(
    model: LoadedModel, reader: str = "", threshold: Mapping[str, float] | None = None
) -> LoadedModel:
    """Return a model whose outputs are read in another way; its weights are shared.

    Parameters
    ----------
    model
        Finds nuclei.
    reader
        Key of `OUTPUT_READERS`; empty keeps the model's own.
    threshold
        Settings by name that differ from the model's; ``""`` names the first one.

    Raises
    ------
    ModelError
        When there is no such reader or setting, or the model is a classifier.
    """
    if not reader and not threshold:
        return model
    spec = model.spec
    if spec.task != "nuclei":
        raise ModelError(
            f"{spec.name} gives classes of patches: it has no reader and no thresholds"
        )
    if reader and reader not in OUTPUT_READERS:
        raise ModelError(
            f"there is no reader {reader!r}; choose one of {', '.join(OUTPUT_READERS)}"
        )
    row = OUTPUT_READERS[reader or spec.reader]
    known = {} if reader and reader != spec.reader else dict(spec.threshold)
    limits = {each.key: each.most for each in row.settings}
    for name, value in (threshold or {}).items():
        key = name or row.settings[0].key
        if key not in limits:
            raise ModelError(
                f"the reader {row.key!r} has no threshold {key!r}; it has "
                + ", ".join(limits)
            )
        if not 0 <= value <= limits[key]:
            raise ModelError(f"{key} is a number from 0 to {limits[key]:g}")
        known[key] = value
    return replace(model, spec=replace(spec, reader=row.key, threshold=known))
