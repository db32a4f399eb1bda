"""Numbers near zero: flushed while we compute, as they were for everyone else."""

import sys
from collections.abc import Iterator
from contextlib import contextmanager

import torch


@contextmanager
def flush_denormals() -> Iterator[None]:
    """Flush subnormal numbers to zero in this thread, and put the flag back.

    They can slow a processor thirtyfold. The flag belongs to the thread; left on
    in one that is not ours, it would change other people's arithmetic.
    """
    before = sys.float_info.min / 2 == 0.0
    torch.set_flush_denormal(True)
    try:
        yield
    finally:
        torch.set_flush_denormal(before)
