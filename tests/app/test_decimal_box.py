"""Number entries of the window: point and comma alike, in every locale."""

import pytest
from PySide6.QtCore import QLocale, Qt
from PySide6.QtGui import QValidator
from PySide6.QtWidgets import QDoubleSpinBox, QLineEdit

from app.views.panels.controls import Controls
from app.views.widgets.decimal_box import DecimalBox
from app.views.widgets.sweep_form import SweepForm
from app.views.widgets.training_form import TrainingForm


@pytest.fixture(params=["C", "en_US", "de_DE", "fr_FR", "ru_RU"])
def locale(request):
    before = QLocale()
    QLocale.setDefault(QLocale(request.param))
    yield request.param
    QLocale.setDefault(before)


@pytest.mark.parametrize("typed", ["8.5", "8,5"])
def test_what_is_typed_is_what_is_meant(qtbot, locale, typed):
    box = DecimalBox("Sparsity", 0.0, 99.0)
    box.setSuffix(" %")
    qtbot.addWidget(box)
    line = box.findChild(QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, typed)
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert box.value() == 8.5
    assert line.text() == "8.5 %"


def test_steps_go_on_from_what_was_typed(qtbot, locale):
    box = DecimalBox("Sparsity", 0.0, 99.0)
    qtbot.addWidget(box)
    line = box.findChild(QLineEdit)
    line.selectAll()
    qtbot.keyClicks(line, "8,5")
    qtbot.keyClick(line, Qt.Key.Key_Up)
    assert box.value() == 9.5


@pytest.mark.parametrize(
    ("typed", "state"),
    [
        ("8.5", QValidator.State.Acceptable),
        ("8,5 %", QValidator.State.Acceptable),
        ("", QValidator.State.Intermediate),
        ("8,", QValidator.State.Acceptable),
        ("200", QValidator.State.Intermediate),
        ("8.5.1", QValidator.State.Invalid),
        ("x", QValidator.State.Invalid),
        ("1.000,5", QValidator.State.Invalid),
    ],
)
def test_what_is_no_number_cannot_be_typed(qtbot, typed, state):
    box = DecimalBox("Sparsity", 0.0, 99.0)
    box.setSuffix(" %")
    qtbot.addWidget(box)
    assert box.validate(typed, len(typed))[0] == state


@pytest.mark.parametrize("panel", [Controls, SweepForm, TrainingForm])
def test_every_decimal_entry_is_one_of_these(qtbot, panel):
    widget = panel()
    qtbot.addWidget(widget)
    boxes = widget.findChildren(QDoubleSpinBox)
    assert boxes
    assert all(isinstance(box, DecimalBox) for box in boxes)
