"""Commands, keys, hints; what every control must have."""

import pytest
from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QAbstractButton,
    QAbstractSlider,
    QApplication,
    QCheckBox,
    QComboBox,
    QLabel,
    QLineEdit,
    QPushButton,
    QSlider,
    QToolButton,
)

from app.rendering import theme
from app.state import events
from app.state.app_state import Message
from app.views.widgets.actions import HELD, all_actions, caption_of, keys_of
from app.views.widgets.matching import ranked
from app.views.widgets.shortcut_sheet import ShortcutSheet


@pytest.fixture
def shown(qtbot, ready):
    theme.apply(QApplication.instance(), "light")
    ready.window.resize(1280, 800)
    ready.window.show()
    qtbot.waitExposed(ready.window)
    return ready


ENTRIES = ("Open model…", "Open tile…", "Show or hide masks", "Demo view", "Dark")


@pytest.mark.parametrize(
    ("query", "best"),
    [("", 0), ("tile", 1), ("om", 0), ("ot", 1), ("dv", 3), ("dark", 4), ("hide", 2)],
)
def test_a_few_letters_find_a_command(query, best):
    assert ranked(query, ENTRIES)[0] == best


def test_words_in_any_order_and_nothing_for_nonsense():
    assert ranked("masks show", ENTRIES) == [2]
    assert ranked("zzz", ENTRIES) == []
    assert ranked("", ENTRIES) == list(range(5))


def test_the_palette_runs_what_was_typed(qtbot, shown):
    qtbot.keyClick(shown.window, Qt.Key.Key_K, Qt.KeyboardModifier.ControlModifier)
    box = shown.window.palette_box
    assert box.isVisible()
    everything = {action.text() for action in all_actions(shown.window)}
    assert {"Demo view", "Difference", "Dark", "Report…"} <= everything
    assert set(box.captions) == {
        caption_of(a)
        for a in all_actions(shown.window)
        if a.isEnabled() and not a.property(HELD)
    }
    line = box.findChild(QLineEdit)
    qtbot.keyClicks(line, "differ")
    assert box.captions[0] == "Difference"
    qtbot.keyClick(line, Qt.Key.Key_Return)
    assert box.isHidden()
    assert shown.store.state.display.overlay == "difference"


def test_arrows_choose_in_the_palette(qtbot, shown):
    shown.window.show_palette()
    box = shown.window.palette_box
    line = box.findChild(QLineEdit)
    qtbot.keyClicks(line, "open")
    second = box.captions[1]
    qtbot.keyClick(line, Qt.Key.Key_Down)
    row = box._list.currentRow()
    assert box.captions[row] == second
    qtbot.keyClicks(line, "zzz")
    assert box.captions == []
    qtbot.keyClick(line, Qt.Key.Key_Return)  # nothing to run
    qtbot.keyClick(line, Qt.Key.Key_Escape)
    assert box.isHidden()


def test_the_sheet_lists_every_key(qtbot, shown):
    qtbot.keyClick(shown.window, Qt.Key.Key_F1)
    sheet = shown.window.findChild(ShortcutSheet)
    assert sheet.isVisible()
    words = {label.text() for label in sheet.findChildren(QLabel)}
    for action in all_actions(shown.window):
        if not action.shortcut().isEmpty():
            assert keys_of(action) in words, action.text()
    sheet.accept()


def test_no_key_means_two_things(shown):
    """Keys of the demo view may be those of panes: never both at once."""
    for demo in (False, True):
        shown.controller.dispatch(events.DemoSwitched(demo))
        keys = [
            keys_of(action)
            for action in all_actions(shown.window)
            if action.isEnabled() and not action.shortcut().isEmpty()
        ]
        buttons = [
            b for b in shown.window.findChildren(QAbstractButton) if b.isVisible()
        ]
        keys += [b.shortcut().toString() for b in buttons if not b.shortcut().isEmpty()]
        assert len(keys) == len(set(keys))


def test_details_of_an_error_can_be_copied(qtbot, shown):
    shown.controller.tell(Message("Something is wrong: do this.", "the details"))
    copy = next(
        b
        for b in shown.window.messages.findChildren(QPushButton)
        if b.text() == "Copy details"
    )
    qtbot.mouseClick(copy, Qt.MouseButton.LeftButton)
    words = QApplication.clipboard().text()
    assert "Something is wrong" in words
    assert "the details" in words


def test_hints_are_dismissed_for_good(qtbot, shown, settings):
    hints = shown.window.hints
    assert hints.isVisible()
    first = [label.text() for label in hints.findChildren(QLabel)]
    buttons = hints.findChildren(QPushButton)
    other = next(b for b in buttons if b.text().startswith("Next hint"))
    qtbot.mouseClick(other, Qt.MouseButton.LeftButton)
    assert [label.text() for label in hints.findChildren(QLabel)] != first
    close = next(b for b in hints.findChildren(QPushButton) if b.text() == "Got it")
    qtbot.mouseClick(close, Qt.MouseButton.LeftButton)
    assert hints.isHidden()
    assert not settings.hints
    shown.window.hintsAsked.emit(True)
    assert hints.isVisible()
    assert settings.hints


def test_an_audience_sees_no_hints(shown):
    shown.controller.dispatch(events.DemoSwitched(True))
    assert shown.window.hints.isHidden()
    shown.controller.dispatch(events.DemoSwitched(False))
    assert shown.window.hints.isVisible()


CONTROLS = (QAbstractButton, QAbstractSlider, QComboBox, QLineEdit)


def controls(window):
    return [
        w
        for kind in CONTROLS
        for w in window.findChildren(kind)
        if w.isVisible()
        and not w.objectName().startswith("qt_")
        and w.metaObject().className() != "QScrollBar"
    ]


@pytest.mark.parametrize("demo", [False, True])
def test_every_control_says_what_it_is(shown, demo):
    shown.controller.dispatch(events.DemoSwitched(demo))
    shown.controller.tell(Message("Something is wrong: do this.", "details"))
    found = controls(shown.window)
    assert len(found) > 8
    for widget in found:
        name = widget.accessibleName() or getattr(widget, "text", str)()
        assert name.strip(), f"{widget} has no name"
        assert widget.toolTip().strip(), f"{name!r} has no tooltip"


def test_every_control_is_reached_by_the_keyboard(shown):
    toolbar = shown.window.menus.toolbar
    for widget in controls(shown.window):
        if toolbar.isAncestorOf(widget):
            continue  # each of its actions has a key or is found by Ctrl+K
        policy = widget.focusPolicy() & Qt.FocusPolicy.TabFocus
        assert policy, f"{widget.accessibleName() or widget.text()} takes no focus"


def test_tab_goes_around_the_window_and_comes_back(shown):
    window = shown.window
    window.controls.findChild(QComboBox).setFocus()
    first, seen = window.focusWidget(), []
    for _ in range(300):
        window.focusNextChild()
        if window.focusWidget() is first:
            break
        seen.append(window.focusWidget())
    assert window.focusWidget() is first
    assert window.viewer.dense in seen
    parts = (window.controls, window.viewer, window.plots)
    found = [
        next((i for i, part in enumerate(parts) if part.isAncestorOf(w)), None)
        for w in [first, *seen]
    ]
    regions = [r for r in found if r is not None]
    around = [r for i, r in enumerate(regions) if r != regions[i - 1]]
    # Settings, pictures, plots: each part once on the way around.
    assert sorted(around) == [0, 1, 2]


@pytest.mark.parametrize("theme_name", ["light", "dark"])
@pytest.mark.parametrize("mode", ["bench", "demo", "reading"])
def test_no_text_is_cut_off(qtbot, shown, mode, theme_name):
    theme.apply(QApplication.instance(), theme_name)
    if mode != "bench":
        shown.controller.dispatch(events.DemoSwitched(True))
    if mode == "reading":
        shown.window.demo.readingAsked.emit()
    QApplication.processEvents()
    window = shown.window
    assert window.width() <= 1280
    assert window.height() <= 800
    for widget in (*window.findChildren(QLabel), *controls(window)):
        if not widget.isVisible() or not getattr(widget, "text", str)():
            continue
        words = widget.text()
        if window.controls.isAncestorOf(widget):
            right = widget.mapTo(window._left.viewport(), widget.rect().topRight())
            assert right.x() < window._left.viewport().width(), words
        if isinstance(widget, QLabel) and widget.wordWrap():
            needed = widget.heightForWidth(widget.width())
            assert widget.height() >= needed, words
        elif isinstance(widget, QLabel | QPushButton | QToolButton):
            # Style sheets may add a pixel of frame that the text does not need.
            assert widget.width() + 1 >= widget.minimumSizeHint().width(), words
    theme.apply(QApplication.instance(), "light")


def luminance(colour):
    parts = (colour.redF(), colour.greenF(), colour.blueF())
    red, green, blue = (
        part / 12.92 if part <= 0.03928 else ((part + 0.055) / 1.055) ** 2.4
        for part in parts
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


def contrast(picture):
    """Return the largest contrast to the corner of a picture, as WCAG counts it."""
    ground = luminance(picture.pixelColor(0, 0))
    found = []
    for y in range(picture.height()):
        for x in range(picture.width()):
            here = luminance(picture.pixelColor(x, y))
            light, dark = max(here, ground), min(here, ground)
            found.append((light + 0.05) / (dark + 0.05))
    return max(found)


@pytest.mark.parametrize("theme_name", ["light", "dark"])
def test_boxes_and_handles_are_seen_in_both_themes(qtbot, theme_name):
    theme.apply(QApplication.instance(), theme_name)
    box, slider = QCheckBox(), QSlider(Qt.Orientation.Horizontal)
    for widget in (box, slider):
        qtbot.addWidget(widget)
    slider.resize(40, 24)
    empty = box.grab().toImage()
    box.setChecked(True)
    ticked = box.grab().toImage()
    assert contrast(empty) >= 3
    assert contrast(ticked) >= 3
    assert contrast(slider.grab().toImage()) >= 3
    # the tick itself, inside the filled box
    colours = {
        ticked.pixelColor(x, y).rgb() for x in range(4, 12) for y in range(4, 14)
    }
    assert len(colours) > 3
    theme.apply(QApplication.instance(), "light")


def test_columns_come_back_as_wide_as_they_were(qtbot, shown, settings):
    split = shown.window._split
    split.setSizes([330, 560, 380])
    QApplication.processEvents()
    widths = split.sizes()
    settings.save(shown.store.state, shown.window.saveGeometry(), shown.window.splitter)
    split.setSizes([300, 660, 320])
    QApplication.processEvents()
    shown.window.restore_splitter(settings.splitter)
    assert split.sizes() == widths
