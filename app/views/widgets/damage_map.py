"""A whole slide, small, coloured by what a pruned model changed; a click goes there."""

from collections.abc import Mapping, Sequence
from typing import Any

from PySide6.QtCore import QEvent, QPointF, QRectF, QSize, Qt, Signal
from PySide6.QtGui import QColor, QHelpEvent, QMouseEvent, QPainter, QPaintEvent
from PySide6.QtWidgets import QSizePolicy, QToolTip, QWidget

from app.rendering.palette import KIND_COLOUR
from app.state.slide_map import SlideMap
from app.state.values import Kind
from app.views.widgets.slide_view import draw_picture, draw_region

_STRONGEST = 0.75  # opacity of the densest region
_PALE = QColor(255, 255, 255, 90)  # over the slide, so that colours are told apart

Region = Mapping[str, Any]
"""A row of `core.wholeslide.regions.SlideRegion.as_dict`."""


class DamageMap(QWidget):
    """The slide with its regions, each the stronger the denser one kind of change."""

    regionChosen = Signal(int)  # its place in the list

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setAccessibleName("Map of the slide")
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Expanding)
        self.setMinimumSize(260, 220)
        self.setCursor(Qt.CursorShape.PointingHandCursor)
        self._slide: SlideMap | None = None
        self._regions: Sequence[Region] = ()
        self._kind: Kind = "lost"
        self._unit = ""
        self._chosen: int | None = None

    def sizeHint(self) -> QSize:
        return QSize(560, 460)

    @property
    def top(self) -> float:
        """Nuclei per unit of area in the region with most of what is shown."""
        key = f"{self._kind}_density"
        return max((float(region[key]) for region in self._regions), default=0.0)

    # Setters: silent

    def set_regions(
        self, slide: SlideMap | None, regions: Sequence[Region], unit: str
    ) -> None:
        """Show the regions of a slide; None: nothing."""
        self._slide, self._regions, self._unit = slide, regions, unit
        self._chosen = None
        self.update()

    def set_kind(self, kind: Kind) -> None:
        """Show another kind of change."""
        self._kind = kind
        self.update()

    def set_chosen(self, place: int | None) -> None:
        """Mark a region."""
        self._chosen = place
        self.update()

    # Where things are

    def to_screen(self, region: Region) -> QRectF:
        """Return where a region is on the screen."""
        assert self._slide is not None
        across, down = self._slide.size
        place = self._place()
        scale_x, scale_y = place.width() / across, place.height() / down
        return QRectF(
            place.x() + region["x"] * scale_x,
            place.y() + region["y"] * scale_y,
            region["width"] * scale_x,
            region["height"] * scale_y,
        )

    def _place(self) -> QRectF:
        assert self._slide is not None
        width, height = self._slide.size
        scale = min(self.width() / width, self.height() / height)
        wide, tall = width * scale, height * scale
        return QRectF((self.width() - wide) / 2, (self.height() - tall) / 2, wide, tall)

    def _region_at(self, point: QPointF) -> int | None:
        if self._slide is None:
            return None
        for place, region in enumerate(self._regions):
            if self.to_screen(region).contains(point):
                return place
        return None

    # Painting

    def paintEvent(self, _: QPaintEvent) -> None:
        painter = QPainter(self)
        if self._slide is None:
            return
        place = self._place()
        if self._slide.picture is not None:
            draw_picture(painter, self._slide.picture, place)
        painter.fillRect(place, _PALE)
        top, key = self.top, f"{self._kind}_density"
        colour = QColor(*KIND_COLOUR[self._kind])
        for region in self._regions:
            colour.setAlphaF(_STRONGEST * region[key] / top if top else 0.0)
            painter.fillRect(self.to_screen(region), colour)
        if self._chosen is not None and self._chosen < len(self._regions):
            box = self.to_screen(self._regions[self._chosen])
            draw_region(painter, box, self.palette().highlight().color())

    # What the user does

    def mouseReleaseEvent(self, event: QMouseEvent) -> None:
        place = self._region_at(event.position())
        if place is not None and event.button() == Qt.MouseButton.LeftButton:
            self.regionChosen.emit(place)

    def event(self, event: QEvent) -> bool:
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            place = self._region_at(QPointF(event.pos()))
            words = "" if place is None else describe(self._regions[place], self._unit)
            QToolTip.showText(event.globalPos(), words, self)
            return True
        return super().event(event)


def describe(region: Region, unit: str) -> str:
    """Say what became of the nuclei of a region."""
    parts = [
        f"{kind} {region[kind]} ({region[f'{kind}_density']:.0f} per {unit})"
        for kind in ("kept", "lost", "merged")
    ]
    return f"{region['dense']} nuclei by the dense model: {', '.join(parts)}"
