"""A chart as a file: SVG, or PNG from the same drawing."""

from dataclasses import dataclass
from pathlib import Path

from app.plots.chart import Chart
from app.plots.raster import chart_image, image_png
from app.plots.svg import STANDARD, Size, chart_svg
from core.errors import InputError
from core.files import write_whole


@dataclass(frozen=True, slots=True)
class ChartExport:
    """A chart that is to be written.

    Parameters
    ----------
    key
        Of the registry.
    path
        Where to; ``.svg`` or ``.png``.
    size
        In pixels; of a PNG times ``scale``.
    scale
        Pixels of a PNG for one of ``size``.
    """

    key: str
    path: str
    size: Size = STANDARD
    scale: float = 2.0


def write_chart(chart: Chart, export: ChartExport, note: str = "") -> None:
    """Write a chart with its legend, whole or not at all.

    Parameters
    ----------
    chart
        What is drawn.
    export
        Where to, and how large.
    note
        A line below the title.

    Raises
    ------
    InputError
        When the name ends otherwise, or nothing can be written there.
    """
    ending = Path(export.path).suffix.lower()
    if ending == ".svg":
        data = chart_svg(chart, export.size, note=note).encode()
    elif ending == ".png":
        data = image_png(chart_image(chart, export.size, scale=export.scale, note=note))
    else:
        raise InputError(
            f"Cannot write {export.path}: choose a name that ends with .svg or .png."
        )
    try:
        write_whole(export.path, data)
    except OSError as error:
        reason = error.strerror or str(error)
        raise InputError(
            f"Cannot write {export.path} ({reason}): choose another place."
        ) from error
