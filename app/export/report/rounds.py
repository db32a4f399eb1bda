"""The facts of a report from a round of the command line."""

from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, cast

from app.export.report.facts import Facts
from app.rendering.overlay import picture_pyramid
from app.state.session.sources import split
from app.state.trials import Trial, trial_from, with_latency
from app.state.values import Measured, Opened, Outcome, Picture, Session
from app.worker.engine import pixels_timed
from app.worker.translating import card_of, changes_of, nuclei_of, scores_of
from app.worker.writing import ExportJob, machine

if TYPE_CHECKING:
    from core.benchmark import Round


def facts_of_round(
    leaving: ExportJob, found: "Round", source: str, reason: str = ""
) -> Facts:
    """Return what can be reported of one round.

    Parameters
    ----------
    leaving
        Model, tile, request and latency.
    found
        The round.
    source
        What the tile was opened from.
    reason
        Why it is not faster, where it is not.
    """
    bench = leaving.bench
    dense, model = bench.dense, bench.prunable.model
    opened = Opened(
        session=cast("Session", None),  # nothing in a report is asked of it
        model=card_of(model, leaving.source),
        picture=Picture(
            picture_pyramid(bench.tile.pixels), _name(source), bench.tile.mpp
        ),
        nuclei=nuclei_of(dense.prediction.labels, dense.prediction.classes),
        counts=dense.counts,
        scores=scores_of(dense.scores) if dense.scores is not None else None,
        layers=(),
        heuristics=(),
        source=source,
        seconds=dense.seconds,
    )
    outcome = Outcome(
        request=leaving.request,
        counts=found.counts,
        nuclei=nuclei_of(found.prediction.labels, found.prediction.classes),
        changes=changes_of(found.changes),
        scores=scores_of(found.scores) if found.scores is not None else None,
        agreement=scores_of(found.agreement),
        widths=found.widths,
        warnings=found.warnings,
        seconds=found.seconds,
        plan=found.plan_hash,
    )
    trials: tuple[Trial, ...] = (trial_from(opened, outcome),)
    measured = None
    if leaving.timed is not None:
        timed = leaving.timed
        measured = Measured(
            request=leaving.request,
            dense_ms=timed.dense.median,
            pruned_ms=timed.pruned.median,
            speedup=timed.speedup,
            interval=timed.interval,
            verdict=timed.verdict,
            reason=reason,
            pixels=pixels_timed(bench),
        )
        trials = with_latency(trials, measured)
    now = datetime.now(UTC).isoformat(timespec="seconds")
    return Facts(opened, outcome, measured, trials, machine(), now)


def _name(source: str) -> str:
    """Return the title of a sample, or the name of a file."""
    from core.images.samples import DEFAULT_SAMPLE, SAMPLES

    tile, _ = split(source)
    sample = tile.removeprefix("sample:") or DEFAULT_SAMPLE
    return SAMPLES[sample].title if sample in SAMPLES else Path(tile).name
