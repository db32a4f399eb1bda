"""Boxes that ask for files; what was chosen leaves as a signal of the window."""

from collections.abc import Callable
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QWidget

from app.views.main_window.signals import WindowSignals

IMAGES = "Images (*.png *.jpg *.jpeg *.tif *.tiff *.bmp);;All files (*)"
MODELS = "Models (*.safetensors *.tar *.pth *.pt);;All files (*)"
SETUPS = "Settings (*.json);;All files (*)"


def ask_model(window: WindowSignals) -> None:
    """Ask for a model to open."""
    path, _ = QFileDialog.getOpenFileName(window, "Open model", "", MODELS)
    if path:
        window.openAsked.emit(path, "")


def ask_tile(window: WindowSignals) -> None:
    """Ask for a tile to open."""
    path, _ = QFileDialog.getOpenFileName(window, "Open tile", "", IMAGES)
    if path:
        window.openAsked.emit("", path)


def ask_labels(window: WindowSignals) -> None:
    """Ask for the ground truth of the open tile."""
    path, _ = QFileDialog.getOpenFileName(window, "Ground truth", "", IMAGES)
    if path:
        window.labelsAsked.emit(path)


def ask_setup(window: WindowSignals) -> None:
    """Ask for settings to use."""
    path, _ = QFileDialog.getOpenFileName(window, "Settings", "", SETUPS)
    if path:
        window.setupAsked.emit(path)


def ask_save(
    window: QWidget, emit: Callable[[str], object], name: str, kinds: str
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
    path, chosen = QFileDialog.getSaveFileName(window, "Export", name, kinds)
    if not path:
        return
    ending = chosen.rpartition("*")[2].strip(" )")
    if not Path(path).suffix and ending:
        path += ending
    emit(path)


def ask_training(window: WindowSignals) -> None:
    """Ask for labelled tiles to fine-tune on."""
    title = "Folder with images/ and labels/"
    path = QFileDialog.getExistingDirectory(window, title)
    if path:
        window.trainingAsked.emit(path)


def ask_folder(window: QWidget, emit: Callable[[str], object]) -> None:
    """Ask for a folder to save into."""
    path = QFileDialog.getExistingDirectory(window, "Export into a folder")
    if path:
        emit(path)
