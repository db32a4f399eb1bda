"""Which runtime is fastest here, by how much, and whether it finds the same nuclei."""

from __future__ import annotations

import tempfile
import time
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np
import torch

from core.deployment.runtimes import RUNTIMES, ExportedModel, check_runtimes
from core.errors import InputError
from core.export import export_onnx, output_names
from core.job import Job
from core.latency.clocks import Stopwatch
from core.latency.measure import quiet
from core.latency.sampling import Watch, take_blocks, warm_up
from core.latency.settings import TimingSettings
from core.latency.statistics import compare_times
from core.metrics import score_instances
from core.models.probe import flatten
from core.nuclei.outputs import read_outputs
from core.nuclei.postprocess import instances

if TYPE_CHECKING:
    from torch import Tensor, nn

    from core.models import LoadedModel
    from core.results import Comparison

BASE = next(iter(RUNTIMES))
"""What the others are compared with."""


@dataclass(frozen=True, slots=True)
class BenchSettings:
    """How runtimes are compared.

    Parameters
    ----------
    names
        Keys of `RUNTIMES`; torch is always among them.
    threads
        Within an operation; 0 for torch's own choice.
    seconds
        For each runtime against torch.
    """

    names: tuple[str, ...] = tuple(RUNTIMES)
    threads: int = 0
    seconds: float = 10.0


@dataclass(frozen=True, slots=True, eq=False)
class RuntimeResult:
    """One runtime against torch, measured in turns.

    Parameters
    ----------
    name
        Key of `RUNTIMES`.
    timed
        ``dense`` is torch, ``pruned`` this runtime; None for torch itself.
    ms
        Milliseconds a batch.
    difference
        Largest difference of any output, as a share of that output's largest value.
    agreement
        Panoptic quality of its nuclei against torch's; nan where neither finds any,
        None for a classifier.
    """

    name: str
    timed: Comparison | None
    ms: float
    difference: float
    agreement: float | None

    def as_dict(self) -> dict[str, Any]:
        """Return a row of a table, ready for JSON."""
        known = self.agreement is not None and np.isfinite(self.agreement)
        row: dict[str, Any] = {
            "runtime": self.name,
            "title": RUNTIMES[self.name].title,
            "ms": self.ms,
            "difference": self.difference,
            "agreement": self.agreement if known else None,
        }
        if self.timed is not None:
            said = self.timed.summary()
            row |= {key: said[key] for key in ("speedup", "interval", "verdict")}
        return row


@dataclass(frozen=True, slots=True)
class RuntimeComparison:
    """All runtimes on one network.

    Parameters
    ----------
    results
        Torch first.
    threads, shape
        Within an operation; of the batch.
    """

    results: tuple[RuntimeResult, ...]
    threads: int
    shape: tuple[int, ...]

    @property
    def fastest(self) -> RuntimeResult | None:
        """The fastest of those that are faster than torch for sure; None without."""
        sure = [
            each
            for each in self.results
            if each.timed is not None and each.timed.verdict == "faster"
        ]
        return max(sure, key=lambda each: each.timed.speedup, default=None)  # type: ignore[union-attr]

    def sentence(self) -> str:
        """Say which deployment is fastest here."""
        best = self.fastest
        if best is None or best.timed is None:
            return "No other runtime is surely faster than PyTorch here."
        low, high = best.timed.interval
        return (
            f"{RUNTIMES[best.name].title} is fastest here: {best.timed.speedup:.2f} "
            f"times as fast as PyTorch ({low:.2f} to {high:.2f})."
        )


def compare_runtimes(
    model: LoadedModel,
    inputs: Tensor,
    settings: BenchSettings | None = None,
    job: Job | None = None,
) -> RuntimeComparison:
    """Time a network in several runtimes, each in turns with torch.

    Parameters
    ----------
    model
        Dense or pruned, on the processor.
    inputs
        (n, 3, h, w) as the network takes it.
    settings
        See `BenchSettings`.
    job
        Progress and cancel.

    Raises
    ------
    InputError
        When a runtime is unknown or not installed.
    ModelError
        When the network cannot be exported.
    """
    settings, job = settings or BenchSettings(), job or Job()
    names = tuple(dict.fromkeys((BASE, *settings.names)))
    check_runtimes(names)
    if inputs.device.type != "cpu":
        raise InputError("Runtimes are compared on the processor; choose --device cpu.")
    before = torch.get_num_threads()
    threads = settings.threads or before
    torch.set_num_threads(threads)
    try:
        with tempfile.TemporaryDirectory() as folder:
            made = _export(model, Path(folder), names, threads, job)
            results = _compare(made, names, inputs, settings.seconds, job)
    finally:
        torch.set_num_threads(before)
    return RuntimeComparison(results, threads, tuple(inputs.shape))


def deploy(model: LoadedModel, name: str, threads: int) -> nn.Module:
    """Return a module that runs a network in another runtime.

    Parameters
    ----------
    model
        Dense or pruned, on the processor.
    name
        Key of `RUNTIMES`.
    threads
        Within an operation.

    Raises
    ------
    InputError
        When the runtime is unknown or not installed.
    ModelError
        When the network cannot be exported.
    """
    check_runtimes((name,))
    with tempfile.TemporaryDirectory() as folder:
        made = _export(model, Path(folder), (name,), threads, Job())
        return RUNTIMES[name].make(made)


def _export(
    model: LoadedModel, folder: Path, names: tuple[str, ...], threads: int, job: Job
) -> ExportedModel:
    path = None
    if any(RUNTIMES[name].package for name in names):
        job.step(0, 0, "exporting the network")
        path = folder / "network.onnx"
        export_onnx(path, model)
    return ExportedModel(model, path, output_names(model), threads)


def _compare(
    made: ExportedModel,
    names: tuple[str, ...],
    inputs: Tensor,
    seconds: float,
    job: Job,
) -> tuple[RuntimeResult, ...]:
    """Measure each runtime in turns with torch, and compare what it gives."""
    base = RUNTIMES[BASE].make(made)
    found = []
    with torch.inference_mode():
        plain = inputs.contiguous()
        laid = inputs.contiguous(memory_format=torch.channels_last)
        expected = base(laid)
        for name in names[1:]:
            module = RUNTIMES[name].make(made)
            own = laid if not RUNTIMES[name].package else plain
            timed = _time((base, laid), (module, own), seconds, (name, job))
            difference, agreement = _agree(expected, module(own), made.model)
            found.append(
                RuntimeResult(name, timed, timed.pruned_ms, difference, agreement)
            )
    ms = [each.timed.dense.median for each in found if each.timed is not None]
    whole = float(np.median(ms)) if ms else _alone(base, laid)
    first = RuntimeResult(BASE, None, whole, 0.0, 1.0 if _nuclei(made.model) else None)
    return (first, *found)


def _alone(module: nn.Module, inputs: Tensor) -> float:
    """Time torch when nothing else was asked for."""
    watch = Stopwatch(module, (inputs,))
    with torch.inference_mode():
        return float(np.median([watch() for _ in range(5)][1:]))


def _time(
    base: tuple[nn.Module, Tensor],
    other: tuple[nn.Module, Tensor],
    seconds: float,
    told: tuple[str, Job],
) -> Comparison:
    """Take times in turns, by the clock on the wall: other threads count as well."""
    name, job = told
    settings = TimingSettings(seconds=seconds)
    sides = [Stopwatch(module, (inputs,)) for module, inputs in (base, other)]
    title = f"timing {RUNTIMES[name].title}"
    with quiet():
        warm_up((sides[0], sides[1]), settings.warmup)
        start = time.monotonic()
        watch = Watch(
            time.monotonic,
            lambda done, total: job.step(done, total, title, "latency"),
        )
        times = take_blocks(sides[0], sides[1], settings, watch, start + seconds)
    spent = time.monotonic() - start
    return compare_times(*times, settings.confidence, seconds=spent)


def _agree(expected: Any, found: Any, model: LoadedModel) -> tuple[float, float | None]:
    """Largest difference of the outputs, and agreement of the nuclei."""
    pairs = zip(flatten(expected), flatten(found), strict=True)
    difference = 0.0
    for (_, one), (_, other) in pairs:
        most = float(one.float().abs().max()) or 1.0
        gap = float((one.float() - other.float()).abs().max())
        difference = max(difference, gap / most)
    if not _nuclei(model):
        return difference, None
    scores = []
    for outputs in (expected, found):
        first = {name: each[:1].float() for name, each in flatten(outputs)}
        scores.append(instances(read_outputs(first, model.spec), model.spec).labels)
    return difference, float(score_instances(*scores).pq)


def _nuclei(model: LoadedModel) -> bool:
    return model.spec.task == "nuclei"
