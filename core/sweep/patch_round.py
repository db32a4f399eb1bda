"""One pruned patch classifier on one patch or a folder of them.

A classifier has no masks: what pruning does to it shows in the class of each patch,
in the probability of that class, and, where the patches' classes are known, in
accuracy and what goes with it. To read this file, start from `PatchBench.prune`.
"""

from collections.abc import Mapping
from dataclasses import dataclass, field, replace
from pathlib import Path
from time import perf_counter
from typing import Any

import numpy as np
from torch import nn

from core.benchmark.model import to_inference_layout
from core.benchmark.recovery import summary_of
from core.errors import InputError
from core.job import Job
from core.latency import QUICK, Comparison, LatencyProcess, TimingSettings, compare
from core.models import LoadedModel
from core.pruning import Plan
from core.store import Overall
from core.sweep.evaluator import Subject
from core.sweep.folder import SweepTile, TileFolder, read_folder
from core.sweep.patches import Floats
from core.types import Counts, PruneRequest

_Pruned = tuple[nn.Module, Plan, Mapping[str, Any] | None]


@dataclass(frozen=True, slots=True)
class PatchChange:
    """One patch before and after pruning.

    Parameters
    ----------
    name
        Of the patch.
    target
        Its class as the folder has it, or None.
    before, after
        Most likely class of the dense and the pruned network.
    dense, pruned
        Probability, 0 to 1, of each class, in the order of the network's outputs.
    """

    name: str
    target: str | None
    before: str
    after: str
    dense: tuple[float, ...]
    pruned: tuple[float, ...]

    @property
    def confidence(self) -> tuple[float, float]:
        """Probability of the dense network's class, before and after."""
        kind = int(np.argmax(self.dense))
        return self.dense[kind], self.pruned[kind]

    @property
    def shift(self) -> float:
        """Total variation distance of the probabilities, 0 (the same) to 1."""
        moved = np.abs(np.subtract(self.dense, self.pruned)).sum()
        return float(moved) / 2


@dataclass(frozen=True, slots=True)
class PatchRound:
    """One pruned classifier.

    Parameters
    ----------
    request
        What was asked for.
    plan_hash
        Names what was kept.
    dense, counts
        Sizes before and after.
    patches
        What became of each patch.
    overall
        `core.metrics.PatchScores` by ``dense`` and ``pruned`` (against the patches'
        classes; missing without any) and ``agreement`` (the dense network's
        classes taken for the truth; ``changed`` counts patches of another class).
    warnings
        Sentences about layers close to collapse.
    seconds
        Duration of the stages.
    training
        How fine-tuning went, see `core.benchmark.recovery.summary_of`, or None.
    """

    request: PruneRequest
    plan_hash: str
    dense: Counts
    counts: Counts
    patches: tuple[PatchChange, ...]
    overall: Overall
    warnings: tuple[str, ...] = ()
    seconds: Mapping[str, float] = field(default_factory=dict)
    training: Mapping[str, Any] | None = None

    @property
    def shift(self) -> float:
        """Mean of `PatchChange.shift`."""
        return float(np.mean([each.shift for each in self.patches]))


def read_patches(source: str) -> TileFolder:
    """Read what a classifier is judged by: one patch, or a folder of them.

    Parameters
    ----------
    source
        As `core.sweep.read_folder` takes it. Label images of nuclei that lie beside
        a single tile, or come with a sample, are left out.

    Raises
    ------
    InputError
        When label images were given by name, or nothing can be read.
    """
    if "|" in source:
        raise InputError(
            "A classifier has no use for a label image; give a folder of patches with "
            "labels.csv in it, or with one folder for each class."
        )
    found = read_folder(source)
    if Path(source).is_dir():
        return found
    return replace(found, tiles=tuple(replace(e, labels=None) for e in found.tiles))


class PatchBench:
    """A classifier and the patches it is judged by.

    Parameters
    ----------
    model
        Its ``spec.task`` is ``"patch"``.
    tiles
        At least one, from `core.sweep.read_folder`.

    Raises
    ------
    InputError
        When the ground truth is not one of classes that the model knows.
    """

    def __init__(self, model: LoadedModel, tiles: tuple[SweepTile, ...]) -> None:
        self.subject = Subject(model, tiles)
        self._last: tuple[PruneRequest, _Pruned] | None = None

    @property
    def counts(self) -> Counts:
        """Sizes of the classifier as it was loaded."""
        return self.subject.prunable.counts

    def pruned(self, request: PruneRequest, job: Job | None = None) -> _Pruned:
        """Return the pruned module, its plan and how a training went; one is kept.

        Raises
        ------
        PruningError
            When the request cannot be met.
        """
        if self._last is None or self._last[0] != request:
            subject, job = self.subject, job or Job()
            plan, training = subject.plan(request, job), None
            if request.recovery == "finetune":
                trained = subject.prunable.finetune(
                    request, plan, subject.material, job
                )
                job.step(0, 0, "fine-tuned")  # stops here when it was cancelled
                module, training = (
                    to_inference_layout(trained.module),
                    summary_of(trained),
                )
            else:
                module = subject.build(request, plan, job)
            self._last = request, (module, plan, training)
        return self._last[1]

    def prune(self, request: PruneRequest, job: Job | None = None) -> PatchRound:
        """Prune, repair, classify and compare.

        Raises
        ------
        PruningError
            When the request cannot be met.
        Cancelled
            When the job was cancelled.
        """
        job, subject = job or Job(), self.subject
        start = perf_counter()
        module, plan, training = self.pruned(request, job)
        built = perf_counter()
        before, after = subject.dense_shares(job), subject.shares(module, job)
        return PatchRound(
            request=request,
            plan_hash=plan.hash,
            dense=self.counts,
            counts=subject.prunable.sizes(plan),
            patches=self._changes(before, after),
            overall=subject.judge(after, job).overall,
            warnings=plan.warnings,
            seconds={"build": built - start, "classify": perf_counter() - built},
            training=training,
        )

    def compare(
        self,
        request: PruneRequest,
        job: Job | None = None,
        *,
        settings: TimingSettings = QUICK,
        process: LatencyProcess | None = None,
    ) -> Comparison:
        """Measure the network alone, dense against pruned, on the first patch."""
        return compare(
            self.subject.model.module,
            self.pruned(request, job)[0],
            self.subject.example,
            settings=settings,
            job=job,
            process=process,
        )

    def export(self, request: PruneRequest, job: Job | None = None) -> LoadedModel:
        """Return the pruned classifier as one that `core.models.save_model` writes."""
        module, plan, _ = self.pruned(request, job)
        return self.subject.prunable.exported(module, plan)

    def _changes(self, dense: Floats, pruned: Floats) -> tuple[PatchChange, ...]:
        known = self.subject.model.spec.classes
        # weights of one's own may come without names of their classes
        outputs = dense.shape[1]
        named = len(known) == outputs
        names = known if named else tuple(f"class {i}" for i in range(outputs))
        return tuple(
            PatchChange(
                tile.name,
                tile.target,
                names[int(before.argmax())],
                names[int(after.argmax())],
                tuple(before.tolist()),
                tuple(after.tolist()),
            )
            for tile, before, after in zip(
                self.subject.tiles, dense, pruned, strict=True
            )
        )
