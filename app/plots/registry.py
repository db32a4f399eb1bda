"""Every chart there is, by key.

The main window, the sweep window, the export menu, the report and the guide show
what stands here. A new chart is one function and one line of `CHARTS`.
"""

from collections.abc import Callable
from dataclasses import dataclass, replace
from functools import partial
from inspect import getdoc
from typing import TYPE_CHECKING, Literal

from app.plots.chart import Axis, Chart, Point, Series
from app.plots.data import PlotData
from app.plots.scatter import scatter
from app.rendering.palette import BLUE, ORANGE
from app.state.plot_settings import ChartSettings
from app.text import format as text

if TYPE_CHECKING:
    from app.state.training import Training

Subject = Literal["trials", "training"]
LEARNED, CHECKED = "training tiles", "validation tiles"


@dataclass(frozen=True, slots=True)
class ChartKind:
    """One chart of the registry.

    Parameters
    ----------
    key, title
        In settings and names of files, and above the chart.
    draw
        Fills an empty chart; its docstring is its description in the window and in
        the guide.
    subject
        Models that were tried, or a fine-tuning.
    """

    key: str
    title: str
    draw: Callable[[Chart, PlotData, ChartSettings], Chart]
    subject: Subject = "trials"

    def build(self, data: PlotData, settings: ChartSettings) -> Chart:
        """Return the chart of some data; changes nothing."""
        empty = Chart(self.key, self.title, Axis(""), Axis(""))
        return self.draw(empty, data, settings)

    @property
    def about(self) -> str:
        """What it shows, in a few sentences."""
        return " ".join((getdoc(self.draw) or "").split())


def draw_accuracy(chart: Chart, data: PlotData, settings: ChartSettings) -> Chart:
    """Score of each model over the share of parameters that was removed.

    The band holds 95 % of the scores when the nuclei of the tile are resampled; it
    says nothing about other tiles.
    """
    sentence = "Every model tried becomes a point."
    return scatter(replace(chart, empty=sentence), data, settings, x="params")


def draw_latency(chart: Chart, data: PlotData, settings: ChartSettings) -> Chart:
    """Latency of each network over the share of parameters that was removed.

    Filled marks are measured, with the interval as a bar; hollow marks are predicted
    from multiply-accumulates.
    """
    sentence = "Rest on a sparsity: its latency is measured."
    chart = replace(chart, empty=sentence)
    return scatter(chart, data, settings, x="params", y="latency")


def draw_trade_off(chart: Chart, data: PlotData, settings: ChartSettings) -> Chart:
    """Score of each model over its latency: up and to the left is better.

    Points on the Pareto front have a frame and are joined: no model tried is both
    faster and more accurate.
    """
    sentence = "Up and to the left is better."
    return scatter(replace(chart, empty=sentence), data, settings, x="latency")


def draw_training(chart: Chart, data: PlotData, settings: ChartSettings) -> Chart:
    """Loss of a fine-tuning by step.

    The line is the smoothed loss on training tiles, the marks are the loss on
    validation tiles; the filled mark is the step whose weights are kept.
    """
    training = data.training
    empty = replace(
        chart,
        x=Axis(_progress(training), low=0.0, log=settings.axes.log_x),
        y=Axis("loss", log=settings.axes.log_y),
        empty="The loss of a training is drawn here.",
    )
    if training is None:
        return empty
    series = []
    for points, name, colour, plain in (
        (training.losses, LEARNED, BLUE, True),
        (training.checks, CHECKED, ORANGE, False),
    ):
        dots = tuple(
            Point(
                float(step),
                loss,
                (name, step),
                measured=plain or step == training.best,
                tip=partial(_loss_tip, name, step, loss),
            )
            for step, loss in points
        )
        series.append(
            Series(name, name, dots, colour, mark="diamond", marked=not plain)
        )
    return replace(empty, series=tuple(series))


def _progress(training: "Training | None") -> str:
    """Return the title of the horizontal axis, with how far a training is."""
    if training is None:
        return "step"
    memory = f"{text.memory(training.peak_memory)} extra memory"
    if training.left > 0:
        return f"step; {text.duration(training.left)} left, {memory}"
    best = "the start is" if training.best == 0 else f"step {training.best:,} is"
    return f"step; stopped at step {training.step:,}, {best} best, {memory}"


def _loss_tip(name: str, step: int, loss: float) -> str:
    return f"step {step:,}: loss {loss:.4f} on {name}"


CHARTS: tuple[ChartKind, ...] = (
    ChartKind("accuracy", "Accuracy", draw_accuracy),
    ChartKind("latency", "Latency", draw_latency),
    ChartKind("trade", "Accuracy and latency", draw_trade_off),
    ChartKind("training", "Training loss", draw_training, "training"),
)


def charts_for(subject: Subject) -> tuple[ChartKind, ...]:
    """Return the charts of one subject, in the order in which they are shown."""
    return tuple(kind for kind in CHARTS if kind.subject == subject)


def chart_kind(key: str) -> ChartKind:
    """Return a chart of the registry by its key."""
    return next(kind for kind in CHARTS if kind.key == key)
