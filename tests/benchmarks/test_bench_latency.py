"""The log of the benchmark of verdicts, and what it says of the runs."""

import pytest

from benchmarks.bench_latency import Log, measure, summary
from core.latency import TimingSettings


def test_runs_are_kept_and_not_run_again(tmp_path):
    """Real runs, as short as they get; the last line was cut short by a kill."""
    path = tmp_path / "runs.jsonl"
    settings = TimingSettings(seconds=0.1, min_blocks=1, warmup=1, threads=1)
    measure(Log(path), 1, settings)
    rows = Log(path).rows
    assert [(row["run"], row["side"]) for row in rows] == [
        (0, "copy"),
        (0, "ten_percent_fewer_macs"),
    ]
    kept = path.read_text().rstrip("\n").splitlines()
    path.write_text("\n".join([*kept[:-1], kept[-1][:40]]))
    log = Log(path)
    assert log.rows == rows[:1]
    measure(log, 1, settings)
    again = Log(path).rows
    assert again[0] == rows[0]
    assert [(row["run"], row["side"]) for row in again] == [
        (row["run"], row["side"]) for row in rows
    ]
    assert not Log(path).holds(0, "copy", 5.0)


@pytest.mark.parametrize(("wrong", "held"), [(0, True), (5, True), (6, False)])
def test_targets_are_shares_of_the_runs(wrong, held):
    row = {
        "took": 1.0,
        "speedup": 1.0,
        "interval": [0.98, 1.02],
        "blocks": 16,
        "median_ms": 20.0,
        "wall_median_ms": 21.0,
        "load": 1.0,
        "clock": "processor",
        "threads": 1,
        "isolated": True,
        "nice": 0,
        "nice_of_load": 0,
        "time": "2026-01-01T00:00:00Z",
    }
    copies = [
        row | {"side": "copy", "verdict": "slower" if i < wrong else "no difference"}
        for i in range(100)
    ]
    fewer = [row | {"side": "ten_percent_fewer_macs", "verdict": "faster"}] * 100
    found = summary(copies + fewer)
    assert found["sides"]["copy"]["held"] is held
    assert found["sides"]["copy"]["runs"] == 100
    assert found["sides"]["ten_percent_fewer_macs"]["held"]
    assert found["half_width_of_interval"] == [0.02, 0.02, 0.02]
