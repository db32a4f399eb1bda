"""An open model and tile, of which the window asks for pruned models.

Everything here runs on the worker thread. To read this file, start from
`BenchSession.prune`.
"""

from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.state.tile_folder import TileScore
from app.state.values import DrawnOutcome, Opened, Saved, WorkContext
from app.worker.describing import training_of, with_dense
from app.worker.drawing import draw_outcome
from app.worker.folder_tiles import score_tile
from core.errors import InputError
from core.sources import DEFAULT_TILE, Source
from core.types import Prediction, PruneRequest

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.benchmark.beside import ModelsBeside
    from core.job import Job
    from core.latency import LatencyProcess
    from core.models import LoadedModel
    from core.results import Comparison, Outcome
    from core.training import Progress


class BenchSession:
    """A `core.benchmark.Bench` behind the window's `Session`.

    Parameters
    ----------
    bench
        Only the worker touches it.
    model
        Its model, and what it was opened from.
    source
        See `ModelCard.source`.
    process
        In which latency is measured.
    tile
        What its tile was opened from.
    """

    def __init__(
        self,
        bench: "Bench",
        model: "LoadedModel",
        source: str,
        process: "LatencyProcess",
        tile: Source = DEFAULT_TILE,
    ) -> None:
        self.bench = bench
        self.model = model
        self.source = source
        self.process = process
        self.tile = tile
        self._timed: dict[PruneRequest, Comparison] = {}
        self._beside: ModelsBeside | None = None
        self.opened: Opened | None = None  # as it was shown last
        self._ready: DrawnOutcome | None = None  # known before it is asked for

    def reread(self, source: str, ready: DrawnOutcome | None) -> None:
        """Take note of other thresholds, and of a result that is read by them."""
        self.source, self._ready, self._beside = source, ready, None
        self.model = self.bench.prunable.model

    @property
    def beside(self) -> "ModelsBeside":
        """Other models on the same tile."""
        from core.benchmark.beside import ModelsBeside

        self._beside = self._beside or ModelsBeside(self.bench)
        return self._beside

    def prune(self, request: PruneRequest, task: WorkContext) -> DrawnOutcome:
        """Prune, predict and compare; a training is shown while it goes on."""
        from core.nuclei.quantised import TOPS

        job = cast("Job", task)
        ready, self._ready = self._ready, None
        if request.model:
            return draw_outcome(self.beside.judge(request, job), TOPS)
        task.publish(self.bench.curve(request, job))
        if ready is not None and ready.request == request:
            return ready

        def show(found: "Outcome") -> None:
            self._tell_dense(task)
            task.publish(draw_outcome(found, TOPS))

        def tell(progress: "Progress") -> None:
            task.publish(training_of(request, progress))

        found = self.bench.prune(request, job, show, tell)
        self._tell_dense(task)
        return draw_outcome(found, TOPS)

    def score_tile(
        self, request: PruneRequest, tile: Source, task: WorkContext
    ) -> TileScore:
        """Let both models see another tile."""
        return score_tile(self.bench, request, tile, cast("Job", task))

    def finish_dense(self, task: WorkContext) -> Opened:
        """Let the dense model see the rest of the tile."""
        self.bench.finish_dense(cast("Job", task), lambda: self._tell_dense(task))
        return self._describe_dense()

    def _tell_dense(self, task: WorkContext) -> None:
        """Show what the dense model has found, where that is more than was shown."""
        if self.opened is not None and self.opened.prediction is not self._found:
            task.publish(self._describe_dense())

    @property
    def _found(self) -> "Prediction":
        return self.bench.dense.prediction

    def _describe_dense(self) -> Opened:
        assert self.opened is not None
        self.opened = with_dense(self.opened, self.bench)
        return self.opened

    def measure(self, request: PruneRequest, task: WorkContext) -> "Comparison":
        """Time dense and pruned side by side, in a process of their own."""
        from core.latency import release_memory

        if request.model:
            return self._compare_beside(request, cast("Job", task))
        found = self.bench.compare(request, cast("Job", task), process=self.process)
        # The hand rests: the time to let go of what the drag left behind.
        release_memory()
        _, plan = self.bench.pruned(request)
        found = replace(
            found,
            reason=self._reason(request, found, task),
            layers=self.bench.prunable.layer_steps(plan, cast("Job", task)),
        )
        self._timed[request] = found
        return found

    def _compare_beside(self, request: PruneRequest, job: "Job") -> "Comparison":
        found = self.beside.compare(request, job, process=self.process)
        self._timed[request] = found
        return found

    def _reason(
        self, request: PruneRequest, found: "Comparison", task: WorkContext
    ) -> str:
        """Return why a verdict disappoints; layers are timed only where it does."""
        if found.verdict == "faster" or not request.sparsity:
            return ""
        from core.benchmark import explain

        task.step(0, 0, "finding out why it is not faster")
        pruned, _ = self.bench.pruned(request)
        reasons, _ = explain(self.model, pruned, self.bench.tile, found)
        return reasons[0] if reasons else ""

    def export(self, request: PruneRequest, path: str, task: WorkContext) -> Saved:
        """Write the pruned model: one file, or a folder with all that goes with it."""
        from app.worker.writing import ExportJob, write_folder, write_model

        job = cast("Job", task)
        if request.model:
            raise InputError(
                f"{Path(request.model).name} was not pruned here: open it by itself "
                "to export it, or choose a pane of the open model."
            )
        timed = self._timed.get(request)
        leaving = ExportJob(self.bench, self.source, request, timed, self.tile)
        if Path(path).suffix:
            return Saved(write_model(path, leaving, job))
        notes = write_folder(Path(path), leaving, job)
        return Saved(" ".join([f"Saved the pruned model into {path}.", *notes]))
