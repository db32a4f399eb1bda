"""The connection to a Dask scheduler, or to workers started here."""

from __future__ import annotations

import os
import time
from collections import Counter
from contextlib import ExitStack, suppress
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any, Self

from core.cluster.worker import WorkerVersion, describe_worker
from core.errors import InputError
from core.tables.extras import to_install_command

if TYPE_CHECKING:
    from collections.abc import Sequence

    from distributed import Client, Future

    from core.job import Job

_CONNECT = 10.0  # seconds for one attempt
_AGAIN = 1.0  # seconds between two attempts
# dask's own choice gives every tensor's memory back to the system at once, and a trial
# then spends a third of its time on taking it again
_ALLOCATION = {
    "MALLOC_TRIM_THRESHOLD_": 256 << 20,
    "MALLOC_MMAP_THRESHOLD_": 32 << 20,  # the most that all versions of glibc take
}
_MISSING = (
    f"Workers need Dask, which is not installed; run: {to_install_command('cluster')}."
)


@dataclass(frozen=True, slots=True)
class ClusterSettings:
    """Which workers run a sweep.

    Parameters
    ----------
    scheduler
        Address of a scheduler, such as ``tcp://node1:8786``; empty for workers here.
    workers
        Processes to start on this machine, when there is no scheduler. Each uses one
        core, unless a sweep or a slide says how many threads it takes.
    patience
        Seconds to wait for a scheduler or for workers that are gone.
    """

    scheduler: str = ""
    workers: int = 0
    patience: float = 300.0


class Connection:
    """A client that is made anew when its scheduler is gone.

    Parameters
    ----------
    settings
        Which scheduler, or how many workers.
    job
        Told what is waited for; may cancel.

    Raises
    ------
    InputError
        When Dask is not installed, or nobody answers in time.
    """

    def __init__(self, settings: ClusterSettings, job: Job) -> None:
        self._settings, self._job = settings, job
        self._open = ExitStack()
        self._address = settings.scheduler
        self._seen: set[str] = set()  # addresses of all workers so far
        #: Workers there are, as they were counted last.
        self.count = 0
        #: Workers that went away, as `describe` saw it last.
        self.lost = 0
        self.client: Client

    def __enter__(self) -> Self:
        try:
            import dask
            import distributed  # noqa: F401 - whether it is there
        except ImportError:
            raise InputError(_MISSING) from None
        config = {
            # trials that end a worker are counted here
            "distributed.scheduler.allowed-failures": 3,
            # a worker's threads are set when it gets its first trial
            "distributed.nanny.pre-spawn-environ": _ALLOCATION,
        }
        self._open.enter_context(dask.config.set(config))
        try:
            if not self._address:
                self._address = self._start_workers()
            self.renew()
        except BaseException:
            self._open.close()
            raise
        return self

    def __exit__(self, *_: object) -> None:
        self._open.close()

    def _start_workers(self) -> str:
        from distributed import LocalCluster

        cluster = LocalCluster(
            n_workers=max(self._settings.workers, 1),
            threads_per_worker=1,
            processes=True,
            dashboard_address=None,
            host="127.0.0.1",
            memory_limit=0,
        )
        self._open.enter_context(cluster)
        return str(cluster.scheduler_address)

    def renew(self) -> None:
        """Connect, also again, waiting for the scheduler and for a worker.

        Raises
        ------
        InputError
            When nobody answers in time.
        """
        from distributed import Client

        end = time.monotonic() + self._settings.patience
        with suppress(AttributeError, OSError, TimeoutError):
            self.client.close(timeout=2)
        while True:
            self._job.step(0, 0, f"waiting for {self._address}")
            try:
                self.client = Client(
                    self._address, timeout=_CONNECT, set_as_default=False
                )
                self._open.callback(self._close, self.client)
                break
            except (OSError, TimeoutError, ValueError) as error:
                if isinstance(error, ValueError) or time.monotonic() > end:
                    raise InputError(
                        f"No scheduler answers at {self._address} ({error}); start "
                        "one with 'dask scheduler' and give its address, such as "
                        "tcp://node1:8786."
                    ) from None
                time.sleep(_AGAIN)
        while not self.client.scheduler_info(n_workers=-1)["workers"]:
            self._job.step(0, 0, f"waiting for workers at {self._address}")
            if time.monotonic() > end:
                raise InputError(
                    f"The scheduler at {self._address} has no workers; start some "
                    f"with 'dask worker {self._address}'."
                )
            time.sleep(_AGAIN)

    @staticmethod
    def _close(client: Client) -> None:
        with suppress(OSError, TimeoutError):
            client.close(timeout=5)

    def check_workers(self, version: WorkerVersion) -> int:
        """Compare versions; returns into how many parts a machine's cores go.

        Those are the workers of the machine that has most. Workers that were started
        here take one core each, however few they are: a trial on one core takes the
        least processor time, and two workers then do twice the work of one.

        Raises
        ------
        InputError
            When a worker has another version, or no PruneScope.
        """
        found: dict[str, Any] = self.client.run(describe_worker, on_error="return")
        for address, theirs in found.items():
            if not isinstance(theirs, WorkerVersion):
                raise InputError(
                    f"The worker {address} cannot run PruneScope ({theirs}); install "
                    "the same version there."
                )
            version.check(theirs, address)
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        self._seen.update(workers)
        self.count = len(workers)
        crowd = Counter(each["host"] for each in workers.values())
        own = 0 if self._settings.scheduler else os.cpu_count() or 1
        return max([own, 1, *crowd.values()])

    def wait(self, futures: Sequence[Future], seconds: float) -> list[Future]:
        """Return the futures that are done, after a moment at most."""
        from distributed import wait

        with suppress(TimeoutError), self.client.as_current():
            wait(list(futures), timeout=seconds, return_when="FIRST_COMPLETED")
        if self.client.status != "running":
            raise OSError("the scheduler is gone")
        return [each for each in futures if each.done()]

    def cancel(self, futures: Sequence[Future]) -> None:
        """Let go of trials that nobody waits for."""
        with suppress(Exception):  # the scheduler may be gone
            if futures:
                self.client.cancel(list(futures))

    def describe(self) -> str:
        """Return how many workers there are and how busy, and how many were lost."""
        workers = self.client.scheduler_info(n_workers=-1)["workers"]
        loads = [each.get("metrics", {}).get("cpu", 0.0) for each in workers.values()]
        load = sum(loads) / len(loads) if loads else 0.0
        count = self.count = len(workers)
        self._seen.update(workers)
        self.lost = len(self._seen) - count
        gone = f"; {self.lost} lost, others do their work" if self.lost else ""
        return f"{count} worker{'s' * (count != 1)} ({load:.0f} % load{gone})"


def is_lost(error: BaseException) -> bool:
    """Whether an error says that a worker or the scheduler is gone."""
    from distributed import CancelledError, KilledWorker

    return isinstance(error, OSError | TimeoutError | CancelledError | KilledWorker)


def lost_note(lost: int) -> tuple[str, ...]:
    """Return a sentence on workers that went away; none where all stayed."""
    if not lost:
        return ()
    count = "1 worker was" if lost == 1 else f"{lost} workers were"
    return (f"{count} lost on the way; what they were doing was done by others.",)
