"""Memory that was freed goes back to the system.

Every pruned model has other widths, so its layers and activations ask the C
library for blocks of other sizes than the ones just freed, and glibc keeps
those: about 10 MB for each slider change, without end.
"""

import os
import sys
from collections.abc import Callable

_EVERY = 4  # jobs; letting go costs page faults in the next one


_PREPARED = "256"  # networks of a dozen widths, with twenty layers each


def bound_caches() -> None:
    """Keep fewer prepared convolutions; to be called before torch is loaded.

    oneDNN keeps code and buffers for each shape of layer that it ever ran, 1024 by
    default; every position of the slider has shapes of its own.
    """
    for name in ("ONEDNN_PRIMITIVE_CACHE_CAPACITY", "LRU_CACHE_CAPACITY"):
        os.environ.setdefault(name, _PREPARED)


def _release() -> None:
    """Give memory back, if anything that takes much of it was loaded at all."""
    if "torch" in sys.modules:
        from core.latency import release_memory

        release_memory()


def trimmer(
    every: int = _EVERY, release: Callable[[], None] = _release
) -> Callable[[], None]:
    """Return what the worker calls after each job.

    Parameters
    ----------
    every
        How many calls there are to one that does something.
    release
        What it then does.
    """
    calls = 0

    def after_job() -> None:
        nonlocal calls
        calls += 1
        if calls % every == 0:
            release()

    return after_job
