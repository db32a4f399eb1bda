"""The pruned model of a bench on other tiles than its own.

To read this file, start from `judge_elsewhere`.
"""

from __future__ import annotations

from typing import TYPE_CHECKING

from core.benchmark.beside import ModelsBeside
from core.benchmark.tasks import make_task

if TYPE_CHECKING:
    from collections.abc import Sequence

    from core.benchmark.bench import Bench
    from core.job import Job
    from core.results import DenseOutcome, Outcome
    from core.types import LabelledTile, PruneRequest


def judge_elsewhere(
    bench: Bench, request: PruneRequest, tiles: Sequence[LabelledTile], job: Job
) -> tuple[DenseOutcome, Outcome]:
    """Let the dense and the pruned model of a bench see other tiles.

    The pruned model is the one of the bench: it stays calibrated on what the bench is
    calibrated on, and a fine-tuned one is not trained again.

    Parameters
    ----------
    bench
        Whose models.
    request
        Which pruned model, or which other model beside it.
    tiles
        As `Bench.open_tiles` takes them.
    job
        Progress and cancel.

    Raises
    ------
    BenchError
        When the request cannot be met, or a tile cannot be judged.
    Cancelled
        When the job was cancelled.
    """
    task = make_task(bench.prunable.model, tiles, keep_maps=True)
    other = type(bench)(bench.prunable, task, bench.calibration)
    other.see_dense(job, {}, first=False)
    if request.model:
        return other.dense, ModelsBeside(other).judge(request, job)
    module, plan = bench.pruned(request, job)
    return other.dense, other.judge(request, module, plan, job, {})
