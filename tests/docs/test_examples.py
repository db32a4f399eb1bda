"""The examples of the README and the guide run as they are printed."""

import re
from functools import partial
from pathlib import Path

import torch

from core.models import load_model
from core.pruning import apply_plan, make_plan, register, trace
from core.pruning.scoring.heuristics.registry import forget
from tests.core.models.cases import fresh

ROOT = Path(__file__).parents[2]


def example(page, *, of):
    """Return the Python example of a page that holds some word."""
    text = (ROOT / page).read_text(encoding="utf-8")
    found = [b for b in re.findall(r"```python\n(.*?)```", text, re.DOTALL) if of in b]
    assert len(found) == 1
    return compile(found[0], page, "exec")


def test_the_heuristic_of_the_guide_prunes(request):
    names = {}
    exec(example("docs/extending.md", of="LARGEST"), names)
    request.addfinalizer(partial(forget, register(names["LARGEST"])))
    module = fresh("unet").module
    image = torch.rand(1, 3, 64, 64)
    graph = trace(module, image)
    plans = [make_plan(module, graph, name, 0.5) for name in ("largest_weight", "l2")]
    ours, theirs = (apply_plan(module, plan) for plan in plans)
    before, after = (sum(p.numel() for p in m.parameters()) for m in (module, ours))
    assert after <= 0.55 * before
    assert plans[0].hash != plans[1].hash  # it ranks by something else
    assert [o.shape for o in ours(image).values()] == [
        o.shape for o in theirs(image).values()
    ]


def test_the_library_example_of_the_readme(monkeypatch):
    names = {"batches": [torch.rand(1, 3, 64, 64)]}
    small = fresh("unet")
    monkeypatch.setattr("core.models.load_model", lambda _: small)
    exec(example("README.md", of="apply_plan"), names)
    assert load_model("demo").spec.name  # the name that it uses is in the catalogue
    before, after = (
        sum(p.numel() for p in module.parameters())
        for module in (small.module, names["smaller"])
    )
    assert 0.1 * before < after <= 0.25 * before
