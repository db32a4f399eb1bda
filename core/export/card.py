"""The model card: what must be known about a pruned model, in Markdown."""

from __future__ import annotations

import re
from dataclasses import dataclass, field
from importlib.resources import files
from pathlib import Path
from typing import TYPE_CHECKING, Any

from core.printable import (
    to_markdown,
    to_markdown_code,
    without_tags,
)
from core.tables import metric_titles

if TYPE_CHECKING:
    from collections.abc import Mapping

    from core.types import Counts, ModelSpec, PruneRequest

_UNKNOWN = (
    "The dense model came without a card: the data it learned from and their "
    "licences are not known here. Find out before passing this model on."
)


@dataclass(frozen=True, slots=True)
class Card:
    """Everything that a model card says.

    Parameters
    ----------
    spec
        Of the dense model.
    source
        What the dense model was opened from.
    request
        What was asked for.
    plan_hash
        Names what was kept.
    dense, pruned
        Sizes.
    input_size
        Height and width that multiply-accumulates are counted for.
    tile
        Name of the tile that scores and times are for; of a patch classifier, how
        many patches of which folder.
    scores
        Column title ("against truth", ...) to scores by name, 0 to 1.
    latency
        As `core.results.Comparison.summary` gives it; empty when it was not measured.
    machine
        Words by name: processor, versions.
    parent
        Markdown of the dense model's own card, or an empty string.
    """

    spec: ModelSpec
    source: str
    request: PruneRequest
    plan_hash: str
    dense: Counts
    pruned: Counts
    input_size: tuple[int, int] = (256, 256)
    tile: str = ""
    scores: Mapping[str, Mapping[str, float | None]] = field(default_factory=dict)
    latency: Mapping[str, Any] = field(default_factory=dict)
    machine: Mapping[str, str] = field(default_factory=dict)
    parent: str = ""
    calibration: str = ""


def card_beside(source: str) -> str:
    """Return the model card of a model that was opened, or an empty string.

    Parameters
    ----------
    source
        A path, whose card has the same name with ``.md``, or a catalogue name.
    """
    beside = Path(source).with_suffix(".md")
    try:
        if Path(source).suffix and beside.is_file():
            return beside.read_text(encoding="utf-8")
        shipped = files("resources") / f"{source}.md"
        return shipped.read_text(encoding="utf-8") if shipped.is_file() else ""
    except (OSError, ValueError):
        return ""


def find_types_note(card: str) -> str:
    """Return what a model card says of how nucleus types were learned, as a sentence.

    Empty where it says nothing that a reader of types must know.
    """
    found = re.search(r"types were learned on [^.;\n]+", card)
    return f"{found[0][:1].upper()}{found[0][1:]}." if found else ""


def model_card(card: Card) -> str:
    """Write a model card.

    Returns
    -------
    str
        Markdown.
    """
    ask, name = card.request, to_markdown(card.spec.name)
    lines = [
        f"# Model card: {name}, pruned",
        "",
        "**Not for diagnosis.** Made and measured with PruneScope; nothing here was "
        "validated on patients.",
        "",
        "## What it is",
        "",
        f"{name} ({to_markdown(card.spec.architecture)}), opened from "
        f"{to_markdown_code(card.source)}, "
        f"with channels removed by plan `{card.plan_hash}`: heuristic "
        f"{to_markdown_code(ask.heuristic)}, scope {to_markdown_code(ask.scope)}, "
        f"asked for {ask.sparsity:.1%} of "
        f"{_counted(ask.count)}, recovery `{ask.recovery}`, seed {ask.seed}.",
        "",
        _feeding(card.spec) + _calibrated(card.calibration),
        "",
        "| | dense | pruned | removed |",
        "| --- | --- | --- | --- |",
    ]
    for key, title in (
        ("params", "parameters"),
        ("macs", f"multiply-accumulates {_per_input(card.input_size)}"),
        ("channels", "channels"),
    ):
        before, after = getattr(card.dense, key), getattr(card.pruned, key)
        gone = 1 - after / max(before, 1)
        lines.append(f"| {title} | {before:,} | {after:,} | {gone:.1%} |")
    lines += ["", "## Scores", "", *_scores(card)]
    lines += ["", "## Speed", "", _speed(card)]
    lines += [
        f"- {to_markdown(what)}: {to_markdown(words)}"
        for what, words in card.machine.items()
    ]
    lines += ["", "## Data and licences, as the dense model's card has them", ""]
    lines.append(_data(card.parent))
    return "\n".join(lines) + "\n"


def _per_input(size: tuple[int, int]) -> str:
    return f"per {size[1]}\N{MULTIPLICATION SIGN}{size[0]}"


def _counted(count: str) -> str:
    return {"params": "the parameters", "macs": "the multiply-accumulates"}.get(
        count, "the channels"
    )


def _feeding(spec: ModelSpec) -> str:
    """Return how the network is fed."""
    low, high = spec.input_range
    words = f"Input RGB (n, 3, height, width), {low:g} for black to {high:g} for white"
    if any(spec.mean) or any(value != 1 for value in spec.std):
        words += f", less {list(spec.mean)}, over {list(spec.std)}"
    if spec.stride > 1:
        words += f"; height and width multiples of {spec.stride}"
    if spec.mpp is not None:
        words += f"; learned at {spec.mpp:g} micrometres per pixel"
    if spec.classes:
        words += f". Types: {', '.join(map(to_markdown, spec.classes))}"
    return words + "."


def _calibrated(on: str) -> str:
    """Return what activation statistics were read from."""
    return f" Calibrated, without labels, on: {to_markdown(on)}." if on else ""


def _scores(card: Card) -> list[str]:
    """Return the table of scores."""
    columns = {title: each for title, each in card.scores.items() if each}
    if not columns:
        return ["None were computed."]
    tile = to_markdown(card.tile)
    place = f"On one tile, {tile or 'unnamed'}; a single tile says little about "
    lines = [
        # a classifier is judged by a folder of patches
        f"On {tile}." if card.spec.task == "patch" else f"{place}others.",
        "",
        "| | " + " | ".join(columns) + " |",
        "| --- " * (len(columns) + 1) + "|",
    ]
    for name, title in metric_titles().items():
        if not any(name in scores for scores in columns.values()):
            continue
        cells = [_cell(scores.get(name)) for scores in columns.values()]
        lines.append(f"| {title} | " + " | ".join(cells) + " |")
    return lines


def _cell(value: float | None) -> str:
    return "-" if value is None or value != value else f"{value:.3f}"


def _speed(card: Card) -> str:
    timed = card.latency
    if not timed:
        return "It was not measured.\n"
    if timed["speedup"] is None:
        return (
            f"The network alone: {timed['dense']:.3g} ms dense; how much faster the "
            f"pruned one is: {timed['verdict']}. Measured on this machine:\n"
        )
    low, high = timed["interval"]
    return (
        f"The network alone: {timed['dense']:.3g} ms dense, {timed['pruned']:.3g} ms "
        f"pruned, {timed['speedup']:.2f} times as fast ({low:.2f} to {high:.2f}): "
        f"{timed['verdict']}. Measured side by side on this machine; the ratio is the "
        "trimmed mean of the ratios of paired calls:\n"
    )


def _data(parent: str) -> str:
    """Return what a card says about data and licences."""
    wanted = re.compile(r"data|licen[cs]e", re.IGNORECASE)
    parts = re.split(r"(?m)^(?=## )", parent)
    taken = [part for part in parts[1:] if wanted.search(part.partition("\n")[0])]
    if not taken:
        return _UNKNOWN
    words = without_tags("".join(taken)).replace("## ", "### ", 1).strip()
    return words.replace("\n## ", "\n### ")
