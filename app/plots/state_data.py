"""The state of the window as the data of its charts: pure functions."""

import re
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING

from app.plots.data import PlotData
from app.plots.trial_data import trial_data
from app.state.plot_settings import PlotSettings
from app.text import format as text

if TYPE_CHECKING:
    from app.state.app_state import AppState


@dataclass(frozen=True, slots=True)
class Caption:
    """What a chart is of: model, tile and sparsity.

    Parameters
    ----------
    note
        A line in a drawing.
    stem
        The beginning of a file's name.
    """

    note: str = ""
    stem: str = ""


def plot_data(state: "AppState") -> PlotData:
    """Return what the charts of the window are made from."""
    opened = state.opened
    if opened is None or state.opening is not None:
        return PlotData()
    training = state.training
    if training is not None and training.request != state.request:
        training = None  # of another pruned model
    others = [pane.request for pane in state.panes if pane.request != state.request]
    data = trial_data(
        state.trials,
        {item.name: item.title for item in opened.heuristics},
        [*others, state.request],
        opened.scores or {},
    )
    return replace(data, training=training, task=opened.model.task)


def plot_settings(state: "AppState") -> PlotSettings:
    """Return what the charts of the window have on their axes."""
    return replace(state.plots, score=state.display.metric)


def plot_caption(state: "AppState") -> Caption:
    """Return model, tile and sparsity in words, and as the stem of a file's name."""
    opened = state.opened
    if opened is None:
        return Caption()
    share = text.percent(state.request.sparsity)
    parts = (opened.model.name, opened.picture.name, share)
    return Caption(" · ".join(parts), file_stem(*parts))


def file_stem(*parts: str) -> str:
    """Return names as one that every file system takes, without an ending."""
    words = (re.sub(r"[^\w.-]+", "-", part.replace("%", "")) for part in parts)
    return "_".join(filter(None, (word.strip("-._") for word in words)))[:120]
