"""Boxes that ask for files; what was chosen leaves as a signal of the window.

Each box opens in the folder in which the last one of its kind was used.
"""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QMessageBox

from app.state.app_state import Message
from app.state.events import MessageShown
from app.state.session.sources import SESSION_ENDING
from app.views.main_window.signals import WindowSignals
from app.views.widgets.about import AboutBox
from core.tables import LABEL_ENDINGS, MODEL_ENDINGS, TILE_ENDINGS, file_filter

IMAGES = file_filter("Images", TILE_ENDINGS)
LABELS = file_filter("Ground truth", LABEL_ENDINGS)
MODELS = file_filter("Models", MODEL_ENDINGS)
SESSIONS = f"Sessions (*{SESSION_ENDING});;All files (*)"
SETUPS = "Settings (*.json);;All files (*)"
_MOST_NAMES = 1_000_000  # bytes
FULL_SCREEN = Qt.WindowState.WindowFullScreen


def ask_model(window: WindowSignals) -> None:
    """Ask for a model to open."""
    path = _ask_file(window, "Open model", "model", MODELS)
    if path:
        window.openAsked.emit(path, "")


def ask_model_folder(window: WindowSignals) -> None:
    """Ask for the folder of a model to open."""
    path = QFileDialog.getExistingDirectory(
        window, "Open the folder of a model", window.folders.get("model", "")
    )
    if path:
        window.folders["model"] = str(Path(path).parent)
        window.openAsked.emit(path, "")


def ask_tile(window: WindowSignals) -> None:
    """Ask for a tile to open."""
    path = _ask_file(window, "Open tile", "tile", IMAGES)
    if path:
        window.openAsked.emit("", path)


def ask_patches(window: WindowSignals) -> None:
    """Ask for a folder of patches to open."""
    path = QFileDialog.getExistingDirectory(
        window, "Open folder of patches", window.folders.get("tile", "")
    )
    if path:
        window.folders["tile"] = path
        window.openAsked.emit("", path)


def ask_tiles(window: WindowSignals) -> None:
    """Ask for a folder of tiles to score."""
    path = QFileDialog.getExistingDirectory(
        window, "Folder of tiles", window.folders.get("tile", "")
    )
    if path:
        window.folders["tile"] = path
        window.folderChosen.emit(path)


def ask_labels(window: WindowSignals) -> None:
    """Ask for the ground truth of the open tile."""
    path = _ask_file(window, "Ground truth", "labels", LABELS)
    if path:
        window.labelsAsked.emit(path)


def ask_setup(window: WindowSignals) -> None:
    """Ask for settings to use."""
    path = _ask_file(window, "Settings", "settings", SETUPS)
    if path:
        window.setupAsked.emit(path)


def ask_session(window: WindowSignals) -> None:
    """Ask for a session to open."""
    path = _ask_file(window, "Open session", "session", SESSIONS)
    if path:
        window.sessionAsked.emit(path)


def ask_text(
    window: WindowSignals, title: str, what: str, show: Callable[[str], object]
) -> None:
    """Ask for a text file, and hand over what it says.

    Parameters
    ----------
    window
        Remembers the folder.
    title, what
        Of the box, and the key of its folder.
    show
        Is given the text.
    """
    kinds = "Text (*.txt *.csv *.json);;All files (*)"
    path = _ask_file(window, title, what, kinds)
    if not path:
        return
    try:
        with Path(path).open("rb") as file:
            show(file.read(_MOST_NAMES).decode("utf-8-sig", errors="replace"))
    except OSError as error:
        reason = error.strerror or str(error)
        text = f"{Path(path).name} cannot be read ({reason}): choose another file."
        window.asked.emit(MessageShown(Message(text)))


def _ask_file(window: WindowSignals, title: str, purpose: str, kinds: str) -> str:
    """Ask for a file to open; empty when there is none."""
    folder = window.folders.get(purpose, "")
    path, _ = QFileDialog.getOpenFileName(window, title, folder, kinds)
    if path:
        window.folders[purpose] = str(Path(path).parent)
    return path


def ask_save(
    window: WindowSignals, emit: Callable[[str], object], name: str, kinds: str
) -> None:
    """Ask where to save, and give the path an ending if it has none.

    Parameters
    ----------
    window
        Over which the box opens.
    emit
        Is told of the path.
    name
        Suggested.
    kinds
        Filters; the chosen one gives the ending.
    """
    folder = window.folders.get("export", "")
    wanted = str(Path(folder) / name) if folder else name
    path, chosen = QFileDialog.getSaveFileName(window, "Export", wanted, kinds)
    if not path:
        return
    window.folders["export"] = str(Path(path).parent)
    ending = chosen.rpartition("*")[2].strip(" )")
    if not Path(path).suffix and ending:
        path += ending
    emit(path)


def ask_training(window: WindowSignals) -> None:
    """Ask for labelled tiles to fine-tune on."""
    title = "Folder with images/ and labels/"
    path = QFileDialog.getExistingDirectory(
        window, title, window.folders.get("training", "")
    )
    if path:
        window.folders["training"] = path
        window.trainingAsked.emit(path)


def ask_calibration(window: WindowSignals) -> None:
    """Ask for a folder of tiles to calibrate on."""
    path = QFileDialog.getExistingDirectory(
        window, "Folder of tiles to calibrate on", window.folders.get("tile", "")
    )
    if path:
        window.calibrationAsked.emit(path)


def ask_folder(window: WindowSignals, emit: Callable[[str], object]) -> None:
    """Ask for a folder to save into."""
    path = QFileDialog.getExistingDirectory(
        window, "Export into a folder", window.folders.get("export", "")
    )
    if path:
        window.folders["export"] = path
        emit(path)


def ask_leave(window: WindowSignals) -> bool:
    """Ask whether to close while files are written; return whether to close."""
    box = QMessageBox(window)
    box.setWindowTitle("PruneScope")
    box.setText("Files are still being written.")
    box.setInformativeText("Closing now leaves them incomplete.")
    box.setIcon(QMessageBox.Icon.Warning)
    wait = box.addButton("Wait", QMessageBox.ButtonRole.RejectRole)
    box.addButton("Close anyway", QMessageBox.ButtonRole.DestructiveRole)
    box.setDefaultButton(wait)
    box.setEscapeButton(wait)
    box.exec()
    return box.clickedButton() is not wait


def tell_about(window: WindowSignals) -> None:
    """Say which version this is, and what it stands on."""
    AboutBox(window).open()
