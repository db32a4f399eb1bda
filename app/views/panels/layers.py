"""The strip at the bottom: the network, or the list of nuclei in its place."""

from collections.abc import Mapping

from PySide6.QtWidgets import QVBoxLayout, QWidget

from app.views.widgets.network import Network
from app.views.widgets.nucleus_list import NucleusList
from core.results import Layer


class Layers(QWidget):
    """Two views on the same result, of which one is seen."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.network, self.nuclei = Network(), NucleusList()
        column = QVBoxLayout(self)
        column.setContentsMargins(0, 0, 0, 0)
        column.addWidget(self.network)
        column.addWidget(self.nuclei)
        self.nuclei.hide()
        self._short = False
        self._wanted: bool | None = None  # as there is room

    def set_layers(self, layers: tuple[Layer, ...]) -> None:
        """Draw the dense model; silent."""
        self.network.set_layers(layers)

    def set_kept(self, kept: Mapping[str, int]) -> None:
        """Fill the blocks of the drawing; silent."""
        self.network.set_kept(kept)

    def set_short(self, on: bool) -> None:
        """Leave the drawing to the pictures, in a window that is not high; silent."""
        self._short = on
        self._arrange()

    def toggle_network(self) -> None:
        """Show the drawing, or not, whatever there is room for."""
        self._wanted = self.network.isHidden()
        self.nuclei.hide()
        self._arrange()

    def _arrange(self) -> None:
        wanted = self._wanted if self._wanted is not None else not self._short
        self.network.setVisible(wanted and self.nuclei.isHidden())

    def show_list(self, on: bool) -> None:
        """Show the list, or the network."""
        self.nuclei.setVisible(on)
        self._arrange()
        if on:
            self.nuclei.table.setFocus()
