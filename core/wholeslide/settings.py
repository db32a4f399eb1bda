"""How a slide is run."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from core.nuclei.batches import Precision


@dataclass(frozen=True, slots=True)
class SlideSettings:
    """How a slide is run.

    Parameters
    ----------
    mpp
        Micrometres per pixel, in place of what the slide says.
    resample
        Whether the slide may be resampled to the pixel size of the model.
    everywhere
        Whether patches without tissue are looked at, too.
    batch
        Patches that go through a network together.
    precision
        See `core.nuclei.batches`.
    runtime
        Key of `core.deployment.RUNTIMES`.
    threads
        Of another runtime than torch; 0 for as many as torch has.
    """

    mpp: float | None = None
    resample: bool = True
    everywhere: bool = False
    batch: int = 1
    precision: Precision = "float32"
    runtime: str = "torch"
    threads: int = 0
