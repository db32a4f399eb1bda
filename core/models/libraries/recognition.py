"""Which network of another library a config or a state dict belongs to."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.models.libraries import monai, smp, timm

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor

    from core.models.loaded import Found

    ByNames = Callable[[Mapping[str, Tensor], str], Found | None]
    ByConfig = Callable[[Mapping[str, Any], Mapping[str, Tensor], str], Found | None]

_BY_NAMES: tuple[ByNames, ...] = (smp.recognise, monai.recognise)
_BY_CONFIG: tuple[ByConfig, ...] = (
    smp.read_config,
    monai.read_config,
    timm.read_config,
)


def library_network(state: Mapping[str, Tensor], stem: str) -> Found | None:
    """Find a network by names and shapes.

    Parameters
    ----------
    state
        State-dict name -> tensor.
    stem
        File name without its ending.

    Returns
    -------
    Found or None
        None when the names are of no library.

    Raises
    ------
    ModelError
        When they are of one, but it is missing or nothing of it fits.
    """
    return next((f for one in _BY_NAMES if (f := one(state, stem))), None)


def library_config(
    config: Mapping[str, Any], state: Mapping[str, Tensor], stem: str
) -> Found | None:
    """Find a network by what its library wrote beside its weights.

    Returns
    -------
    Found or None
        As `library_network` does; None when the config is of no library.

    Raises
    ------
    ModelError
        When it is of one, but that is missing or the weights do not fit.
    """
    return next((f for one in _BY_CONFIG if (f := one(config, state, stem))), None)
