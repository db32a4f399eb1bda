"""The report of a run of ``prune``: the same page as the window's."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.cli.arguments import Arguments
from app.export.report import Facts, write_report
from app.rendering.overlay import picture_pyramid
from app.state.trials import build_trial, with_latency
from app.state.values import Picture, Session
from app.worker.describing import describe_opened
from app.worker.drawing import draw_outcome
from app.worker.writing import machine
from core.sources import Source

if TYPE_CHECKING:
    from core.benchmark import Bench
    from core.results import Comparison, Outcome, Trial


def report(
    path: Path, asked: Arguments, bench: "Bench", found: "Outcome", timed: "Comparison"
) -> None:
    """Write the report of one pruned model.

    Raises
    ------
    InputError
        When nothing can be written there.
    """
    from core.nuclei.quantised import TOPS

    tile = bench.tile
    picture = Picture(picture_pyramid(tile.pixels), _title(asked.source), tile.mpp)
    nobody = cast("Session", None)  # nothing more is computed for a report
    opened = describe_opened(bench, (asked.model, asked.source), nobody, picture)
    opened = replace(opened, calibrated_on=asked.calibration)
    outcome = draw_outcome(found, TOPS)
    trials: tuple[Trial, ...] = (build_trial(opened, outcome),)
    if timed.taken:
        trials = with_latency(trials, timed)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    facts = Facts(
        opened, outcome, timed if timed.taken else None, trials, machine(), now
    )
    write_report(str(path), facts)


def _title(tile: Source) -> str:
    """Return the title of a sample, or the name of a file."""
    from core.images.samples import DEFAULT_SAMPLE, SAMPLES

    if tile.kind == "sample":
        return SAMPLES[tile.name or DEFAULT_SAMPLE].title
    return Path(tile.name).name
