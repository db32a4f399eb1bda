"""Memory that was freed goes back to the system.

Every pruned model has other widths, so its layers and activations ask the C
library for blocks of other sizes than the ones just freed. glibc keeps those in
the process: measured, 10 MB for each slider change without end. Asking it to
let go now and then keeps the process as small as what is alive in it.
"""

import ctypes
import sys
from collections.abc import Callable

_EVERY = 4  # jobs; letting go costs page faults in the next one


def trimmer(every: int = _EVERY) -> Callable[[], None]:
    """Return what to call after each job.

    Parameters
    ----------
    every
        How many calls there are to one that does something. With another C
        library than glibc none does: they give memory back by themselves.
    """
    library = ctypes.CDLL(None) if sys.platform == "linux" else None
    trim = getattr(library, "malloc_trim", None)
    calls = 0

    def after_job() -> None:
        nonlocal calls
        calls += 1
        if trim is not None and calls % every == 0:
            trim(0)

    return after_job
