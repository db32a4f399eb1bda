"""Results of a bench with other thresholds, without running a network again.

To read this file, start from `Rereading.read_again`.
"""

from __future__ import annotations

from dataclasses import replace
from typing import TYPE_CHECKING, Any

from core.benchmark.tasks.nuclei import timed
from core.errors import InputError
from core.models.outputs import with_reader
from core.results import DenseOutcome, Outcome

if TYPE_CHECKING:
    from collections.abc import Mapping

    from torch import nn

    from core.benchmark.model import PrunableModel
    from core.benchmark.tasks import Task
    from core.pruning import Plan
    from core.types import PruneRequest


class Rereading:
    """The part of a bench that turns answers of networks into results."""

    prunable: PrunableModel
    task: Task[Any]
    dense: DenseOutcome
    _last: tuple[PruneRequest, nn.Module, Plan] | None
    dense_answers: list[Any]
    _shown: list[Any]

    def _outcome(
        self,
        request: PruneRequest,
        plan: Plan,
        answers: list[Any],
        seconds: dict[str, float],
    ) -> Outcome:
        with timed(seconds, "scores"):
            found = self.task.judge(self.dense_answers, answers)
        return Outcome(
            request=request,
            plan_hash=plan.hash,
            counts=self.prunable.sizes(plan),
            prediction=self.task.drawn(answers),
            scores=found.scores,
            agreement=found.agreement,
            intervals=found.intervals,
            changes=found.changes,
            widths=self.prunable.widths(plan),
            warnings=plan.warnings,
            seconds=seconds,
            moved=found.moved,
            patches=found.patches,
        )

    def read_again(
        self, threshold: Mapping[str, float], request: PruneRequest | None = None
    ) -> Outcome | None:
        """Find the nuclei again with other thresholds; no network runs.

        The thresholds become those of the model: of all that is computed, exported
        and saved from then on. `dense` is what the dense model finds with them.

        Parameters
        ----------
        threshold
            Settings of the model's reader by name, see `core.tables.OUTPUT_READERS`.
        request
            The pruned model that was asked for last, to be read again, too.

        Returns
        -------
        Outcome or None
            Of the pruned model; None without a request, and where it was not the last
            one.

        Raises
        ------
        ModelError
            When the reader has no such setting, or the model is a classifier.
        InputError
            When raw outputs were not kept, because the tile is too large.
        """
        if self.dense.part is not None:
            raise InputError(
                "The dense model has seen only a part of the tile by now: change its "
                "thresholds when it has seen all of it."
            )
        model = with_reader(self.prunable.model, threshold=threshold)
        task: Any = self.task
        dense = [
            task.read_again(answer, i, model.spec)
            for i, answer in enumerate(self.dense_answers)
        ]
        if None in dense:
            raise InputError(
                "The outputs of so large a tile are not kept: open a part of it, or "
                "open the model again with other thresholds."
            )
        shown = [task.read_again(a, i, model.spec) for i, a in enumerate(self._shown)]
        task.model = self.prunable.model = model
        self.dense_answers, self._shown = dense, shown
        self.dense = replace(
            self.dense,
            prediction=task.drawn(dense),
            scores=task.against_truth(dense),
        )
        if request is None or self._last is None or self._last[0] != request:
            return None
        return self._outcome(request, self._last[2], shown, {})
