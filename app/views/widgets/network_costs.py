"""What each layer of the drawn network costs: bars under the blocks, and words."""

from collections.abc import Mapping, Sequence

from PySide6.QtCore import QRectF
from PySide6.QtGui import QPainter, QPalette

from app.text import format as text
from core.results import LayerStep

COST_HEIGHT = 16.0  # pixels of the longest bar and its gap
_GAP = 2.0
_LEAST = 1.0  # pixels of a bar: a layer that runs takes some time


def paint_costs(
    painter: QPainter,
    palette: QPalette,
    blocks: Sequence[QRectF],
    costs: Sequence[LayerStep | None],
) -> None:
    """Hang a bar under each block: pale for the dense layer, full for what is left.

    Parameters
    ----------
    painter, palette
        Of the drawing.
    blocks, costs
        One for each layer; None where nothing was measured. The longest bar is the
        layer that takes longest, dense.
    """
    longest = max((each.dense_ms for each in costs if each is not None), default=0.0)
    if longest <= 0:
        return
    for block, each in zip(blocks, costs, strict=True):
        if each is None:
            continue
        for ms, role in (
            (each.dense_ms, QPalette.ColorRole.Mid),
            (each.left_ms, QPalette.ColorRole.WindowText),
        ):
            height = max((COST_HEIGHT - _GAP) * min(ms / longest, 1.0), _LEAST)
            bar = QRectF(block.left(), block.bottom() + _GAP, block.width(), height)
            painter.fillRect(bar, palette.brush(role))


def cost_words(costs: Mapping[str, LayerStep], name: str) -> list[str]:
    """Return what a layer costs, and what the next lower width would save.

    Parameters
    ----------
    costs
        By name of layer.
    name
        Of the layer.
    """
    each = costs.get(name)
    if each is None:
        return []
    words = [
        f"{text.milliseconds(each.left_ms)} of {text.milliseconds(each.dense_ms)} dense"
    ]
    return [*words, each.words] if each.words else words


def bar_words(costs: Mapping[str, LayerStep]) -> str:
    """Return what the bars are, and which layer's next lower width saves most.

    Parameters
    ----------
    costs
        By name of layer; not empty.
    """
    words = "Bars: time of each layer (pale: dense)"
    most = max(costs.values(), key=lambda each: each.saves_ms)
    return f"{words} · {most.name}: {most.words}" if most.words else words
