"""Fine-tuning on the command line: its options, all of them explained."""

import re
from pathlib import Path

import pytest

from app.__main__ import main
from app.cli.arguments import parse
from core.models import catalogue
from core.types import FineTune

ROOT = Path(__file__).parents[2]
OPTIONS = ("--data", "--minutes", "--steps", "--rate", "--distil", "--device")
PRUNE = ["prune", "--model", "demo", "--tile", "t.png", "--heuristic", "l2"]
PRUNE += ["--sparsity", "0.5", "--recovery", "finetune"]


def test_every_option_of_fine_tuning_is_explained(capsys):
    with pytest.raises(SystemExit) as ended:
        parse(["prune", "--help"])
    assert ended.value.code == 0
    words = capsys.readouterr().out.partition("with --recovery finetune:")[2]
    guide = (ROOT / "docs" / "training.md").read_text(encoding="utf-8")
    for option in OPTIONS:
        explained = re.search(rf"{option}\b[^\n]*(\n +)?[a-z]\w+ \w+", words)
        assert explained, f"{option} has no word of help"
        assert option in guide


@pytest.mark.parametrize(
    ("options", "training"),
    [
        ([], FineTune()),
        (["--minutes", "5"], FineTune(minutes=5.0)),
        (["--steps", "30"], FineTune(steps=30, minutes=0.0)),
        (["--rate", "0.01", "--seed", "3"], FineTune(rate=0.01, seed=3)),
        (["--data", "d", "--no-distil"], FineTune(data="d", distil=False)),
        (["--device", "cpu"], FineTune(device="cpu")),
    ],
)
def test_every_option_reaches_the_training(options, training):
    assert parse([*PRUNE, *options]).request.training == training


def test_inspect_without_a_model_lists_what_can_be_opened(capsys):
    assert main(["inspect"]) == 0
    lines = capsys.readouterr().out.splitlines()
    assert [line.split()[0] for line in lines] == list(catalogue())
