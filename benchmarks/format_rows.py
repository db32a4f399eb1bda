"""A row of the table of model files."""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from torch import nn


@dataclass(frozen=True)
class ModelRow:
    """One file or folder.

    Parameters
    ----------
    what, name
        For the line, and of the file or folder.
    write
        Makes it, and returns the network to compare with, if there is one.
    opens
        Whether it must open.
    """

    what: str
    name: str
    write: Callable[[Path], nn.Module | None]
    opens: bool = True
