"""Other models beside the one of a bench: on the same tile, as they are.

To read this file, start from `ModelsBeside.judge`.
"""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import PurePath
from typing import TYPE_CHECKING, Any

from core.benchmark.calibration import counting_input
from core.benchmark.model import PrunableModel, to_inference_layout
from core.benchmark.tasks import make_task
from core.benchmark.tasks.nuclei import NucleiAnswer, timed
from core.errors import InputError
from core.images import renumber_types
from core.job import Job
from core.latency import QUICK, compare
from core.models import load_model
from core.results import Outcome

if TYPE_CHECKING:
    from core.benchmark.bench import Bench
    from core.benchmark.tasks import Task
    from core.latency import Comparison, LatencyProcess
    from core.models import LoadedModel
    from core.types import PruneRequest

_KEPT = 3  # models; more would fill the memory


@dataclass(frozen=True)
class _Other:
    prunable: PrunableModel
    task: Task[Any]

    @property
    def model(self) -> LoadedModel:
        return self.prunable.model


class ModelsBeside:
    """Models that stand beside the one of a bench.

    Parameters
    ----------
    bench
        Whose tile they see, and with whose model they are compared.
    """

    def __init__(self, bench: Bench) -> None:
        self._bench = bench
        self._known: dict[str, _Other] = {}

    def find(self, source: str) -> LoadedModel:
        """Return a model, loaded at the first call.

        Parameters
        ----------
        source
            Catalogue name or path.

        Raises
        ------
        ModelError
            When it cannot be opened.
        InputError
            When it is for another task than the open model.
        """
        return self._find(source).model

    def _find(self, source: str) -> _Other:
        if source in self._known:
            return self._known[source]
        model, own = load_model(source), self._bench.prunable.model
        if model.spec.task != own.spec.task or own.spec.task != "nuclei":
            raise InputError(
                f"{model.spec.name} cannot stand beside {own.spec.name}: only models "
                "that find nuclei are compared with each other; open it by itself."
            )
        to_inference_layout(model.module)
        prunable = PrunableModel(model, counting_input(model), [])
        tiles = [replace(each, classes=None) for each in self._bench.task.tiles]
        found = _Other(prunable, make_task(model, tiles, keep_maps=True))
        while len(self._known) >= _KEPT:
            self._known.pop(next(iter(self._known)))
        self._known[source] = found
        return found

    def judge(self, request: PruneRequest, job: Job | None = None) -> Outcome:
        """Let another model see the tile, and compare it with the open one.

        Parameters
        ----------
        request
            Its ``model`` says which.
        job
            Progress and cancel.

        Raises
        ------
        BenchError
            When it cannot be opened or compared.
        Cancelled
            When the job was cancelled.
        """
        job, bench = job or Job(), self._bench
        job.step(0, 0, f"opening {PurePath(request.model).name}")
        seconds: dict[str, float] = {}
        other = self._find(request.model)
        answer = other.task.predict(other.model.module, 0, job, seconds)
        answer, said = self._renumbered(answer, other.model)
        with timed(seconds, "scores"):
            found = bench.task.judge(bench.dense_answers, [answer])
        plan = other.model.plan
        widths = {layer.name: layer.width for layer in other.prunable.layers}
        own = {layer.name for layer in bench.prunable.layers}
        return Outcome(
            request=request,
            plan_hash=plan.hash if plan is not None else "",
            counts=other.prunable.counts,
            prediction=answer.prediction,
            scores=found.scores,
            agreement=found.agreement,
            intervals=found.intervals,
            changes=found.changes,
            widths={name: width for name, width in widths.items() if name in own},
            warnings=said,
            seconds=seconds,
            moved=found.moved,
        )

    def _renumbered(
        self, answer: NucleiAnswer, model: LoadedModel
    ) -> tuple[NucleiAnswer, tuple[str, ...]]:
        """Number types as the open model does; say so where it has others."""
        own = self._bench.prunable.model.spec
        if model.spec.classes == own.classes:
            return answer, ()
        found = answer.prediction
        classes = renumber_types(found.classes, model.spec.classes, own.classes)
        said = f"{model.spec.name} has another list of nucleus types than {own.name}."
        return replace(answer, prediction=replace(found, classes=classes)), (said,)

    def compare(
        self,
        request: PruneRequest,
        job: Job | None = None,
        *,
        process: LatencyProcess | None = None,
    ) -> Comparison:
        """Measure both networks alone, on the input of the open one.

        Raises
        ------
        BenchError
            When it cannot be opened.
        Cancelled
            When the job was cancelled.
        """
        bench, other = self._bench, self._find(request.model)
        found = compare(
            bench.prunable.model.module,
            other.model.module,
            bench.example(),
            settings=QUICK,
            job=job,
            process=process,
        )
        return replace(found, request=request, pixels=bench.pixels_timed)
