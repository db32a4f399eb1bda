"""Recovery by training: what a pruned model is fine-tuned on, and what came of it.

To read this file, start from `Material`.
"""

import weakref
from collections import OrderedDict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shutil import rmtree
from tempfile import mkdtemp
from typing import Any

from torch import nn

from core.job import Job, StepKind
from core.models import LoadedModel
from core.pruning import MaskPlan, Plan
from core.training import Callbacks, Progress, Trained
from core.training.finetune import finetune
from core.types import FineTune, PruneRequest, Tile

_KEPT = 16  # fine-tuned models; each took minutes and is as large as the model


@dataclass(frozen=True, slots=True)
class Material:
    """Tiles for fine-tuning.

    Parameters
    ----------
    tiles
        Unlabelled, to learn the dense model's outputs on.
    scored
        What the result is judged on: never learned from with their labels.
    on_snapshot
        Shown the averaged model every few seconds.
    on_progress
        Told a few times a second how far the training is.
    checkpoint
        Where a training that is stopped leaves its state, and goes on from; None
        keeps none.
    """

    tiles: Sequence[Tile]
    scored: Sequence[Tile] = ()
    on_snapshot: Callable[[nn.Module], None] | None = None
    on_progress: Callable[[Progress], None] | None = None
    checkpoint: Path | None = None


def retrain(
    refitted: nn.Module,
    model: LoadedModel,
    request: PruneRequest,
    material: Material,
    job: Job,
    masks: MaskPlan | None = None,
) -> Trained:
    """Fine-tune a pruned model that was refitted; a cancelled job ends it early.

    Parameters
    ----------
    refitted
        Where training starts.
    model
        The dense model.
    request
        Holds the options.
    material
        The tiles.
    job
        Progress. When it is cancelled or asked to finish, the best weights so far
        are returned with the reason ``"stopped"``; nothing is raised, so that they
        can be kept.
    masks
        Single weights that stay at zero.
    """
    aids = Callbacks(
        masks=masks,
        on_snapshot=material.on_snapshot,
        on_progress=material.on_progress,
        stop=lambda: job.cancelled or job.finishing,
    )
    return finetune(
        refitted,
        model,
        material.tiles,
        request.training or FineTune(),
        _Quiet(job),
        aids,
        scored=material.scored,
        checkpoint=material.checkpoint,
    )


class _Quiet(Job):
    """Passes progress on, and leaves cancelling to whoever asks for it."""

    def __init__(self, outer: Job) -> None:
        super().__init__()
        self._outer = outer

    def step(self, done: int, total: int, what: str, kind: StepKind = "work") -> None:
        """Report, unless the outer job was cancelled."""
        if not self._outer.cancelled:
            self._outer.step(done, total, what, kind)


@dataclass(frozen=True, slots=True)
class Tuned:
    """One fine-tuned model.

    Parameters
    ----------
    module, plan
        The model, and what was cut before it was trained.
    summary
        How it went, see `summary_of`.
    """

    module: nn.Module
    plan: Plan
    summary: Mapping[str, Any]

    @property
    def complete(self) -> bool:
        """Whether it was trained as long as was asked for."""
        return bool(self.summary["reason"] != "stopped")


class TunedModels:
    """The last fine-tuned models by request: nobody wants to wait twice.

    A training that was stopped has a checkpoint, from which it can be continued.
    """

    def __init__(self) -> None:
        self._kept: OrderedDict[PruneRequest, Tuned] = OrderedDict()
        self._folder = ""
        self._places: dict[PruneRequest, Path] = {}

    def checkpoint(self, request: PruneRequest) -> Path:
        """Return the file of the state of a training; it need not exist."""
        if not self._folder:
            self._folder = mkdtemp(prefix="prunescope-")
            weakref.finalize(self, rmtree, self._folder, ignore_errors=True)
        default = Path(self._folder) / f"{len(self._places)}.pt"
        return self._places.setdefault(request, default)

    def get(self, request: PruneRequest) -> Tuned | None:
        """Return the model of a request, stopped early or not."""
        found = self._kept.get(request)
        if found is not None:
            self._kept.move_to_end(request)
        return found

    def add(self, request: PruneRequest, tuned: Tuned) -> None:
        """Keep a model; the oldest goes when there are too many."""
        self._kept[request] = tuned
        self._kept.move_to_end(request)
        if tuned.complete:
            self._forget(request)
        while len(self._kept) > _KEPT:
            self._forget(self._kept.popitem(last=False)[0])

    def _forget(self, request: PruneRequest) -> None:
        """Remove the checkpoint of a training that is not continued."""
        if request in self._places:
            self._places[request].unlink(missing_ok=True)


def summary_of(trained: Trained) -> dict[str, Any]:
    """Return how a training went, ready for JSON.

    Parameters
    ----------
    trained
        What `core.training.train` returned.
    """
    checks = dict(trained.checks)
    first = next(iter(checks.values()), None)
    return {
        "steps": trained.steps,
        "seconds": trained.seconds,
        "reason": trained.reason,
        "best_step": trained.best,
        "loss": trained.losses[-1] if trained.losses else None,
        "validation_before": first,
        "validation_after": checks.get(trained.best),
        "peak_memory": trained.peak_memory,
        "device": trained.device,
        "skipped": trained.skipped,
    }
