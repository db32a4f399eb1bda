"""Independent pieces of work on all cores."""

import os
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from typing import TypeVar

import torch

from core.job import Job

_T = TypeVar("_T")
_cores = 0  # 0 stands for all


def set_cores(count: int) -> None:
    """Say how many cores this process may use for tiles; 0 stands for all.

    Several workers on one machine divide its cores among them.
    """
    global _cores
    _cores = count


@contextmanager
def limited_cores(count: int) -> Iterator[None]:
    """Use so many cores for tiles, and threads for all else; 0 changes nothing."""
    if not count:
        yield
        return
    before, threads = _cores, torch.get_num_threads()
    set_cores(count)
    torch.set_num_threads(count)
    try:
        yield
    finally:
        set_cores(before)
        torch.set_num_threads(threads)


def each(work: Callable[[int], _T], count: int, job: Job, what: str) -> list[_T]:
    """Do independent pieces of work on all cores, in order, cancellable.

    Nothing of it runs any more when this returns or raises, so that a latency
    taken next is not disturbed by it.

    Parameters
    ----------
    work
        Called with 0 to ``count`` - 1.
    count
        Number of pieces.
    job
        Told of every piece.
    what
        Shown to the user.
    """
    with _one_thread_each() as pool:
        futures = [pool.submit(work, index) for index in range(count)]
        try:
            found = []
            for index, future in enumerate(futures):
                job.step(index, count, what)
                found.append(future.result())
            return found
        finally:
            for future in futures:
                future.cancel()


@contextmanager
def _one_thread_each() -> Iterator[ThreadPoolExecutor]:
    """One worker a core, one torch thread a worker: tiles are small.

    On two cores this finishes 1.5 to 2 times as many tiles as one worker whose
    operations are split in two.
    """
    before = torch.get_num_threads()
    pool = ThreadPoolExecutor(
        _cores or os.cpu_count() or 1,
        thread_name_prefix="tiles",
        initializer=_prepare_worker,
    )
    try:
        yield pool
    finally:
        pool.shutdown(wait=True, cancel_futures=True)
        torch.set_num_threads(before)


def _prepare_worker() -> None:
    torch.set_num_threads(1)
    torch.set_flush_denormal(True)  # holds for the thread that sets it only
