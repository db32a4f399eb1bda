"""Widgets that show something of other settings are drawn faintly."""

from PySide6.QtWidgets import QGraphicsOpacityEffect, QWidget

DIMMED = 0.45  # opacity


def set_dimmed(widget: QWidget, on: bool) -> None:
    """Draw a widget and all in it faintly, or as it is."""
    if on == (widget.graphicsEffect() is not None):
        return
    effect = None
    if on:
        effect = QGraphicsOpacityEffect(widget)
        effect.setOpacity(DIMMED)
    widget.setGraphicsEffect(effect)  # type: ignore[arg-type]  # None takes it away
