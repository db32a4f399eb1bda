"""The table of models: a real model, sorted and filtered through a real view."""

import fakes
import pytest
from conftest import is_idle
from PySide6.QtCore import QModelIndex, Qt
from PySide6.QtTest import QAbstractItemModelTester

from app.plots.tables import COLUMNS, REQUEST, TrialFilter, TrialTable
from app.text.format import percent
from app.views.panels.table import Table
from core.types import PruneRequest

KEYS = [column.key for column in COLUMNS]


def trial(sparsity, heuristic="l2", aji=0.9, speedup=None):
    asked = PruneRequest(heuristic, sparsity)
    timed = fakes.timed(asked, 100.0, speedup) if speedup else None
    scores = dict.fromkeys(("aji", "pq", "dice", "f1"), aji)
    return fakes.trial(asked, scores=scores, kept=0.5, measured=timed)


TRIALS = (
    trial(0.5, aji=0.95, speedup=1.5),
    trial(0.1, aji=0.99),
    trial(0.9, "random", aji=0.2, speedup=10.0),
    trial(0.8, "random", aji=0.4),
)


@pytest.fixture
def table(qtbot):
    view = Table()
    qtbot.addWidget(view)
    view.resize(1200, 300)
    view.set_trials(TRIALS)
    view.show()
    return view


def column_of(view, key):
    column = KEYS.index(key)
    rows = range(view.shown.rowCount())
    return [view.shown.index(row, column).data() for row in rows]


def sparsities(view):
    return column_of(view, "sparsity")


def test_the_model_keeps_what_qt_asks_of_models(qtbot):
    model, proxy = TrialTable(), TrialFilter()
    proxy.setSourceModel(model)
    mode = QAbstractItemModelTester.FailureReportingMode.Fatal
    testers = [QAbstractItemModelTester(one, mode) for one in (model, proxy)]
    for trials in (TRIALS, TRIALS[1:], (trial(0.3), *TRIALS), (), TRIALS[:1]):
        model.set_trials(trials)
        proxy.set_terms("l2")
        proxy.set_terms("")
        assert model.rowCount() == len(trials)
    assert len(testers) == 2


def test_rows_that_stay_the_same_are_not_touched(qtbot):
    model, heard = TrialTable(), []
    model.set_trials(TRIALS)
    model.dataChanged.connect(lambda first, *_: heard.append(first.row()))
    model.rowsInserted.connect(lambda _, first, last: heard.append((first, last)))
    model.rowsRemoved.connect(lambda *_: heard.append("removed"))
    model.modelReset.connect(lambda: heard.append("reset"))
    timed = trial(0.1, aji=0.99, speedup=1.2)
    model.set_trials((TRIALS[0], timed, *TRIALS[2:], trial(0.33)))
    assert heard == [1, (4, 4)]


def test_a_click_on_a_header_sorts_by_value_not_by_word(qtbot, table):
    header = table.view.horizontalHeader()

    def click(key):
        at = header.sectionViewportPosition(KEYS.index(key)) + 8
        place = header.viewport().rect().topLeft()
        place.setX(at)
        place.setY(header.height() // 2)
        qtbot.mouseClick(header.viewport(), Qt.MouseButton.LeftButton, pos=place)

    click("sparsity")
    assert sparsities(table) == [percent(x, 1) for x in (0.1, 0.5, 0.8, 0.9)]
    click("speedup")
    rising = [words[:4] for words in column_of(table, "speedup")[:2]]
    click("speedup")
    falling = [words[:4] for words in column_of(table, "speedup")[:2]]
    # 10 is more than 1.5, and what was not measured comes last both ways.
    assert (rising, falling) == (["1.50", "10.0"], ["10.0", "1.50"])


@pytest.mark.parametrize(
    ("terms", "rows"),
    [
        ("", 4),
        ("random", 2),
        ("RANDOM refit", 2),
        ("random l2", 0),
        ("aji>0.3", 3),
        ("aji>0.3 random", 1),
        ("speedup>=1.5", 2),
        ("ms<11", 1),
        ("sparsity=50", 1),
        ("nothing>3", 0),
    ],
)
def test_every_term_of_the_filter_holds(qtbot, table, terms, rows):
    qtbot.keyClicks(table.filter, terms)
    assert table.shown.rowCount() == rows
    assert table._count.text() == (f"{rows} of 4 models" if terms else "4 models")


def test_a_row_is_chosen_by_click_and_by_enter_once(qtbot, table):
    heard = []
    table.rowChosen.connect(heard.append)
    place = table.view.visualRect(table.shown.index(2, 0)).center()
    left = Qt.MouseButton.LeftButton
    qtbot.mouseClick(table.view.viewport(), left, pos=place)
    qtbot.keyClick(table.view, Qt.Key.Key_Up)
    assert heard == [TRIALS[2].request]
    qtbot.keyClick(table.view, Qt.Key.Key_Return)
    assert heard == [TRIALS[2].request, TRIALS[1].request]


def test_marking_a_row_is_silent_and_survives_sorting(qtbot, table):
    heard = []
    table.rowChosen.connect(heard.append)
    table.set_current(TRIALS[3].request)
    table.view.sortByColumn(KEYS.index("aji"), Qt.SortOrder.AscendingOrder)
    (row,) = table.view.selectionModel().selectedRows()
    assert row.data(REQUEST) == TRIALS[3].request
    table.set_current(PruneRequest("l2", 0.123))
    assert not table.view.selectionModel().selectedRows()
    assert heard == []


def test_the_table_of_the_window_goes_where_it_says(qtbot, ready):
    ready.window.show()
    ready.window.show_table(True)
    first = ready.store.state.request
    ready.controller.set_request(heuristic="l2", sparsity=0.9)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=5000)
    table = ready.window.table
    assert table.trials.rowCount() == 2
    row = table.shown.mapFromSource(table.trials.index(table.trials.row_of(first), 0))
    (marked,) = table.view.selectionModel().selectedRows()
    assert marked.data(REQUEST) == ready.store.state.request
    table.view.setCurrentIndex(row)
    qtbot.keyClick(table.view, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=5000)
    assert ready.store.state.request == first
    assert not table.trials.index(0, 0).parent().isValid()
    assert table.trials.rowCount(table.trials.index(0, 0)) == 0
    assert isinstance(row, QModelIndex)


def test_a_hidden_table_costs_nothing_and_is_filled_when_it_appears(qtbot, ready):
    ready.window.show()
    ready.window.activateWindow()
    qtbot.waitUntil(ready.window.isActiveWindow, timeout=5000)
    assert ready.window.table.trials.rowCount() == 0
    qtbot.keyClick(ready.window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert ready.window.table.isVisible()
    assert ready.window.table.trials.rowCount() == len(ready.store.state.trials)
    qtbot.keyClick(ready.window, Qt.Key.Key_J, Qt.KeyboardModifier.ControlModifier)
    assert not ready.window.table.isVisible()
