"""From the name of a class and plain arguments to a network of a library.

To read this file, start from `build_network`.
"""

from __future__ import annotations

import inspect
import re
import warnings
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.models.libraries.importing import find_library, import_library

if TYPE_CHECKING:
    from collections.abc import Callable, Mapping

    from torch import Tensor, nn

_NAME = re.compile(r"[A-Za-z][\w.+-]{0,80}")  # no address, no path
_WIDEST = 16_384  # channels, classes, pixels
_DEEPEST = 256  # blocks, layers, groups of a stage
_LONGEST = 64  # lists
_WIDE = ("channel", "class", "feature", "filter", "size", "width", "dim", "embed")
# Would look for weights on the internet.
_WEIGHTS = {"encoder_weights": None, "pretrained": False}
# Of timm's `create_model`; others name files that it would read.
_TIMM = {
    "model_name",
    "pretrained",
    "num_classes",
    "in_chans",
    "global_pool",
    "output_stride",
    "drop_rate",
    "drop_path_rate",
    "img_size",
}


def build_network(
    library: str,
    network: str,
    arguments: Mapping[str, Any] | None = None,
    classes: int = 0,
) -> nn.Module:
    """Build a network of a library, with random weights.

    Parameters
    ----------
    library
        Key of `core.tables.LIBRARIES`.
    network
        Name of one of its classes, as the table lists them; of timm, name of a model.
    arguments
        Of the constructor: numbers, text, lists and dicts of these.
    classes
        Outputs of a classifier; only for those who read the settings.

    Raises
    ------
    ModelError
        When the library is missing, or has no such network.
    ValueError
        When an argument is none of its constructor.
    """
    row = find_library(library)
    if row.networks and network not in row.networks:
        raise ModelError(
            f"{network[:80]!r} of {row.title} is not built by this version, which "
            f"builds {', '.join(row.networks)}"
        )
    if not _NAME.fullmatch(network):
        raise ValueError(f"{network[:80]!r} is no name of a network")
    given = {_argument(key): value for key, value in dict(arguments or {}).items()}
    for key, value in given.items():
        _check(key, value)
    place = import_library(row, f"a network of the class {network}")
    constructor: Callable[..., nn.Module]
    if row.networks:
        constructor = getattr(place, network)
        names = find_arguments(constructor)
        given |= {key: value for key, value in _WEIGHTS.items() if key in names}
    else:
        constructor, names = place.create_model, _TIMM
        given |= {"model_name": network, "pretrained": False}
    unknown = sorted(given.keys() - names)
    if unknown:
        raise ValueError(f"{network} has no argument {unknown[0]!r}")
    channels = given.get("in_channels", given.get("in_chans", 3))
    if channels not in (1, 3):
        raise ValueError(f"it takes pictures of {channels} channels, not 1 or 3")
    with warnings.catch_warnings():  # of names that the library will change
        warnings.simplefilter("ignore")
        module = _constructed(constructor, given)
    if channels == 1:
        module.register_forward_pre_hook(_to_grey)
    return module


def _to_grey(_: nn.Module, images: tuple[Tensor, ...]) -> tuple[Tensor, ...]:
    """Give a network of one channel the brightness of RGB (ITU-R BT.601)."""
    first, *rest = images
    if first.shape[1] == 3:
        red, green, blue = first[:, 0:1], first[:, 1:2], first[:, 2:3]
        first = 0.299 * red + 0.587 * green + 0.114 * blue
    return (first, *rest)


def _constructed(
    constructor: Callable[..., nn.Module], arguments: Mapping[str, Any]
) -> nn.Module:
    """Call a constructor; what it raises becomes an error that is understood."""
    try:
        return constructor(**arguments)
    except (TypeError, ValueError, RuntimeError):
        raise
    except Exception as error:  # of another library: anything
        raise ValueError(f"{type(error).__name__}: {error}") from error


def find_arguments(constructor: Callable[..., Any]) -> set[str]:
    """Return the named arguments; what others would be handed on to is not known.

    Parameters
    ----------
    constructor
        A class or function.
    """
    found = inspect.signature(constructor).parameters.values()
    return {one.name for one in found if one.kind is not one.VAR_KEYWORD}


def _argument(key: Any) -> str:
    if not isinstance(key, str) or not key.isidentifier() or len(key) > 80:
        raise ValueError(f"{str(key)[:80]!r} is no name of an argument")
    return key


def _check(key: str, value: Any, depth: int = 0) -> None:
    """Refuse arguments that no network has, before anything is built.

    Raises
    ------
    ValueError
        When one is too large, or of a kind that is not plain.
    """
    if depth > 4:
        raise ValueError(f"{key} is nested too deeply")
    if isinstance(value, list | tuple | dict):
        if len(value) > _LONGEST:
            raise ValueError(f"{key} is too long")
        pairs = value.items() if isinstance(value, dict) else ((key, v) for v in value)
        for name, inner in pairs:
            _check(str(name) if depth == 0 else f"{key} {name}", inner, depth + 1)
    elif isinstance(value, str):
        if value and not _NAME.fullmatch(value):
            raise ValueError(f"{key} is {value[:80]!r}, which names nothing")
    elif isinstance(value, int | float) and not isinstance(value, bool):
        most = _WIDEST if any(word in key for word in _WIDE) else _DEEPEST
        if not abs(value) <= most:
            raise ValueError(f"{key} is {value}, more than any network has")
    elif value is not None and not isinstance(value, bool):
        raise ValueError(f"{key} is a {type(value).__name__}, not plain")
