"""The report: whole in itself, with the figures of the state."""

import base64
import io
import re
import xml.etree.ElementTree as ET
from dataclasses import replace
from html.parser import HTMLParser

import pytest
from conftest import is_idle
from html5lib import HTMLParser as HTMLParser5
from PIL import Image

from app.cli.arguments import parse
from app.export.report import facts_of, page, repeat_line
from app.plots.registry import charts_for
from app.plots.trial_data import trial_data
from app.text import format as text
from core.results import LayerStep
from core.types import FineTune, PruneRequest

VOID = {"meta", "img", "br", "link", "hr", "input"}


class Page(HTMLParser):
    """Checks that tags close in order; collects text, cells and pictures."""

    def __init__(self, source):
        super().__init__(convert_charrefs=True)
        self.open, self.links, self.images, self.words = [], [], [], []
        self.feed(source)
        self.close()
        assert self.open == []

    def handle_starttag(self, tag, attrs):
        if tag not in VOID:
            self.open.append(tag)
        for name, value in attrs:
            if name in {"src", "href", "data", "action"}:
                (self.images if tag == "img" else self.links).append(value)

    def handle_startendtag(self, tag, attrs):
        pass

    def handle_endtag(self, tag):
        assert self.open.pop() == tag

    def handle_data(self, data):
        self.words.append(data)


@pytest.fixture
def facts(qtbot, ready):
    ready.controller.set_request(sparsity=0.7)
    qtbot.waitUntil(lambda: is_idle(ready), timeout=20_000)
    found = facts_of(ready.store.state)
    return replace(found, machine={"Processor": "A & B <CPU>"}, when="2026-01-02")


def test_nothing_is_loaded_and_the_tags_close(facts):
    source = page(facts)
    found = Page(source)
    assert found.links == []
    assert len(found.images) == 3
    assert not re.search(r"https?://|url\(|@import|<script", source)
    assert "default-src 'none'" in source
    assert "Not for diagnosis" in " ".join(found.words)


def test_a_browser_finds_nothing_to_repair(facts):
    for each in (facts, replace(facts, measured=None, trials=())):
        HTMLParser5(strict=True).parse(page(each))  # raises at the first error


def test_figures_are_those_of_the_state(facts):
    words = " ".join(Page(page(facts)).words)
    for value in (
        f"{facts.opened.counts.params:,}",
        f"{facts.outcome.counts.params:,}",
        f"{facts.outcome.counts.macs:,}",
        text.milliseconds(facts.measured.pruned_ms),
        text.speedup(facts.measured.speedup),
        text.score(facts.outcome.agreement["aji"]),
        f"{facts.outcome.changes.count('lost').events:,} lost",
        "A & B <CPU>",
        facts.command,
        "reconstruction",
    ):
        assert value in words


def test_it_says_where_the_time_goes_and_what_one_step_less_would_save(facts):
    layers = (
        LayerStep("encoder.0.conv1", 8.0, 6.0, 17, 16, 1.23),
        LayerStep("head", 2.0, 2.0, 4),
    )
    slow = "The layer encoder.0.conv1 takes most of the time"
    facts = replace(facts, measured=replace(facts.measured, layers=layers, reason=slow))
    words = " ".join(Page(page(facts)).words)
    assert "Where the time goes" in words
    assert "17 to 16 channels would save 1.2 ms" in words
    assert text.milliseconds(6.0) in words
    assert slow in words
    bare = replace(facts, measured=replace(facts.measured, layers=()))
    assert "Where the time goes" not in " ".join(Page(page(bare)).words)


def test_widths_of_an_aim_at_time_are_those_of_the_computer(facts):
    ask = replace(facts.outcome.request, count="latency")
    timed = replace(facts, outcome=replace(facts.outcome, request=ask))
    words = " ".join(Page(page(timed)).words)
    assert "those that this computer computes well" in words
    assert "those that this computer computes well" not in page(facts)


def test_pictures_show_the_tile_and_what_is_lost(facts):
    sizes = []
    for address in Page(page(facts)).images:
        data = base64.b64decode(address.removeprefix("data:image/png;base64,"))
        sizes.append(Image.open(io.BytesIO(data)).size)
    width, height = facts.picture.size
    assert set(sizes) == {(width * 2, height * 2)}  # a small tile is enlarged


def test_charts_are_well_formed_with_a_mark_for_each_point(facts):
    charts = re.findall(r"<svg.*?</svg>", page(facts), re.DOTALL)
    trees = [ET.fromstring(chart) for chart in charts]
    kinds = charts_for("trials")
    titles = [tree.findtext("title").partition(":")[0] for tree in trees]
    assert titles == [kind.title for kind in kinds]
    data = trial_data(
        facts.trials,
        {each.name: each.title for each in facts.opened.heuristics},
        (facts.outcome.request,),
        facts.opened.scores or {},
    )
    for tree, kind in zip(trees, kinds, strict=True):
        chart = kind.build(data, facts.plots.of(kind.key))
        marks = [
            mark
            for group in tree.iter("g")
            if group.get("class") == "curve"
            for mark in group
            if (mark.get("class") or "").startswith("mark")
        ]
        assert len(marks) == len(list(chart.points))
        colours = {mark.get("stroke") for mark in marks}
        expected = {
            "#{:02x}{:02x}{:02x}".format(*series.colour) for series in chart.series
        }
        assert colours == expected, "the window's colours"
        _, _, width, height = map(float, tree.get("viewBox").split())
        for mark in tree.iter("circle"):
            assert 0 <= float(mark.get("cx")) <= width
            assert 0 <= float(mark.get("cy")) <= height
        assert sum(c.get("class") == "ring" for c in tree.iter("circle")) == 1


def test_what_was_not_measured_is_not_claimed(facts):
    bare = replace(facts, measured=None, trials=())
    words = " ".join(Page(page(bare)).words)
    assert "predicted" in words
    assert "Curves" not in words


@pytest.mark.parametrize(
    "request_",
    [
        PruneRequest("l2", 0.5),
        PruneRequest("l1", 0.123, "layer", "macs", "bn", 8, 4, 7, ("a.b", "c")),
        PruneRequest("l2", 0.5, steps=3, ratios=(("a", 0.25), ("b.c", 0.5))),
        PruneRequest("unstructured:magnitude", 0.5, recovery="none"),
        PruneRequest("l2", 0.5, count="latency"),
        PruneRequest("l2", 0.5, recovery="finetune"),
        PruneRequest(
            "l2",
            0.5,
            recovery="finetune",
            training=FineTune(steps=5, minutes=0, data="d x", rate=0.01, distil=False),
        ),
    ],
)
def test_the_command_line_asks_for_the_same(request_):
    import shlex

    line = repeat_line("demo", "a b.png|l.png", request_)
    found = parse(shlex.split(line)[1:])
    assert found.request == request_
    assert (found.model, found.source.pair) == ("demo", "a b.png|l.png")
