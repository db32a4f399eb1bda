"""The commands that need no window: prune, sweep, inspect.

To read this file, start from `run`.
"""

import json
import logging
import os
import signal
import sys
import threading
import traceback
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from app.cli.arguments import Arguments
from app.cli.console import (
    end_progress,
    print_table,
    progress,
    to_plain_line,
    write_replacements,
)
from app.cli.end_to_end import read_steps, timed_way, way_of
from app.cli.inspecting import describe_path, is_for_tiles
from app.cli.model_arguments import with_consent
from app.cli.nucleus_changes import damage_of
from app.cli.patches import patch_lines, patch_summary
from app.cli.reporting import report
from app.cli.sweep_summary import lines_of, nuclei_summary, summary, trial_rows
from app.text import format as text
from app.worker.reading import read_tiles
from core.errors import BenchError, InputError, ModelError
from core.files import try_folder, whole_folder, write_whole
from core.job import Job
from core.logs import build_report, keep_fault
from core.types import FineTune

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.models import LoadedModel
    from core.results import Comparison, Outcome
    from core.store import TrialStore
    from core.sweep import Grid, SweepSummary

OK, FAULT, BAD_INPUT = 0, 1, 2
log = logging.getLogger(__name__)


def run(asked: Arguments) -> int:
    """Run one command and return the exit code.

    Parameters
    ----------
    asked
        The command line.
    """
    write_replacements()
    _stop_on_signals()
    return guarded(lambda: _COMMANDS[asked.command](asked))


def _stop_on_signals() -> None:
    """End at SIGTERM and SIGHUP as at Ctrl+C: stores are closed, children ended."""
    for name in ("SIGTERM", "SIGHUP"):
        number = getattr(signal, name, None)
        if number is not None and threading.current_thread() is threading.main_thread():
            signal.signal(number, signal.default_int_handler)


def guarded(call: Any) -> int:
    """Call and return the exit code, its own or 0; errors become one line."""
    try:
        try:
            code = call()
        finally:
            end_progress()
        sys.stdout.flush()
    except BrokenPipeError:
        # whoever read has enough (``| head``); nothing may be flushed there at the end
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return OK
    except BenchError as error:
        log.warning("refused: %s", error)
        _complain(str(error))
        return BAD_INPUT
    except KeyboardInterrupt:
        _complain("stopped")
        return FAULT
    except Exception as error:  # noqa: BLE001 - the exit code says that it is a fault
        traceback.print_exc()
        where = keep_fault(build_report(error))
        name = type(error).__name__
        _complain(f"a fault of the program: {name}: {error}. {where}".rstrip())
        return FAULT
    return code if isinstance(code, int) else OK


def _complain(sentence: str) -> None:
    sys.stderr.write(f"prunescope: {to_plain_line(sentence)}\n")


def _say(line: str) -> None:
    sys.stdout.write(to_plain_line(line) + "\n")


def _open(
    asked: Arguments, model: "LoadedModel", job: Job
) -> tuple["Bench", Sequence[str]]:
    """Open what was asked for; returns notes on it, too."""
    from core.benchmark import Bench
    from core.sweep import read_calibration

    found = read_tiles(asked.source, model.spec)
    chosen = read_calibration(asked.calibration)
    bench = Bench.open_tiles(model, found.tiles, job, calibration=chosen)
    told = bench.dense.notes
    return bench, [*(note for note in found.notes if note not in told), *told]


def _prune(asked: Arguments) -> None:
    job = progress()
    if asked.out:
        check_folder(Path(asked.out))
    from core.arithmetic import flush_denormals
    from core.models import load_model
    from core.models.class_names import with_classes

    with flush_denormals():
        model = with_consent(lambda: load_model(asked.model), asked.trust)
        model = with_classes(model, asked.classes)
        bench, notes = _open(asked, model, job)
        found = bench.prune(asked.request, job)
        timed = _time(asked, bench, job)
        result, lines = _describe(asked, bench, found, timed, job)
        if asked.out:
            notes = [*notes, *_write(asked, bench, found, timed, result, job)]
    end_progress()
    if asked.as_json:
        sys.stdout.write(json.dumps(result, indent=2, allow_nan=False) + "\n")
        return
    for line in [*lines, *(f"note: {note}" for note in notes)]:
        _say(line)


def _time(asked: Arguments, bench: "Bench", job: Job) -> "Comparison":
    """Time the network; what was computed by then is not lost when that fails."""
    from core.results import Comparison

    try:
        return bench.compare(asked.request, job)
    except ModelError as error:
        return Comparison.missing(asked.request, str(error))


def _describe(
    asked: Arguments, bench: "Bench", found: "Outcome", timed: "Comparison", job: Job
) -> tuple[dict[str, Any], list[str]]:
    """Return the object that ``--json`` prints, and the same for people."""
    result = summary(asked.model, bench, found, timed)
    missing = () if timed.taken else (f"Latency is missing. {timed.reason}",)
    told = [*bench.dense.notes, *missing]
    result |= {"scale": bench.scale.as_dict(), "notes": told}
    result["calibration"] = bench.calibration.as_dict()
    if bench.task.name == "patch":
        result |= patch_summary(found)
        return result, [*patch_lines(result), *missing]
    way = timed_way(asked, bench, job)
    result |= nuclei_summary(bench, found)
    result |= damage_of(bench, found, way) | way_of(asked, bench, timed, way)
    return result, [*lines_of(result, found), *missing]


def check_folder(folder: Path) -> None:
    """Make the folder of results.

    Raises
    ------
    InputError
        When nothing can be written there: better now than after the work.
    """
    try:
        try_folder(folder)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write into {folder} ({reason}): choose another folder with --out."
        ) from error


def _write(
    asked: Arguments,
    bench: "Bench",
    found: "Outcome",
    timed: "Comparison",
    result: dict[str, Any],
    job: Job,
) -> list[str]:
    """Write the model, the masks, the report and the result; returns notes."""
    from app.worker.writing import ExportJob, write_folder

    known = timed if timed.taken else None
    leaving = ExportJob(bench, asked.model, asked.request, known, asked.source)
    why = "" if timed.verdict == "faster" else next(iter(result.get("why", ())), "")
    # all at once: a new model beside the plan of an old one would be taken for its own
    with whole_folder(asked.out) as folder:
        notes = write_folder(folder, leaving, job, asked.formats, found)
        if bench.task.name == "nuclei":
            layers = read_steps(result.get("layers", []))
            told = replace(timed, reason=why, layers=layers)
            report(folder / "report.html", asked, bench, found, told)
        write_whole(folder / "result.json", json.dumps(result, indent=2))
    return notes


def _inspect(asked: Arguments) -> None:
    from core.benchmark import PrunableModel, counting_input
    from core.models import catalogue, load_model

    if asked.file and is_for_tiles(Path(asked.file)):
        for line in describe_path(Path(asked.file)):
            _say(line)
        return
    asked = replace(asked, model=asked.model or asked.file)
    if not asked.model:
        for name, words in catalogue().items():
            _say(f"{name:<18} {words}")
        return
    model = with_consent(lambda: load_model(asked.model), asked.trust)
    prunable = PrunableModel(model, counting_input(model), ())
    for line in (*description(prunable), *cost_lines(prunable)):
        _say(line)
    for note in model.notes:
        _say(f"note: {note}")


def cost_lines(prunable: Any) -> list[str]:
    """Return what each layer costs on this computer, timed now, a line each.

    Parameters
    ----------
    prunable
        `core.benchmark.PrunableModel`.
    """
    steps = prunable.dense_steps()
    if not steps:
        return []
    widest = max(len(step.name) for step in steps)
    lines = ["", "time of each layer on this computer, most first"]
    for step in sorted(steps, key=lambda each: -each.dense_ms):
        ms = text.milliseconds(step.dense_ms)
        lines.append(f"{step.name:<{widest}}  {ms:>8}  {step.words}".rstrip())
    return lines


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
        f"{text.quantity(counts.macs)} MACs {text.per_input(prunable.input_size)}, "
        f"{counts.channels} channels",
        "",
    ]
    widest = max((len(layer.name) for layer in prunable.layers), default=5)
    lines.append(
        f"{'layer':<{widest}}  {'width':>5}  part       coupled with / protected"
    )
    for layer in prunable.layers:
        notes = []
        if layer.coupled:
            notes.append("with " + ", ".join(layer.coupled))
        if layer.protected:
            notes.append(f"protected: {layer.protected}")
        line = f"{layer.name:<{widest}}  {layer.width:>5}  {layer.part:<10} "
        lines.append((line + "; ".join(notes)).rstrip())
    lines += ["", "heuristics"]
    for heuristic in prunable.heuristics:
        reason = f" (not here: {heuristic.needs})" if heuristic.needs else ""
        lines.append(f"  {heuristic.name:<16} {heuristic.sentence}{reason}")
    return lines


def _sweep(asked: Arguments) -> None:
    from core.store import TrialStore, write_csv, write_json
    from core.sweep import Grid
    from core.sweep.running import Running

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
        calibration=asked.calibration,
        running=Running.of(asked.threads, asked.precision, asked.runtime),
    )
    for path in filter(None, (asked.csv, asked.records)):
        if not Path(path).parent.is_dir():  # better now than after hours
            raise InputError(f"{Path(path).parent} does not exist; make it first.")
    with TrialStore(asked.out, resume=asked.resume) as store:
        done = with_consent(lambda: _run_trials(asked, grid, store), asked.trust)
        if asked.csv:
            write_csv(store.records(), asked.csv)
        if asked.records:
            write_json(store.records(), asked.records)
        wanted = {request for _, request in grid.points()}
        trials = [
            record.to_trial()
            for record in store.records()
            if record.status == "done" and record.trial.request in wanted
        ]
    end_progress()
    if trials:
        print_table(*trial_rows(trials))
    left_out = f", {len(done.impossible)} of them left out" if done.impossible else ""
    _say(
        f"{text.counted(done.done, 'trial')} computed, {done.resumed} found in "
        f"{asked.out}{left_out}, in {text.duration(done.seconds)}"
    )
    for note in done.notes:
        _say(f"note: {note}")
    for impossible, reason in done.impossible:
        _say(f"left out: {impossible.heuristic} at {impossible.sparsity:g}: {reason}")


def _run_trials(asked: Arguments, grid: "Grid", store: "TrialStore") -> "SweepSummary":
    """Run a grid here, or on workers where any were asked for."""
    if asked.scheduler or asked.workers:
        from core.cluster import ClusterSettings, run_cluster_sweep

        cluster = ClusterSettings(asked.scheduler, asked.workers)
        return run_cluster_sweep(grid, store, cluster, progress())
    from core.sweep import run_sweep

    return run_sweep(grid, store, progress())


def _repeat(asked: Arguments) -> int:
    from app.cli.repeating import repeat
    from core.arithmetic import flush_denormals

    with flush_denormals():
        same, sentence = with_consent(
            lambda: repeat(
                asked.store, asked.row, asked.data, progress(), asked.calibration
            ),
            asked.trust,
        )
    end_progress()
    _say(sentence)
    return OK if same else FAULT


def _slide(asked: Arguments) -> None:
    from app.cli.slides import run_command
    from core.arithmetic import flush_denormals

    assert asked.slide is not None
    check_folder(Path(asked.slide.out))
    with flush_denormals():
        lines = run_command(asked.slide, progress())
    end_progress()
    for line in lines:
        _say(line)


def _bench(asked: Arguments) -> None:
    from app.cli.runtimes import run_command
    from core.arithmetic import flush_denormals

    assert asked.bench is not None
    with flush_denormals():
        lines = run_command(asked.bench, progress())
    end_progress()
    for line in lines:
        _say(line)


_COMMANDS = {
    "prune": _prune,
    "inspect": _inspect,
    "sweep": _sweep,
    "repeat": _repeat,
    "slide": _slide,
    "bench": _bench,
}
