"""The process that measures may be killed: what was computed by then is written."""

import json

import psutil

from app.__main__ import main
from app.cli import commands
from core.job import Job

PRUNE = "prune --model unet-tiny --tile sample:synthetic --heuristic l2 --sparsity 0.5"


def test_the_model_and_its_scores_are_there_without_a_latency(
    tmp_path, monkeypatch, capsys
):
    killed = []

    def kill(step):
        if step.kind == "latency" and step.total and not killed:
            for child in psutil.Process().children(recursive=True):
                killed.append(child.pid)
                child.kill()

    monkeypatch.setattr(commands, "progress", lambda: Job(kill))
    out = tmp_path / "out"
    assert main([*PRUNE.split(), "--recovery", "none", "--out", str(out)]) == 0
    assert killed
    said = capsys.readouterr().out
    assert "latency     not measured" in said
    assert "Latency is missing. The process that measures ended by itself" in said
    assert (out / "pruned.safetensors").is_file()
    assert (out / "report.html").is_file()
    result = json.loads((out / "result.json").read_text())
    assert result["latency_ms"]["dense"] is None
    assert result["latency_ms"]["verdict"] == "not measurable now"
    assert result["scores"]["agreement"]
    assert any("Latency is missing" in note for note in result["notes"])
