"""Names with markup, formulas, escapes and direction marks steer nothing."""

import csv
import io
import xml.etree.ElementTree as ET
from dataclasses import replace

import pytest
from conftest import is_idle
from html5lib import HTMLParser, getTreeWalker

from app.cli.console import print_table
from app.export.points import as_csv
from app.export.report import facts_of, page
from app.plots.registry import CHARTS
from app.plots.svg import chart_svg
from app.plots.trial_data import trial_data
from core.export import Card, model_card
from core.sources import Source
from core.types import ModelSpec

NAMES = (
    "<script>alert(1)</script>",
    "\"><img src=x onerror='alert(1)'>",
    "{{ 7 * 7 }}{% include 'style.css' %}",
    "</style></title><b>",
    "=HYPERLINK(1)",
    "a\x1b[2J\x00\u202egnp\u2066.b\u200b\n# c",
    "byte \udcff",
)


@pytest.fixture(params=NAMES)
def name(request):
    return request.param


@pytest.fixture
def facts(qtbot, ready, name):
    """A result whose model, tile, classes, layers and machine have this name."""
    ready.controller.set_request(sparsity=0.7)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=20_000)
    found = facts_of(ready.store.state)
    card = replace(
        found.opened.model, source=name, name=name, about=name, classes=(name,) * 3
    )
    picture = replace(found.opened.picture, name=name)
    opened = replace(
        found.opened, model=card, picture=picture, source=Source("file", name)
    )
    asked = replace(
        found.outcome.request, heuristic=name, locked=(name,), ratios=((name, 0.5),)
    )
    outcome = replace(found.outcome, request=asked, warnings=(name,))
    trials = tuple(
        replace(
            trial,
            identity=replace(trial.identity, model=name, data=name, request=asked),
        )
        for trial in found.trials
    )
    return replace(
        found,
        opened=opened,
        outcome=outcome,
        trials=trials,
        machine={name: name},
        when="2026-01-02",
    )


def _elements(source):
    walk = getTreeWalker("etree")(HTMLParser(strict=True).parse(source))
    tokens = [t for t in walk if t["type"] in {"StartTag", "EmptyTag"}]
    return [(t["name"], sorted(key[1] for key in t["data"])) for t in tokens]


def test_the_report_has_the_same_elements_under_any_name(facts, name):
    plain = "plain"
    source = page(facts)
    card = replace(
        facts.opened.model, source=plain, name=plain, about=plain, classes=(plain,) * 3
    )
    opened = replace(facts.opened, model=card, source=Source("file", plain))
    opened = replace(opened, picture=replace(opened.picture, name=plain))
    harmless = replace(
        facts,
        opened=opened,
        machine={plain: plain},
        outcome=replace(facts.outcome, warnings=(plain,)),
    )
    assert _elements(source) == _elements(page(harmless))
    found = {name for name, _ in _elements(source)}
    assert not found & {"script", "b"}
    assert source.replace("\n", "").isprintable()
    assert source.encode()


def test_every_chart_stays_a_drawing(facts, name):
    data = trial_data(facts.trials, {name: name}, (facts.outcome.request,), {})
    for kind in CHARTS:
        chart = kind.build(data, facts.plots.of(kind.key))
        chart = replace(chart, title=name, x=replace(chart.x, title=name))
        ET.fromstring(chart_svg(chart))


def test_points_are_no_formulas(facts):
    rows = list(csv.reader(io.StringIO(as_csv(facts.trials, "machine"))))
    assert len(rows) == len(facts.trials) + 1
    for row in rows[1:]:
        for cell in (row[0], row[1], row[4]):
            assert cell[:1] not in {"=", "+", "-", "@"}
            assert cell.isprintable()


def test_the_model_card_keeps_its_headings(facts, name):
    card = model_card(
        Card(
            spec=ModelSpec(name, "nuclei", "unet", classes=(name,)),
            source=name,
            request=facts.outcome.request,
            plan_hash="p",
            dense=facts.opened.counts,
            pruned=facts.outcome.counts,
            tile=name,
            scores={"against truth": {"aji": 0.5}},
            machine={name: name},
            parent=f"# Card\n\n## Data\n\n{name}",
        )
    )
    lines = card.split("\n")
    assert [line for line in lines if line.startswith("## ")] == [
        "## What it is",
        "## Scores",
        "## Speed",
        "## Data and licences, as the dense model's card has them",
    ]
    assert card.replace("\n", "").isprintable()
    outside = "".join(card.split("`")[::2])  # code shows its text as it is
    assert "<script" not in outside.replace("\\<", "")
    assert "<img" not in outside.replace("\\<", "")


def test_a_terminal_is_not_steered(name, capsys):
    print_table(["name"], [[name]])
    words = capsys.readouterr().out
    assert words.replace("\n", "").isprintable()
