"""A column that scrolls up and down, and is never too narrow for what it holds."""

from PySide6.QtCore import QEvent, QObject, QSize, Qt
from PySide6.QtWidgets import QScrollArea, QVBoxLayout, QWidget


class ScrollColumn(QScrollArea):
    """Shows one widget, whole in width.

    Parameters
    ----------
    content
        What is shown; the column asks for its width, and for the bar beside it.
    parent
        Qt owner.
    """

    def __init__(self, content: QWidget, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWidget(content)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setFocusPolicy(Qt.FocusPolicy.NoFocus)  # its content has it
        content.installEventFilter(self)

    def minimumSizeHint(self) -> QSize:
        """Return the width that nothing is cut off at."""
        content, bar = self.widget(), self.verticalScrollBar()
        width = content.minimumSizeHint().width() if content else 0
        return QSize(width + bar.sizeHint().width(), super().minimumSizeHint().height())

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Ask again when the content wants another width."""
        if event.type() == QEvent.Type.LayoutRequest and watched is self.widget():
            self.updateGeometry()
        return super().eventFilter(watched, event)


def with_footer(column: ScrollColumn, footer: QWidget) -> QWidget:
    """Return a column with a widget below it, which is never scrolled away."""
    whole = QWidget()
    rows = QVBoxLayout(whole)
    rows.setContentsMargins(0, 0, 0, 0)
    rows.addWidget(column, 1)
    row = QVBoxLayout()
    row.setContentsMargins(14, 4, 10, 12)
    row.addWidget(footer)
    rows.addLayout(row)
    return whole
