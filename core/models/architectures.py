"""Architectures by name, built from JSON-serialisable settings."""

from __future__ import annotations

from importlib import import_module
from typing import TYPE_CHECKING, Any

import torch
from torch import Tensor
from torch.overrides import TorchFunctionMode

from core.errors import ModelError
from core.models.installed import installed_models
from core.tables import ARCHITECTURES

if TYPE_CHECKING:
    from collections.abc import Callable, Iterable, Mapping

    from torch import nn

LIBRARY = "library"
"""Key of the networks that other libraries build."""
_FILLS = frozenset({Tensor.normal_, Tensor.uniform_, Tensor.fill_, Tensor.zero_})


class EmptyError(ModelError):
    """A network that cannot be built without memory for its weights."""


def needs_values(architecture: str) -> bool:
    """Whether a network is built with values, by code that is not this program's."""
    return architecture == "python" or architecture not in ARCHITECTURES


def _builder(architecture: str) -> Callable[..., nn.Module]:
    if architecture not in ARCHITECTURES:
        installed = installed_models().get(architecture)
        if installed is not None:
            return installed.builder
        raise ModelError(
            f"the architecture {architecture!r} is unknown; this version builds "
            + ", ".join(sorted(ARCHITECTURES))
        )
    row = ARCHITECTURES[architecture]
    builder: Callable[..., nn.Module] = getattr(import_module(row.module), row.builder)
    return builder


def build(architecture: str, config: Mapping[str, Any], *, seed: int = 0) -> nn.Module:
    """Build a network with random weights.

    Parameters
    ----------
    architecture
        Key of `core.tables.ARCHITECTURES`.
    config
        Keyword arguments of the class.
    seed
        Of the random weights. The caller's random state is left as it was.

    Returns
    -------
    nn.Module
        In eval mode, float32, on the CPU.

    Raises
    ------
    ModelError
        When the architecture or one of its settings is unknown or impossible.
    """
    builder = _builder(architecture)
    with torch.random.fork_rng(devices=[]):
        torch.manual_seed(seed)
        return _construct(builder, architecture, config).eval()


class _NoInitialValues(TorchFunctionMode):
    """Skips filling in weights.

    On the meta device there is nothing to fill, and the first random numbers
    there make torch import its compiler, which takes most of a second.
    """

    def __torch_function__(
        self,
        func: Callable[..., Any],
        types: Iterable[type],
        args: tuple[Any, ...] = (),
        kwargs: dict[str, Any] | None = None,
    ) -> Any:
        """Hand tensors back as they are where they would be initialised."""
        if func in _FILLS:
            return args[0]
        return func(*args, **(kwargs or {}))


def build_empty(architecture: str, config: Mapping[str, Any]) -> nn.Module:
    """Build a network without memory for its weights (torch's meta device).

    Costs the same few milliseconds whatever `config` asks for, so a header that
    names an absurd width is found out before it can fill the memory.

    Raises
    ------
    ModelError
        As `build` does.
    EmptyError
        When its constructor reads values of tensors.
    """
    builder = _builder(architecture)
    try:
        with torch.device("meta"), _NoInitialValues():
            module = _construct(builder, architecture, config).eval()
            check: Callable[[], None] | None = getattr(module, "check_growth", None)
            if check is not None:  # its shapes are data of a file
                check()
            return module
    except ModelError as error:
        if "meta tensor" in str(error.__cause__):
            raise EmptyError(str(error)) from error
        raise


def _construct(
    builder: Callable[..., nn.Module], architecture: str, config: Mapping[str, Any]
) -> nn.Module:
    try:
        return builder(**config)
    except (TypeError, ValueError, ZeroDivisionError, RuntimeError) as error:
        pairs = (f"{key}={str(value)[:60]!s}" for key, value in config.items())
        settings = ", ".join(pairs)
        raise ModelError(
            f"the architecture {architecture!r} cannot be built with {settings}; "
            f"change the settings ({error})"
        ) from error
