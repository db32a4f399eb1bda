"""Which version this is, what it stands on, and where its logs are."""

from pathlib import Path

from PySide6.QtCore import Qt, QUrl
from PySide6.QtGui import QDesktopServices, QGuiApplication
from PySide6.QtWidgets import (
    QDialog,
    QHBoxLayout,
    QHeaderView,
    QLabel,
    QPushButton,
    QTableWidget,
    QTableWidgetItem,
    QVBoxLayout,
    QWidget,
)

from app.rendering.theme import load_icon
from core.logs import find_log_folder
from core.version import list_licences, list_versions, read_version

_ICON = 64
_PURPOSE = (
    "Prune nuclei models of computational pathology, and see at once what a smaller "
    "model still finds, how accurate and how fast it is."
)
_RIGHTS = (
    "Nothing leaves this computer. Not for diagnosis. MIT licence. Typeface: Source "
    "Sans Pro, SIL Open Font License. The icon was drawn for this project."
)


class AboutBox(QDialog):
    """Versions, licences and the folder of logs; versions can be copied.

    Parameters
    ----------
    parent
        The window it lies over.
    """

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setWindowTitle("About PruneScope")
        self.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        self.resize(620, 560)
        column = QVBoxLayout(self)
        column.setContentsMargins(24, 20, 24, 18)
        column.setSpacing(12)
        column.addLayout(_build_head())
        for text in (_PURPOSE, _RIGHTS, "\n".join(list_versions()[1:])):
            column.addWidget(_build_label(text))
        column.addWidget(_build_table(), 1)
        folder = find_log_folder()
        told = f"Logs and reports of faults: {folder}" if folder else "Logs are off."
        column.addWidget(_build_label(told))
        column.addLayout(self._build_buttons(folder))

    def _build_buttons(self, folder: Path | None) -> QHBoxLayout:
        row = QHBoxLayout()
        copy = QPushButton("Copy versions")
        copy.setToolTip("Copy the versions, to pass them on with a report of a fault.")
        copy.clicked.connect(_copy_versions)
        show = QPushButton("Open folder of logs")
        show.setToolTip("Show the folder of logs in the program for files.")
        show.setEnabled(folder is not None and folder.is_dir())
        show.clicked.connect(
            lambda: QDesktopServices.openUrl(QUrl.fromLocalFile(str(folder)))
        )
        close = QPushButton("Close")
        close.setToolTip("Close this box (Esc).")
        close.setDefault(True)
        close.clicked.connect(self.accept)
        row.addWidget(copy)
        row.addWidget(show)
        row.addStretch(1)
        row.addWidget(close)
        return row


def _build_head() -> QHBoxLayout:
    row = QHBoxLayout()
    row.setSpacing(14)
    picture = QLabel()
    picture.setPixmap(load_icon().pixmap(_ICON, _ICON))
    name = QLabel(f"PruneScope {read_version() or '(not installed)'}")
    name.setProperty("role", "title")
    row.addWidget(picture)
    row.addWidget(name, 1)
    return row


def _build_label(text: str) -> QLabel:
    label = QLabel(text)
    label.setTextFormat(Qt.TextFormat.PlainText)
    label.setWordWrap(True)
    label.setTextInteractionFlags(Qt.TextInteractionFlag.TextSelectableByMouse)
    return label


def _build_table() -> QTableWidget:
    """Return the packages that the program stands on."""
    rows = list_licences()
    table = QTableWidget(len(rows), 3)
    table.setAccessibleName("Packages and their licences")
    table.setHorizontalHeaderLabels(["Package", "Version", "Licence"])
    table.setEditTriggers(QTableWidget.EditTrigger.NoEditTriggers)
    table.verticalHeader().hide()
    for place, row in enumerate(rows):
        for column, text in enumerate(row):
            item = QTableWidgetItem(text)
            item.setToolTip(text)
            table.setItem(place, column, item)
    table.resizeColumnToContents(0)
    table.horizontalHeader().setSectionResizeMode(2, QHeaderView.ResizeMode.Stretch)
    return table


def _copy_versions() -> None:
    lines = [f"{name} {version}" for name, version, _ in list_licences()]
    QGuiApplication.clipboard().setText("\n".join([*list_versions(), *lines]))
