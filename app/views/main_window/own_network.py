"""Boxes that ask for a network of the user's own: its code, its weights, a consent.

Nothing is run here: names are read from the syntax of the file, and what was agreed to
leaves as a signal of the window.
"""

import ast
from pathlib import Path

from PySide6.QtWidgets import QFileDialog, QInputDialog, QMessageBox

from app.state.app_state import Message
from app.state.events import MessageShown
from app.views.main_window.dialogs import MODELS
from app.views.main_window.signals import WindowSignals

_MOST = 5_000_000  # bytes of a Python file


def ask_network(window: WindowSignals) -> None:
    """Ask for a Python file, a class in it, weights, and whether it may be run."""
    folder = window.folders.get("network", "")
    title = "Python file of the network"
    path, _ = QFileDialog.getOpenFileName(window, title, folder, "Python (*.py)")
    if not path:
        return
    window.folders["network"] = str(Path(path).parent)
    names = find_names(Path(path))
    if not names:
        text = f"{Path(path).name} has no class or function that makes a network."
        window.asked.emit(MessageShown(Message(text)))
        return
    name = _ask_name(window, names)
    if not name:
        return
    title = "Weights of the network (cancel for none)"
    weights, _ = QFileDialog.getOpenFileName(
        window, title, str(Path(path).parent), MODELS
    )
    if _ask_consent(window, path, name):
        window.networkChosen.emit(f"{path}:{name}", weights)


def find_names(path: Path) -> list[str]:
    """Return the classes of a Python file, then its functions; nothing is run."""
    try:
        if path.stat().st_size > _MOST:
            return []
        tree = ast.parse(path.read_bytes())
    except (OSError, SyntaxError, ValueError, RecursionError, MemoryError):
        return []
    classes = [one.name for one in tree.body if isinstance(one, ast.ClassDef)]
    made = [one.name for one in tree.body if isinstance(one, ast.FunctionDef)]
    return [*classes, *(name for name in made if not name.startswith("_"))]


def _ask_name(window: WindowSignals, names: list[str]) -> str:
    if len(names) == 1:
        return names[0]
    title, label = "Network", "Class or function that makes the network:"
    name, chosen = QInputDialog.getItem(window, title, label, names, 0, False)
    return name if chosen else ""


def _ask_consent(window: WindowSignals, path: str, name: str) -> bool:
    """Ask whether the code may be run; no is the default."""
    box = QMessageBox(window)
    box.setWindowTitle("Run code of this file?")
    box.setIcon(QMessageBox.Icon.Warning)
    box.setText(f"To build the network, {name} of {path} is run.")
    box.setInformativeText(
        "It is Python code and runs with all rights of your account. Agree only if you "
        "have read it or trust who wrote it. A change of the file asks again."
    )
    run = box.addButton("Run it", QMessageBox.ButtonRole.AcceptRole)
    stop = box.addButton(QMessageBox.StandardButton.Cancel)
    box.setDefaultButton(stop)
    box.setEscapeButton(stop)
    box.exec()
    return box.clickedButton() is run
