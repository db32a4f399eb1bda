"""Nucleus types with their colours; each can be hidden, and what is hidden is said."""

from collections.abc import Mapping
from functools import partial

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QColor, QIcon, QPainter, QPen, QPixmap
from PySide6.QtWidgets import QHBoxLayout, QLabel, QToolButton, QWidget

from app.rendering.palette import Rgb
from app.text.format import counted
from app.views.widgets.fitting import FittingLabel


class TypeLegend(QWidget):
    """One switch for each type."""

    hiddenChosen = Signal(tuple)  # numbers of the types to hide

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Colours of nucleus types")
        self._colours: dict[str, Rgb] = {}
        self._hidden: tuple[int, ...] = ()
        self._row = QHBoxLayout(self)
        self._row.setContentsMargins(0, 0, 0, 0)
        self._row.setSpacing(4)
        self._buttons: list[QToolButton] = []
        self._note = FittingLabel()
        self._row.addWidget(self._note, 1)
        self._words = QLabel()
        self._words.setProperty("role", "faint")
        self._row.addWidget(self._words)
        self._all = QToolButton()
        self._all.setText("Show all")
        self._all.setProperty("chip", "true")
        self._all.setToolTip("Show every nucleus type again.")
        self._all.clicked.connect(lambda: self.hiddenChosen.emit(()))
        self._row.addWidget(self._all)
        keep = self._all.sizePolicy()
        keep.setRetainSizeWhenHidden(True)  # the row is as high without it
        self._all.setSizePolicy(keep)
        self._say()

    # Setters: silent

    def set_types(
        self, colours: Mapping[str, Rgb], hidden: tuple[int, ...], note: str = ""
    ) -> None:
        """Name the types in the order of their numbers; none hides the legend.

        ``note`` is what must be known of how they were learned.
        """
        self._note.set_wordings((note, "Synthetic types") if note else ("",))
        if dict(colours) != self._colours:
            self._colours = dict(colours)
            self._build()
        self._hidden = tuple(n for n in hidden if n <= len(colours))
        for number, button in enumerate(self._buttons, start=1):
            button.blockSignals(True)
            button.setChecked(number not in self._hidden)
            button.blockSignals(False)
        self._say()
        self.setVisible(bool(colours))

    def _build(self) -> None:
        for button in self._buttons:
            self._row.removeWidget(button)
            button.deleteLater()
        self._buttons = []
        for number, (name, colour) in enumerate(self._colours.items(), start=1):
            button = QToolButton()
            button.setText(name)
            button.setCheckable(True)
            button.setProperty("chip", "true")
            button.setIcon(switch_icon(colour))
            button.setIconSize(QSize(12, 12))
            style = Qt.ToolButtonStyle.ToolButtonTextBesideIcon
            button.setToolButtonStyle(style)
            button.setToolTip(f"Show or hide the nuclei of type {name}.")
            button.toggled.connect(partial(self._on_toggled, number))
            self._row.insertWidget(number - 1, button)
            self._buttons.append(button)
            # Made late, they would come last of all when one goes on with Tab.
            QWidget.setTabOrder(self._buttons[-2] if number > 1 else self._all, button)

    def _say(self) -> None:
        self._words.setText(f"{counted(len(self._hidden), 'type')} hidden")
        for widget in (self._words, self._all):
            widget.setVisible(bool(self._hidden))

    # What the user does

    def _on_toggled(self, number: int, shown: bool) -> None:
        others = {each for each in self._hidden if each != number}
        self.hiddenChosen.emit(tuple(sorted(others if shown else {*others, number})))


def switch_icon(colour: Rgb, *, hatched: bool = False) -> QIcon:
    """Return a swatch that is filled when its switch is on, and else crossed out."""
    icon = QIcon()
    for state in (QIcon.State.On, QIcon.State.Off):
        pixmap = QPixmap(24, 24)
        pixmap.fill(QColor(0, 0, 0, 0))
        painter = QPainter(pixmap)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        pen = painter.pen()
        pen.setWidth(3)
        pen.setColor(QColor(*colour) if state == QIcon.State.Off else QColor("grey"))
        painter.setPen(pen)
        if state == QIcon.State.On:
            painter.setBrush(QColor(*colour))
        painter.drawEllipse(2, 2, 20, 20)
        if hatched and state == QIcon.State.On:
            painter.setPen(QPen(QColor("white"), 3))
            for start in (-4, 5, 14):
                painter.drawLine(start + 1, 19, start + 15, 5)
        if state == QIcon.State.Off:
            painter.drawLine(5, 19, 19, 5)
        painter.end()
        for mode in (QIcon.Mode.Normal, QIcon.Mode.Disabled):
            icon.addPixmap(pixmap, mode, state)
    return icon
