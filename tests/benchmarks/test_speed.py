"""The page of speed-ups: intervals, goals, and a log that survives being killed."""

import numpy as np
import pytest
from PIL import Image

from benchmarks.speed import METHODS, Log, points
from benchmarks.speed_figure import draw
from benchmarks.speed_report import relative, write_report
from core.pruning import HEURISTICS


def test_relative_changes_and_their_intervals():
    dense = np.array([0.5, 0.7, 0.6, np.nan])
    assert relative(dense, dense) == (0, 0, 0)
    change, low, high = relative(0.9 * dense, dense)
    assert (change, low, high) == pytest.approx((-0.1, -0.1, -0.1))
    change, low, high = relative(np.array([0.4, 0.7, 0.6, 0.1]), dense)
    assert change == pytest.approx(-0.1 / 1.8)
    assert low < change < high <= 0


def test_points_name_heuristics_that_exist_and_come_once():
    found = list(points())
    assert len(set(found)) == len(found)
    assert {heuristic for heuristic, *_ in METHODS} <= set(HEURISTICS)


def test_a_log_that_was_cut_off_is_read(tmp_path):
    path = tmp_path / "speed.jsonl"
    book = Log(path)
    book.write({"key": "a", "share": 1})
    book.write({"key": "a", "share": 2})
    with path.open("a") as file:
        file.write('{"key": "b", "sh')
    assert Log(path).rows == {"a": {"key": "a", "share": 2}}


def _size(path):
    with Image.open(path) as picture:
        return picture.size


def test_a_picture_has_a_panel_for_each_network_that_was_timed(tmp_path):
    pytest.importorskip("matplotlib")
    dense = {"key": "d", "network": "net", "method": "dense", "aji": [0.5, 0.6]}
    timed = {**dense, "key": "s", "method": "sensitivity", "count": "latency",
             "times": {"256/1": [3.0, 2.9, 3.1]}}  # fmt: skip
    assert draw([dense], tmp_path / "none.png") is None
    other = [{**row, "network": "other"} for row in (dense, timed)]
    one = _size(draw([dense, timed], tmp_path / "one.png"))
    both = _size(draw([dense, timed, *other], tmp_path / "two.png"))
    assert both[0] > one[0]
    assert both[1] == one[1]


def test_the_page_says_which_goals_hold(tmp_path):
    base = {"network": "demo", "scope": "network", "machine": "m", "torch": "t"}
    rows = [
        {**base, "key": "d", "method": "dense", "count": "", "share": 0.0,
         "params": 1.0, "macs": 1.0, "aji": [0.5, 0.6], "loads": [0.5, 2.25],
         "weights": "0123456789abcdef"},
        {**base, "key": "s", "method": "sensitivity", "count": "latency", "share": 0.8,
         "params": 0.1, "macs": 0.2, "aji": [0.495, 0.594],
         "times": {"256/1": [5.5, 5.4, 5.6], "512/1": [3.0, 2.9, 3.1]}},
        {**base, "key": "p", "method": "peer", "count": "channels", "share": 0.5,
         "failed": "not installed"},
    ]  # fmt: skip
    write_report(rows, tmp_path)
    page = (tmp_path / "speed.md").read_text()
    assert "| sensitivity | 80% of latency | 10.0% | 20.0% |" in page
    assert "5.50 (5.40 to 5.60)" in page
    assert "weights 0123456789ab; load average 0.5 to 2.2." in page
    goal, point = "| 5 times at -2%, training-free", "| sensitivity, 80% of latency"
    assert f"{goal} | 256/1 {point} | 5.50 | yes |" in page
    assert f"{goal} | 512/1 {point} | 3.00 | no |" in page
    assert "not installed" in page
