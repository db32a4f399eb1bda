"""The commands that need no window: prune, sweep, inspect.

To read this file, start from `run`.
"""

import json
import sys
import traceback
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app import format as text
from app.cli import Arguments
from app.engine import read, scores_of
from core.errors import BenchError, InputError
from core.job import Job, Step
from core.types import FineTune

if TYPE_CHECKING:
    from core.benchmark import Bench, Round
    from core.latency import Comparison

OK, FAULT, BAD_INPUT = 0, 1, 2


def run(asked: Arguments) -> int:
    """Run one command and return the exit code.

    Parameters
    ----------
    asked
        The command line.
    """
    return guarded(lambda: _COMMANDS[asked.command](asked))


def guarded(call: Any) -> int:
    """Call and return the exit code; errors become one line on stderr."""
    try:
        call()
    except BenchError as error:
        _complain(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        _complain("stopped")
        return FAULT
    except Exception as error:  # noqa: BLE001 - the exit code says that it is a fault
        traceback.print_exc()
        _complain(f"a fault of the program: {type(error).__name__}: {error}")
        return FAULT
    return OK


def _complain(sentence: str) -> None:
    sys.stderr.write(f"prunescope: {sentence}\n")


def _say(line: str) -> None:
    sys.stdout.write(line + "\n")


def progress() -> Job:
    """Return a job that writes its progress on one line of a terminal."""
    if not sys.stderr.isatty():
        return Job()

    def report(step: Step) -> None:
        share = f" {step.done}/{step.total}" if step.total else ""
        sys.stderr.write(f"\r\x1b[K{step.what}{share}")
        sys.stderr.flush()

    return Job(report)


def _done_reporting() -> None:
    if sys.stderr.isatty():
        sys.stderr.write("\r\x1b[K")


def _open(asked: Arguments, job: Job) -> "Bench":
    """Open the model and the tile that were asked for."""
    tile, labels, classes, _ = read(asked.source)
    from core.benchmark import Bench
    from core.models import load_model

    return Bench.open(load_model(asked.model), tile, labels, classes, job)


def _prune(asked: Arguments) -> None:
    job = progress()
    if asked.out:
        _check_folder(Path(asked.out))
    from core.arithmetic import flushing

    with flushing():
        bench = _open(asked, job)
        found = bench.prune(asked.request, job)
        timed = bench.compare(asked.request, job)
    result = summary(asked.model, bench, found, timed)
    if asked.out:
        _write(Path(asked.out), bench, found, result, job)
    _done_reporting()
    if asked.as_json:
        _say(json.dumps(result, indent=2, allow_nan=False))
        return
    for line in _lines(result, found):
        _say(line)


def summary(
    model: str, bench: "Bench", found: "Round", timed: "Comparison"
) -> dict[str, Any]:
    """Return the result as the object that ``--json`` prints.

    Parameters
    ----------
    model
        As asked for.
    bench, found, timed
        The round. Undefined scores become None.
    """
    dense, left = bench.dense.counts, found.counts
    shares = {
        name: 1 - getattr(left, name) / max(getattr(dense, name), 1)
        for name in ("params", "macs", "channels")
    }
    truth = {
        "dense": _scores(bench.dense.scores),
        "pruned": _scores(found.scores),
        "agreement": _scores(found.agreement),
    }
    return {
        "model": model,
        "heuristic": found.request.heuristic,
        "scope": found.request.scope,
        "count": found.request.count,
        "recovery": found.request.recovery,
        "sparsity": shares,
        "params": {"dense": dense.params, "pruned": left.params},
        "macs": {"dense": dense.macs, "pruned": left.macs},
        "latency_ms": {
            "dense": timed.dense.median,
            "pruned": timed.pruned.median,
            "speedup": timed.speedup,
            "interval": list(timed.interval),
            "verdict": timed.verdict,
        },
        "scores": truth,
        "nuclei": {
            "dense": bench.dense.prediction.count,
            "pruned": found.prediction.count,
        },
        "plan": found.plan_hash,
        "training": found.training and dict(found.training),
        "warnings": list(found.warnings),
        "seconds": {**found.seconds, "latency": timed.seconds},
    }


def _scores(scores: Any) -> dict[str, float | None] | None:
    if scores is None:
        return None
    return {
        name: None if value != value else value
        for name, value in scores_of(scores).items()
    }


def _lines(result: dict[str, Any], found: "Round") -> list[str]:
    """Return a result for people."""
    params, macs = result["params"], result["macs"]
    timed, shares = result["latency_ms"], result["sparsity"]
    low, high = timed["interval"]
    agreement = result["scores"]["agreement"]
    lines = [
        f"{result['heuristic']}, {result['scope']}, recovery {result['recovery']}",
        f"parameters  {text.quantity(params['dense'])} to "
        f"{text.quantity(params['pruned'])}  (-{text.percent(shares['params'], 1)})",
        f"MACs        {text.quantity(macs['dense'])} to "
        f"{text.quantity(macs['pruned'])}  (-{text.percent(shares['macs'], 1)})",
        f"latency     {text.milliseconds(timed['dense'])} to "
        f"{text.milliseconds(timed['pruned'])}  {text.speedup(timed['speedup'])} "
        f"({low:.2f} to {high:.2f}): {timed['verdict']}",
        f"nuclei      {result['nuclei']['dense']} to {result['nuclei']['pruned']}",
    ]
    if result["training"]:
        lines.append(_training_line(result["training"]))
    rows = [("agreement with dense", agreement)]
    rows += [("dense against truth", result["scores"]["dense"])]
    rows += [("pruned against truth", result["scores"]["pruned"])]
    for caption, scores in rows:
        if scores is not None:
            words = "  ".join(
                f"{name.upper()} {text.score(_number(scores[name]))}"
                for name in ("aji", "pq", "dice", "f1")
            )
            lines.append(f"{caption}: {words}")
    return lines + [f"note: {warning}" for warning in found.warnings]


def _training_line(training: dict[str, Any]) -> str:
    """Return how fine-tuning went."""
    words = (
        f"fine-tuning {text.counted(training['steps'], 'step')} in "
        f"{text.duration(training['seconds'])} on {training['device']}, "
        f"{text.memory(training['peak_memory'])} on top"
    )
    before, after = training["validation_before"], training["validation_after"]
    if before is None or after is None:
        return words
    return f"{words}, validation loss {before:.3f} to {after:.3f}"


def _number(value: float | None) -> float:
    return float("nan") if value is None else value


def _check_folder(folder: Path) -> None:
    """Make the folder of results.

    Raises
    ------
    InputError
        When nothing can be written there: better now than after the work.
    """
    try:
        folder.mkdir(parents=True, exist_ok=True)
        probe = folder / ".prunescope"
        probe.touch()
        probe.unlink()
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write into {folder} ({reason}): choose another folder with --out."
        ) from error


def _write(
    folder: Path, bench: "Bench", found: "Round", result: dict[str, Any], job: Job
) -> None:
    """Write the pruned model, both label images and the result."""
    import tifffile

    from core.models import save_model

    model = bench.export(found.request, job)
    save_model(folder / "pruned.safetensors", model, model.plan)
    for name, prediction in (
        ("dense", bench.dense.prediction),
        ("pruned", found.prediction),
    ):
        tifffile.imwrite(
            folder / f"{name}_labels.tif", prediction.labels, compression="zlib"
        )
    (folder / "result.json").write_text(json.dumps(result, indent=2), encoding="utf-8")


def _inspect(asked: Arguments) -> None:
    import torch

    from core.benchmark import PrunableModel
    from core.models import load_model

    model = load_model(asked.model)
    side = model.spec.window[0]
    prunable = PrunableModel(model, torch.zeros(1, 3, side, side), ())
    for line in description(prunable):
        _say(line)


def description(prunable: Any) -> list[str]:
    """Return layers, coupled channels and what is protected, a line each.

    Parameters
    ----------
    prunable
        `core.benchmark.PrunableModel`.
    """
    spec, counts = prunable.model.spec, prunable.counts
    lines = [
        f"{spec.name}: {spec.architecture}, {text.quantity(counts.params)} parameters, "
        f"{text.quantity(counts.macs)} MACs, {counts.channels} channels",
        "",
    ]
    widest = max((len(layer.name) for layer in prunable.layers), default=5)
    lines.append(
        f"{'layer':<{widest}}  {'width':>5}  part     coupled with / protected"
    )
    for layer in prunable.layers:
        notes = []
        if layer.coupled:
            notes.append("with " + ", ".join(layer.coupled))
        if layer.protected:
            notes.append(f"protected: {layer.protected}")
        line = f"{layer.name:<{widest}}  {layer.width:>5}  {layer.part:<8} "
        lines.append((line + "; ".join(notes)).rstrip())
    lines += ["", "heuristics"]
    for heuristic in prunable.heuristics:
        reason = f" (not here: {heuristic.needs})" if heuristic.needs else ""
        lines.append(f"  {heuristic.name:<16} {heuristic.sentence}{reason}")
    return lines


def _sweep(asked: Arguments) -> None:
    from core.store import Store, write_csv
    from core.sweep import Grid, run_sweep

    request = asked.request
    grid = Grid(
        models=(asked.model,),
        data=Path(asked.data),
        heuristics=asked.heuristics,
        sparsities=asked.sparsities,
        scopes=(request.scope,),
        recoveries=(request.recovery,),
        seeds=(request.seed,),
        count=request.count,
        training=request.training or FineTune(),
    )
    with Store(asked.out, resume=asked.resume) as store:
        done = run_sweep(grid, store, progress())
        if asked.csv:
            write_csv(store.records(), asked.csv)
    _done_reporting()
    _say(
        f"{text.counted(done.done, 'trial')} computed, {done.resumed} found in "
        f"{asked.out}, in {text.duration(done.seconds)}"
    )
    for note in done.notes:
        _say(f"note: {note}")
    for impossible, reason in done.impossible:
        _say(f"left out: {impossible.heuristic} at {impossible.sparsity:g}: {reason}")


_COMMANDS = {"prune": _prune, "inspect": _inspect, "sweep": _sweep}
