"""The menu of a chart: what is on its axes, and what can be taken from it."""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial

from PySide6.QtGui import QAction, QActionGroup
from PySide6.QtWidgets import QMenu

from app.plots.chart import Chart
from app.plots.data import PlotData
from app.plots.quantities import (
    QUANTITIES,
    REFERENCES,
    X_CHOICES,
    Y_CHOICES,
    reference_shown,
)
from app.state.plot_settings import SCORE, PlotSettings
from core.tables import METRICS


@dataclass(frozen=True, slots=True)
class ChartCommands:
    """What a chart can be asked for by its menu; each is called without arguments."""

    view_all: Callable[[], None]
    copy_picture: Callable[[], None]
    copy_values: Callable[[], None]
    export: Callable[[], None]
    enlarge: Callable[[], None]


Choose = Callable[[PlotSettings], None]


def fill_menu(
    menu: QMenu,
    chart: Chart,
    data: PlotData,
    settings: PlotSettings,
    choose: Choose,
    commands: ChartCommands,
) -> None:
    """Add everything that can be done with one chart.

    Parameters
    ----------
    menu
        Empty.
    chart, data, settings
        As they are now.
    choose
        Called with new settings.
    commands
        See `ChartCommands`.
    """
    menu.addAction("View all", commands.view_all)
    menu.addSeparator()
    add_x_choices(menu.addMenu("Horizontal axis"), chart, settings, choose)
    add_y_choices(menu.addMenu("Vertical axis"), chart, data, settings, choose)
    menu.addSeparator()
    menu.addAction("Copy picture", commands.copy_picture)
    menu.addAction("Copy values", commands.copy_values)
    menu.addAction("Export as SVG or PNG…", commands.export)
    menu.addSeparator()
    menu.addAction("Open in a window", commands.enlarge)


def add_x_choices(
    menu: QMenu, chart: Chart, settings: PlotSettings, choose: Choose
) -> None:
    """Add what can be on the horizontal axis of a chart."""
    axes = settings.of(chart.key).axes
    if chart.x.quantity:
        group = QActionGroup(menu)
        for key in X_CHOICES:
            new = settings.with_axes(chart.key, replace(axes, x=key))
            entry = menu.addAction(
                _capital(QUANTITIES[key].title), partial(choose, new)
            )
            _mark(entry, group, on=key == chart.x.quantity)
        menu.addSeparator()
    new = settings.with_axes(chart.key, replace(axes, log_x=not axes.log_x))
    entry = menu.addAction("Logarithmic", partial(choose, new))
    _mark(entry, None, on=axes.log_x)


def add_y_choices(
    menu: QMenu,
    chart: Chart,
    data: PlotData,
    settings: PlotSettings,
    choose: Choose,
) -> None:
    """Add what can be on the vertical axis of a chart."""
    axes = settings.of(chart.key).axes
    if chart.y.quantity:
        group = QActionGroup(menu)
        for key in data.score_choices():
            # one score for all charts, so that they can be compared
            own = settings.with_axes(chart.key, replace(axes, y=SCORE))
            new = replace(own, score=key)
            entry = menu.addAction(METRICS[key].title, partial(choose, new))
            _mark(entry, group, on=key == chart.y.quantity)
        menu.addSeparator()
        for key in Y_CHOICES:
            new = settings.with_axes(chart.key, replace(axes, y=key))
            entry = menu.addAction(
                _capital(QUANTITIES[key].title), partial(choose, new)
            )
            _mark(entry, group, on=key == chart.y.quantity)
        menu.addSeparator()
        _add_references(menu, data, settings, choose)
    new = settings.with_axes(chart.key, replace(axes, log_y=not axes.log_y))
    entry = menu.addAction("Logarithmic", partial(choose, new))
    _mark(entry, None, on=axes.log_y)


def _add_references(
    menu: QMenu, data: PlotData, settings: PlotSettings, choose: Choose
) -> None:
    known = data.references()
    if len(known) < 2:
        return
    group = QActionGroup(menu)
    now = reference_shown(data, settings.of(""))
    for reference in known:
        new = replace(settings, against=reference)
        words = f"Scores against {REFERENCES[reference]}"
        _mark(menu.addAction(words, partial(choose, new)), group, on=reference == now)
    menu.addSeparator()


def _mark(entry: QAction, group: QActionGroup | None, *, on: bool) -> None:
    entry.setCheckable(True)
    if group is not None:
        group.addAction(entry)
    entry.setChecked(on)


def _capital(words: str) -> str:
    return words[:1].upper() + words[1:]
