"""The process that sweeps for a window: ``python -m core.cluster.sweep_process``.

As `core.sweep.worker_process`, and on the workers that its command names.
"""

from typing import TextIO

from core.cluster.connection import ClusterSettings
from core.cluster.sweep import run_cluster_sweep
from core.store import TrialStore
from core.sweep.messages import SweepCommand
from core.sweep.worker_process import job_of, run_process, say_stored, sentence, serve


def main() -> None:
    """Run one sweep."""
    run_process(_answer)


def _answer(line: str, out: TextIO) -> str:
    order = SweepCommand.from_json(line)
    if not order.scheduler and not order.workers:
        return sentence(serve(order, out))
    settings = ClusterSettings(order.scheduler, order.workers)
    with TrialStore(order.out) as store:
        return sentence(
            run_cluster_sweep(
                order.grid,
                store,
                settings,
                job_of(out),
                on_record=lambda _: say_stored(out),
            )
        )


if __name__ == "__main__":
    main()
