"""How a model is opened, from the command line."""

import pytest

from app.__main__ import main
from app.cli.arguments import parse
from core.models import load_model, save_model
from core.options import ModelOptions, split_model

SOURCE = """
from torch import nn


class Net(nn.Module):
    def __init__(self):
        super().__init__()
        self.a = nn.Conv2d(3, 8, 3, padding=1)
        self.b = nn.Conv2d(8, 2, 1)

    def forward(self, x):
        return self.b(self.a(x).relu())
"""


@pytest.fixture(autouse=True)
def _nothing_is_allowed(monkeypatch):
    monkeypatch.setenv("PRUNESCOPE_ALLOWED_NETWORKS", "{}")


@pytest.mark.parametrize(
    "command",
    [
        ["prune", "--tile", "t", "--heuristic", "l2", "--sparsity", "0.5"],
        ["sweep", "--data", "d", "--heuristics", "l2", "--sparsities", "0.5",
         "--out", "o"],
        ["inspect"],
        [],
    ],
)  # fmt: skip
def test_every_command_takes_the_options_of_a_model(command):
    options = ["--model", "m.onnx", "--reader", "contour", "--threshold", "0,3",
               "--threshold", "smallest=30"]  # fmt: skip
    asked = parse([*command, *options])
    expected = ModelOptions("contour", {"": 0.3, "smallest": 30.0})
    assert split_model(asked.model) == ("m.onnx", expected)


def test_a_network_is_inspected_after_the_consent(tmp_path, capsys):
    file = tmp_path / "net.py"
    file.write_text(SOURCE + f"# {tmp_path}\n")
    asked = ["inspect", "--network", f"{file}:Net"]
    assert main(asked) == 2
    said = capsys.readouterr()
    assert "SHA-256" in said.err
    assert "--trust" in said.err
    assert main([*asked, "--trust"]) == 0
    said = capsys.readouterr()
    assert "running Net of" in said.err
    assert "242 parameters" in said.out


def test_what_was_asked_for_is_what_is_opened_and_saved(tmp_path):
    asked = parse(["--model", "unet-tiny", "--reader", "mask", "--threshold", "0.25"])
    model = load_model(asked.model)
    assert (model.spec.reader, model.spec.threshold) == ("mask", {"foreground": 0.25})
    save_model(tmp_path / "m.safetensors", model)
    assert load_model(tmp_path / "m.safetensors").spec == model.spec


def test_wrong_options_are_one_line(capsys):
    assert main(["inspect", "demo", "--threshold", "energy=0.4"]) == 2
    assert "has no threshold" in capsys.readouterr().err
    with pytest.raises(SystemExit) as caught:
        parse(["inspect", "demo", "--threshold", "much"])
    assert caught.value.code == 2
