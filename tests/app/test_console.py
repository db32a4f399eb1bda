"""What commands write: to consoles of any encoding, and without a terminal."""

import io
import math
import sys

import pytest
from fakes import trial

from app.cli.arguments import COMMANDS, parse
from app.cli.console import (
    end_progress,
    print_table,
    progress,
    to_plain_line,
    write_replacements,
)
from app.cli.sweep_summary import trial_rows
from core.types import PruneRequest


@pytest.mark.parametrize("encoding", ["ascii", "cp1251", "cp932", "utf-8"])
def test_any_console_gets_every_line(monkeypatch, encoding):
    raw = io.BytesIO()
    monkeypatch.setattr(sys, "stdout", io.TextIOWrapper(raw, encoding=encoding))
    write_replacements()
    sys.stdout.write("1.50\u00d7 \u00b5m \u2013 \u65e5\n")
    print_table(("name", "AJI"), [("\u65e5", "0.912"), ("b", "\u2013")])
    sys.stdout.flush()
    lines = raw.getvalue().decode(encoding).splitlines()
    assert lines[0].startswith("1.50")
    assert "AJI" in lines[1]
    assert "0.912" in lines[2]


def test_without_a_terminal_there_is_a_line_now_and_then(capsys):
    now = 0.0

    def clock():
        return now

    job = progress(clock)
    for second in range(35):
        now = float(second)
        job.step(second, 35, "finding nuclei")
    assert capsys.readouterr().err.splitlines() == [
        "finding nuclei 10/35",
        "finding nuclei 20/35",
        "finding nuclei 30/35",
    ]


def test_names_steer_no_console(capsys):
    assert to_plain_line("a\x1b[31m\r\u202eb") == "a?[31m??b"
    print_table(("name",), [("[red]x[/red]\x1b[2J",)])
    assert "[red]x[/red]?[2J" in capsys.readouterr().out


def test_a_file_alone_is_opened(tmp_path):
    assert parse(["tile.png"]).tile == "tile.png"
    assert parse(["model.safetensors", "--tile", "t.png"]).model == "model.safetensors"
    bare = tmp_path / "tile"
    bare.write_bytes(b"x")
    assert parse([str(bare)]).tile == str(bare)
    with pytest.raises(SystemExit):
        parse(["prnue"])


@pytest.mark.parametrize("command", ["", *COMMANDS])
def test_every_option_is_explained(command, capsys):
    with pytest.raises(SystemExit):
        parse([*command.split(), "--help"])
    lines = capsys.readouterr().out.splitlines()
    start = next(i for i, line in enumerate(lines) if line.startswith("options"))
    options = [
        i for i, line in enumerate(lines) if line.startswith("  -") and i > start
    ]
    for here, after in zip(options, [*options[1:], len(lines)], strict=True):
        words = " ".join(lines[here:after]).split("  ")
        assert len([part for part in words if part.strip()]) >= 2, lines[here]


class Terminal(io.StringIO):
    def isatty(self):
        return True


def test_on_a_terminal_there_is_a_bar_until_it_ends(monkeypatch):
    monkeypatch.setenv("TERM", "xterm")
    terminal = Terminal()
    monkeypatch.setattr(sys, "stderr", terminal)
    job = progress()
    job.step(3, 35, "finding nuclei")
    job.step(0, 0, "measuring [red]\x1b[2J")
    shown = terminal.getvalue()
    assert "finding nuclei" in shown
    assert "3/35" in shown
    assert "measuring [red]?[2J" in shown
    end_progress()
    assert terminal.getvalue().endswith(("\x1b[2K", "\x1b[?25h"))
    written = len(terminal.getvalue())
    end_progress()
    assert len(terminal.getvalue()) == written


def test_a_table_of_trials_says_each_with_its_scores(capsys):
    requests = [PruneRequest("random", 0.5), PruneRequest("l2", 0.75)]
    requests.append(PruneRequest("l2", 0.5))
    scores = {"aji": 0.8125, "pq": math.nan}
    print_table(*trial_rows([trial(one, scores=scores) for one in requests]))
    header, *rows = capsys.readouterr().out.splitlines()
    assert header.split()[:4] == ["heuristic", "scope", "recovery", "asked"]
    assert "AJI" in header
    assert [row.split()[:4] for row in rows] == [
        ["l2", "network", "refit", "50.0"],
        ["l2", "network", "refit", "75.0"],
        ["random", "network", "refit", "50.0"],
    ]
    assert all("0.812" in row and "\u2013" in row for row in rows)
