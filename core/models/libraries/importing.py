"""Import of the libraries, and the sentence when one is missing."""

from __future__ import annotations

import importlib
import importlib.util
import os
import warnings
from functools import cache
from typing import TYPE_CHECKING, Any

from core.errors import ModelError
from core.models.libraries.standin import torchvision_for_import
from core.tables import LIBRARIES

if TYPE_CHECKING:
    from core.tables import Library

# Weights are never looked for on the internet.
_OFFLINE = {"HF_HUB_OFFLINE": "1", "HF_HUB_DISABLE_TELEMETRY": "1"}


def find_library(key: str) -> Library:
    """Return a row of the table.

    Raises
    ------
    ModelError
        When there is none.
    """
    if key not in LIBRARIES:
        raise ModelError(
            f"networks of the library {key!r} are not built by this version, which "
            f"knows {', '.join(row.title for row in LIBRARIES.values())}"
        )
    return LIBRARIES[key]


def is_installed(library: Library) -> bool:
    """Whether a library can be imported, without importing it."""
    return importlib.util.find_spec(library.module) is not None


def import_library(library: Library, what: str) -> Any:
    """Import a library.

    Parameters
    ----------
    library
        Row of the table.
    what
        That needs it, such as a file name; starts the sentence.

    Returns
    -------
    module
        The one that has its networks.

    Raises
    ------
    ModelError
        When it is not installed, or does not run beside this torch.
    """
    if not is_installed(library):
        raise ModelError(
            f"{what} needs {library.title}, which is not installed; "
            f"run: pip install {library.install}"
        )
    try:
        return _import(library.place)
    except Exception as error:  # other people's modules raise anything
        raise ModelError(
            f"{what} needs {library.title}, which cannot be imported "
            f"({type(error).__name__}: {error}); install it again with: "
            f"pip install {library.install}"
        ) from error


@cache
def _import(place: str) -> Any:
    for name, value in _OFFLINE.items():
        os.environ.setdefault(name, value)
    with warnings.catch_warnings(), torchvision_for_import():
        warnings.simplefilter("ignore")
        return importlib.import_module(place)
