import signal
import subprocess
import sys
from pathlib import Path

import pytest
import skimage
from PIL import Image

from app.__main__ import main
from app.cli.arguments import parse
from app.cli.commands import run
from app.cli.display import has_display
from core.types import FineTune

ROOT = Path(__file__).parents[2]


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("0:0.2:0.05", (0.0, 0.05, 0.1, 0.15, 0.2)),
        ("0.5", (0.5,)),
        ("0.1,0.9", (0.1, 0.9)),
        ("0:0.95:0.5", (0.0, 0.5)),
    ],
)
def test_sparsities(text, expected):
    arguments = [
        "sweep",
        "--model",
        "demo",
        "--data",
        "d",
        "--heuristics",
        "l1,l2",
        "--out",
        "r.sqlite",
    ]
    found = parse([*arguments, "--sparsities", text])
    assert found.sparsities == pytest.approx(expected)
    assert found.heuristics == ("l1", "l2")


def test_defaults_open_the_window():
    found = parse([])
    assert (found.command, found.model, found.tile, found.screenshot) == ("",) * 4


def test_model_and_tile_without_a_command():
    found = parse(["--tile", "t.png", "--model", "m.safetensors", "--labels", "l.png"])
    assert found.command == ""
    assert (found.model, found.source.pair) == ("m.safetensors", "t.png|l.png")


@pytest.mark.parametrize(
    ("line", "given"),
    [
        ("", False),
        ("--tile t.png", False),
        ("--sparsity 0", True),
        ("--scope layer", True),
    ],
)
def test_whether_a_request_was_given(line, given):
    assert parse(line.split()).given is given


def test_prune_request():
    line = (
        "prune --model demo --tile t.png --heuristic l2 --sparsity 0.7 --scope layer "
        "--count macs --recovery bn --json --out d"
    )
    found = parse(line.split())
    asked = found.request
    assert (asked.heuristic, asked.sparsity, asked.scope) == ("l2", 0.7, "layer")
    assert (asked.count, asked.recovery) == ("macs", "bn")
    assert found.as_json
    assert found.out == "d"


@pytest.mark.parametrize(
    "line",
    [
        "prune",
        "prune --model demo --tile t.png --heuristic l2 --sparsity 1.5",
        "prune --model demo --tile t.png --heuristic l2 --sparsity many",
        "prune --model demo --tile t.png --heuristic l2 --sparsity 0.5 --recovery x",
        "sweep --model demo --data d --heuristics , --sparsities 0.5 --out o",
        "sweep --model demo --data d --heuristics l2 --sparsities 0.5:0.1:0.1 --out o",
        "nothing",
        "--nonsense",
    ],
)
def test_bad_arguments_are_one_line_and_exit_2(line, capsys):
    with pytest.raises(SystemExit) as stop:
        main(line.split())
    assert stop.value.code == 2
    said = capsys.readouterr().err
    assert said.count("\n") == 1
    assert said.startswith("prunescope")


@pytest.mark.parametrize("command", ["", "prune", "sweep", "inspect"])
def test_help(command, capsys):
    with pytest.raises(SystemExit) as stop:
        main([*command.split(), "--help"])
    assert stop.value.code == 0
    assert "usage" in capsys.readouterr().out


def test_display_detection(monkeypatch):
    monkeypatch.setattr(sys, "platform", "linux")
    for name in ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM"):
        monkeypatch.delenv(name, raising=False)
    assert not has_display()
    monkeypatch.setenv("WAYLAND_DISPLAY", "wayland-0")
    assert has_display()


def test_nothing_heavy_is_imported_before_the_window():
    script = (
        "import sys; import app.__main__, app.bootstrap; "
        "import app.views.main_window.window; "
        "heavy = {'torch', 'scipy', 'skimage', 'pyqtgraph'} & set(sys.modules); "
        "sys.exit(repr(heavy) if heavy else 0)"
    )
    done = subprocess.run(
        [sys.executable, "-c", script], cwd=ROOT, capture_output=True, text=True
    )
    assert done.returncode == 0, done.stderr


def test_options_of_fine_tuning_are_read_and_belong_to_it(capsys):
    words = ["prune", "--model", "demo", "--tile", "t.png"]
    words += ["--heuristic", "l2", "--sparsity", "0.5"]
    tuned = [*words, "--recovery", "finetune"]
    assert parse(tuned).request.training == FineTune()
    more = ["--data", "D", "--minutes", "5", "--rate", "0.01", "--no-distil"]
    found = parse([*tuned, *more, "--seed", "3"]).request.training
    assert found == FineTune(0, 5.0, 0.01, "D", distil=False, seed=3)
    counted = parse([*tuned, "--steps", "7"]).request.training
    assert (counted.steps, counted.minutes) == (7, 0.0)
    for option, value in (("--data", "D"), ("--minutes", "2"), ("--steps", "4")):
        with pytest.raises(SystemExit) as ended:
            parse([*words, option, value])
        assert ended.value.code == 2
        message = capsys.readouterr().err
        assert f"{option} goes with --recovery finetune" in message
        assert message.count("\n") == 1
    for value in ("0", "-1", "soon"):
        with pytest.raises(SystemExit):
            parse([*tuned, "--minutes", value])
    sweep = "sweep --model demo --data D --heuristics l2 --sparsities 0.5 --out a.db"
    asked = parse([*sweep.split(), "--recovery", "finetune", "--train-data", "T"])
    assert asked.data == "D"
    assert asked.request.training.data == "T"


def test_fine_tuning_from_the_command_line(tmp_path, capsys):
    pixels = skimage.data.immunohistochemistry()[:64, :64]
    Image.fromarray(pixels).save(tmp_path / "tile.png")
    words = f"prune --model unet-tiny --tile {tmp_path / 'tile.png'} --heuristic l2"
    words += " --sparsity 0.5 --recovery finetune --steps 2 --device cpu"
    assert run(parse(words.split())) == 0
    assert "fine-tuning 2 steps" in capsys.readouterr().out
    assert run(parse([*words.split(), "--data", str(tmp_path / "no")])) == 2
    assert "is not a folder" in capsys.readouterr().err


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end otherwise there")
def test_a_reader_that_has_enough_is_no_fault():
    command = [sys.executable, "-u", "-m", "app", "inspect", "--model", "unet"]
    told = subprocess.Popen(
        command, cwd=ROOT, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    )
    told.stdout.readline()
    told.stdout.close()
    assert told.wait() == 0
    assert told.stderr.read() == ""
    told.stderr.close()


_STOPPED = """
import signal, sys, time
from app.cli import commands
from app.cli.arguments import parse

def work(asked):
    try:
        print("working", flush=True)
        time.sleep(60)
    finally:
        print("closed", flush=True)

signal.signal(signal.SIGINT, signal.default_int_handler)  # a shell may ignore it
commands._COMMANDS["inspect"] = work
sys.exit(commands.run(parse(["inspect"])))
"""


@pytest.mark.skipif(sys.platform == "win32", reason="POSIX signals")
@pytest.mark.parametrize("name", ["SIGINT", "SIGTERM", "SIGHUP"])
def test_a_signal_ends_a_command_in_order(name):
    process = subprocess.Popen(
        [sys.executable, "-c", _STOPPED],
        cwd=ROOT,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        text=True,
    )
    assert process.stdout.readline() == "working\n"
    process.send_signal(getattr(signal, name))
    out, err = process.communicate(timeout=60)
    assert (process.returncode, out, err) == (1, "closed\n", "prunescope: stopped\n")
