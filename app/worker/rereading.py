"""The open tile read again with other thresholds, without running a network."""

from collections.abc import Mapping
from dataclasses import replace

from app.state.values import DrawnOutcome, Opened, WorkContext
from app.worker.describing import with_dense
from app.worker.drawing import draw_outcome
from app.worker.session import BenchSession
from core.types import PruneRequest


def read_again(
    opened: Opened,
    source: str,
    threshold: Mapping[str, float],
    request: PruneRequest,
    task: WorkContext,
) -> Opened:
    """Return what is open with other thresholds.

    Parameters
    ----------
    opened
        From the engine.
    source
        What the model is opened from with these thresholds, as text.
    threshold
        Settings of its reader by name.
    request
        The pruned model on show, read again too where it was the last one.
    task
        Progress and cancel.

    Raises
    ------
    BenchError
        When the raw outputs were not kept, or there is no such threshold.
    """
    from core.nuclei.quantised import TOPS

    task.step(0, 0, "reading the outputs again")
    session = opened.session
    if not isinstance(session, BenchSession):
        return opened
    found = session.bench.read_again(threshold, request)
    drawn: DrawnOutcome | None = None
    if found is not None:
        drawn = draw_outcome(found, TOPS)
    session.reread(source, drawn)
    values = {**dict(opened.model.threshold), **threshold}
    session.opened = replace(
        with_dense(opened, session.bench),
        model=replace(opened.model, source=source, threshold=tuple(values.items())),
    )
    return session.opened
