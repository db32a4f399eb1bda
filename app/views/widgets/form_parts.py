"""Small parts that forms are made of."""

from collections.abc import Sequence

from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import QComboBox, QLabel, QLineEdit, QPushButton, QSpinBox

from app.state.deployment import Choice


def section(words: str) -> QLabel:
    """Return the heading of a few controls."""
    label = QLabel(words)
    label.setProperty("role", "section")
    return label


def line(name: str, hint: str) -> QLineEdit:
    """Return a line to type into."""
    found = QLineEdit()
    found.setAccessibleName(name)
    found.setPlaceholderText(hint)
    return found


def button(caption: str, tip: str) -> QPushButton:
    """Return a button."""
    found = QPushButton(caption)
    found.setToolTip(tip)
    found.setAutoDefault(False)
    return found


def spin(name: str, low: int, high: int, value: int, unit: str) -> QSpinBox:
    """Return a box for a whole number."""
    found = QSpinBox()
    found.setAccessibleName(name)
    found.setRange(low, high)
    found.setValue(value)
    found.setSuffix(unit)
    return found


def combo(name: str, tip: str) -> QComboBox:
    """Return a list of choices that folds."""
    found = QComboBox()
    found.setAccessibleName(name)
    found.setToolTip(tip)
    return found


def set_choices(box: QComboBox, choices: Sequence[Choice]) -> None:
    """List choices; those that cannot be chosen are grey and say why.

    What was chosen stays, where it still can be.
    """
    before = box.currentData()
    box.blockSignals(True)
    box.clear()
    model = box.model()
    assert isinstance(model, QStandardItemModel)
    for place, each in enumerate(choices):
        box.addItem(each.title, each.key)
        item = model.item(place)
        item.setEnabled(not each.reason)
        item.setToolTip(each.reason)
        if each.key == before and not each.reason:
            box.setCurrentIndex(place)
    box.blockSignals(False)
