"""A network between the pre- and postprocessing that its package states.

Steps are those of bioimage.io that work on pixels; they are part of the module, so
that pruned and exported networks are fed as the dense one was.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.models.architectures import build, build_empty, needs_values
from core.models.probe import flatten

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping, Sequence

Step = tuple[str, Any]
_SIDES = {"c": 1, "channel": 1, "y": 2, "x": 3}


class ProcessedNetwork(nn.Module):
    """Takes RGB, brings it to what a network wants, and its output to what is read.

    Parameters
    ----------
    architecture, config
        Of the network inside.
    before, after
        Steps: a name and its settings, see `STEPS`.
    channels
        Of the network's input: 3, or 1 for the mean of red, green and blue.

    Raises
    ------
    ModelError
        When a step is unknown.
    """

    def __init__(
        self,
        architecture: str,
        config: Mapping[str, Any],
        before: Sequence[Sequence[Any]] = (),
        after: Sequence[Sequence[Any]] = (),
        channels: int = 3,
    ) -> None:
        super().__init__()
        whole = needs_values(architecture)
        self.network = (build if whole else build_empty)(architecture, config)
        self._before, self._after = _steps(before), _steps(after)
        self._channels = channels

    def forward(self, image: Tensor) -> Tensor:
        """Return the first output, processed.

        Parameters
        ----------
        image
            float32 (images, 3, height, width).
        """
        if self._channels == 1:
            image = image.mean(1, keepdim=True)
        return self.process(image)

    def process(self, image: Tensor) -> Tensor:
        """Return the same for an input of the network's own channels."""
        for name, settings in self._before:
            image = STEPS[name](image, settings)
        found = flatten(self.network(image))
        if not found:
            raise ModelError("the network of a package gives no tensor")
        value = found[0][1]
        for name, settings in self._after:
            value = STEPS[name](value, settings)
        return value

    def check_growth(self) -> None:
        """Refuse a graph that would fill the memory."""
        check: Callable[[], None] | None = getattr(self.network, "check_growth", None)
        if check is not None:
            check()


def _steps(given: Sequence[Sequence[Any]]) -> list[Step]:
    found: list[Step] = [(str(name), dict(settings)) for name, settings in given]
    unknown = [name for name, _ in found if name not in STEPS]
    if unknown:
        raise ModelError(
            f"the package asks for the step {unknown[0]!r}, which this program does "
            f"not compute; it knows {', '.join(sorted(STEPS))}"
        )
    return found


def _dims(settings: Mapping[str, Any], rank: int) -> list[int]:
    """Return the dimensions that a step works over; a picture's when none are named."""
    axes = settings.get("axes")
    if axes is None:
        return list(range(1, rank))
    return [_SIDES[str(axis)] for axis in axes if str(axis) in _SIDES] or [2, 3]


def _spread(values: Any, like: Tensor) -> Any:
    """Return one number, or one for each channel."""
    if isinstance(values, list | tuple):
        return torch.tensor(list(map(float, values)), device=like.device).view(
            1, -1, 1, 1
        )
    return float(values)


def _zero_mean(value: Tensor, settings: Mapping[str, Any]) -> Tensor:
    if settings.get("mode", "per_sample") == "fixed":
        return _fixed(value, settings)
    dims = _dims(settings, value.dim())
    mean = value.mean(dims, keepdim=True)
    spread = value.std(dims, unbiased=False, keepdim=True)
    return (value - mean) / (spread + float(settings.get("eps", 1e-6)))


def _fixed(value: Tensor, settings: Mapping[str, Any]) -> Tensor:
    eps = float(settings.get("eps", 1e-6))
    found: Tensor = (value - _spread(settings["mean"], value)) / (
        _spread(settings["std"], value) + eps
    )
    return found


def _linear(value: Tensor, settings: Mapping[str, Any]) -> Tensor:
    gain, offset = settings.get("gain", 1.0), settings.get("offset", 0.0)
    found: Tensor = value * _spread(gain, value) + _spread(offset, value)
    return found


def _range(value: Tensor, settings: Mapping[str, Any]) -> Tensor:
    """Bring two percentiles to 0 and 1."""
    low = float(settings.get("min_percentile", 0.0)) / 100
    high = float(settings.get("max_percentile", 100.0)) / 100
    dims = _dims(settings, value.dim())
    kept = [d for d in range(value.dim()) if d not in dims]
    flat = value.permute(*kept, *dims).flatten(len(kept))
    shape = [1 if d in dims else value.shape[d] for d in range(value.dim())]
    least = flat.quantile(low, dim=-1).view(shape)
    most = flat.quantile(high, dim=-1).view(shape)
    return (value - least) / (most - least + float(settings.get("eps", 1e-6)))


def _clip(value: Tensor, settings: Mapping[str, Any]) -> Tensor:
    return value.clamp(settings.get("min"), settings.get("max"))


def _binarize(value: Tensor, settings: Mapping[str, Any]) -> Tensor:
    found: Tensor = value > _spread(settings["threshold"], value)
    return found.to(value.dtype)


STEPS: Mapping[str, Callable[[Tensor, Mapping[str, Any]], Tensor]] = {
    "ensure_dtype": lambda value, _: value,
    "zero_mean_unit_variance": _zero_mean,
    "fixed_zero_mean_unit_variance": _fixed,
    "scale_linear": _linear,
    "scale_range": _range,
    "clip": _clip,
    "binarize": _binarize,
    "sigmoid": lambda value, _: value.sigmoid(),
    "softmax": lambda value, _: value.softmax(1),
}
"""Steps by bioimage.io's name."""
