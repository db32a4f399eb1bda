"""Finds widgets as users and screen readers do: by name, caption and words."""

from PySide6.QtWidgets import QAbstractButton, QLabel, QWidget


def named(root, name, kind=QWidget):
    """Return the one widget with an accessible name."""
    (found,) = [w for w in root.findChildren(kind) if w.accessibleName() == name]
    return found


def captioned(root, caption):
    """Return the one button with a caption."""
    found = [b for b in root.findChildren(QAbstractButton) if b.text() == caption]
    (button,) = found
    return button


def segments(root, name):
    """Return the buttons of a row of choices, by caption, from left to right."""
    buttons = named(root, name).findChildren(QAbstractButton)
    return {button.text(): button for button in buttons}


def said(root):
    """Return the words of all labels on show."""
    return [label.text() for label in root.findChildren(QLabel) if label.isVisible()]
