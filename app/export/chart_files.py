"""Charts as files, with what the user is told about them."""

from app.plots.chart import Chart
from app.plots.exports import ChartExport, write_chart
from app.state.app_state import Message
from core.errors import InputError


def save_chart(chart: Chart, asked: ChartExport, note: str = "") -> Message:
    """Write a chart as SVG or PNG.

    Parameters
    ----------
    chart
        What is drawn.
    asked
        Where to, and how large.
    note
        A line below the title.

    Returns
    -------
    Message
        What to tell the user.
    """
    try:
        write_chart(chart, asked, note)
    except InputError as error:
        return Message(str(error))
    return Message(f"Saved {asked.path}.", kind="info")
