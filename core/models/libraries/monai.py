"""Networks of MONAI: from the config of a bundle, or from names and shapes.

To read this file, start from `recognise`. What weights do not tell (activations and
norms without parameters) is taken as the library's own default; a bundle says it.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.models.libraries.fitting import find_fitting, to_config
from core.models.libraries.importing import find_library, import_library
from core.models.libraries.monai_settings import SETTINGS
from core.models.libraries.networks import find_arguments
from core.models.libraries.specs import PLAIN, to_segmentation_spec

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import Tensor

    from core.models.loaded import Found
    from core.types import ModelSpec

LIBRARY = find_library("monai")
_HOVERNET = "HoVerNet"  # built by this program, see `core.models.layouts`


def recognise(state: Mapping[str, Tensor], stem: str) -> Found | None:
    """Find the network that a state dict belongs to.

    Parameters
    ----------
    state
        State-dict name -> tensor.
    stem
        File name without its ending.

    Returns
    -------
    Found or None
        Description and weights; None when the names are not those of the library.

    Raises
    ------
    ModelError
        When they are, but the library is missing, no settings fit, or the network is
        for volumes.
    """
    for network, first, settings in SETTINGS:
        weight = state.get(first)
        if weight is None:
            continue
        what = f"{stem} looks like {LIBRARY.title}'s {network}"
        if weight.ndim not in (4, 5):
            continue
        _check_flat(what, weight.ndim - 2)
        import_library(LIBRARY, what)
        configs = (to_config("monai", network, each) for each in settings(state))
        return _to_spec(find_fitting(configs, state, what), stem), dict(state)
    return None


def read_config(
    config: Mapping[str, Any], state: Mapping[str, Tensor], stem: str
) -> Found | None:
    """Read the network of a bundle, see `core.models.bundles`.

    Returns
    -------
    Found or None
        As `recognise` does; None when the config is none of a bundle, or its network
        is recognised by its weights alone.

    Raises
    ------
    ModelError
        When the library is missing, or the weights do not fit.
    """
    target = str(config.get("_target_", "")).rpartition(".")[2]
    network = next((n for n in LIBRARY.networks if n.lower() == target.lower()), "")
    if network == _HOVERNET and config.get("decoder_padding"):
        raise ModelError(
            f"{stem} is {LIBRARY.title}'s {network} with decoder_padding, which is not "
            "read here; train one without, as the published network is"
        )
    if not network or network == _HOVERNET:
        return None
    what = f"{stem} is {LIBRARY.title}'s {network}"
    names = find_arguments(getattr(import_library(LIBRARY, what), network))
    kept = {key: value for key, value in config.items() if key in names}
    _check_flat(what, kept.get("spatial_dims", 2 if network == "FlexibleUNet" else 3))
    fitting = find_fitting([to_config("monai", network, kept)], state, what)
    return _to_spec(fitting, stem), dict(state)


def _check_flat(what: str, dimensions: object) -> None:
    """Refuse a network whose input is not a picture."""
    if dimensions != 2:
        raise ModelError(
            f"{what} for volumes (3-D); this program opens networks for pictures"
        )


def _to_spec(config: dict[str, Any], stem: str) -> ModelSpec:
    network, arguments = config["network"], config["arguments"]
    steps = arguments.get("strides") or arguments.get("features") or ()
    halvings = len(arguments.get("blocks_down") or steps or (0,) * 5) - 1
    # twice, so that the deepest map has more than one pixel to normalise over
    stride = min(2 << max(halvings, 0) if network != "UNet" else 4 << halvings, 256)
    return to_segmentation_spec(
        config,
        f"{network}, {stem}",
        classes=int(arguments.get("out_channels", 1)),
        scale=PLAIN,
        stride=max(stride, 16),
    )
