"""Help > About."""

from PySide6.QtWidgets import QLabel, QPushButton, QTableWidget, QWidget

from app.rendering.theme import ICON_SIZES, load_icon
from app.views.widgets.about import AboutBox
from core.version import list_licences, list_versions


def test_about_names_versions_licences_and_the_folder_of_logs(
    qtbot, qapp, tmp_path, monkeypatch
):
    monkeypatch.setenv("PRUNESCOPE_LOGS", str(tmp_path))
    parent = QWidget()
    qtbot.addWidget(parent)
    box = AboutBox(parent)
    text = "\n".join(label.text() for label in box.findChildren(QLabel))
    assert str(tmp_path) in text
    assert all(line in text for line in list_versions()[1:])
    table = box.findChild(QTableWidget)
    shown = [
        tuple(table.item(row, column).text() for column in range(3))
        for row in range(table.rowCount())
    ]
    assert shown == list_licences()
    buttons = {each.text(): each for each in box.findChildren(QPushButton)}
    assert buttons["Open folder of logs"].isEnabled()
    buttons["Copy versions"].click()
    assert list_versions()[1] in qapp.clipboard().text()


def test_the_icon_has_each_size(qapp):
    icon = load_icon()
    assert {size.width() for size in icon.availableSizes()} == set(ICON_SIZES)
