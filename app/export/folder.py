"""Everything in a folder: the pruned model, and what the window shows of it."""

from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING

from app.export.points import as_csv
from app.plots.registry import CHARTS
from app.plots.state_data import plot_caption, plot_data, plot_settings
from app.plots.svg import chart_svg
from app.state.session.setup_file import setup_text
from app.state.values import Saved, WorkContext
from core.errors import InputError
from core.files import whole_folder

if TYPE_CHECKING:
    from app.state.app_state import AppState


def export_folder(state: "AppState", path: str, task: WorkContext) -> Saved:
    """Write the pruned model with its plots, points, settings and report.

    Parameters
    ----------
    state
        Of the window; a model and a tile are open.
    path
        Of the folder; made when it is not there.
    task
        Is told how far it is.

    Raises
    ------
    InputError
        When a file cannot be written.
    """
    assert state.opened is not None
    try:
        with whole_folder(path) as parts:
            saved = state.opened.session.export(state.request, str(parts), task)
            task.step(0, 1, "writing plots, points and report")
            _write_rest(state, parts)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write into {path} ({reason}): choose another folder."
        ) from error
    sentence = saved.sentence.replace(str(parts), path)
    if not state.current:  # a report of other settings would be taken for this one's
        sentence += " The report is missing: this pane is not computed yet."
    return Saved(sentence, folder=path)


def _write_rest(state: "AppState", folder: Path) -> None:
    """Write what the window shows of a pruned model."""
    from app.export.report import facts_of, write_report
    from app.worker.writing import machine
    from core.export.writing import write_text  # loads torch and scipy

    here = machine()
    data, settings, caption = (
        plot_data(state),
        plot_settings(state),
        plot_caption(state),
    )
    for kind in CHARTS:
        chart = kind.build(data, settings.of(kind.key))
        if any(series.points for series in chart.series):
            drawing = chart_svg(chart, note=caption.note)
            write_text(folder / f"{caption.stem}_{kind.key}.svg", drawing)
    points = as_csv(state.trials, here.get("Processor", ""))
    write_text(folder / "points.csv", points)
    write_text(folder / "settings.json", setup_text(state))
    facts = facts_of(state) if state.current else None
    if facts is not None:
        now = datetime.now(UTC).isoformat(timespec="seconds")
        facts = replace(facts, machine=here, when=now)
        write_report(str(folder / "report.html"), facts)
