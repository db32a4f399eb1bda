"""The state to the charts: what the right column shows."""

from typing import TYPE_CHECKING

from app.plots.state_data import plot_caption, plot_data, plot_settings

if TYPE_CHECKING:
    from app.state.app_state import AppState
    from app.views.panels.plots import Plots
    from app.views.widgets.demo_plot import DemoPlot


def show_plots(plots: "Plots", new: "AppState", plain: "DemoPlot") -> None:
    """Set the charts; called a little later, so that masks come first.

    Hidden charts cost nothing: what they are made from is set when they come back.
    """
    plots.set_training(on=new.request.training is not None)
    if new.demo:
        plain.set_data(plot_data(new), plot_settings(new))
    plots.set_source(lambda: (plot_data(new), plot_settings(new), plot_caption(new)))
