"""The model card of a pruned model that ships."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from importlib.resources import files
from typing import Any

from benchmarks.studies.statistics import relative_change
from benchmarks.training.evaluate import means
from core.pruning import PruningPlan
from core.training import Trained, TrainingSettings
from core.types import Counts

Table = Mapping[str, Mapping[str, float]]

_SCORES = ("aji", "dice", "pq", "f1", "types")
_TITLES = {
    "dsb2018_stained": "stained tissue, DSB 2018",
    "tnbc_naylor": "breast cancer H&E",
    "synthetic": "synthetic H&E",
}


@dataclass(frozen=True, slots=True)
class Made:
    """Everything that the card says.

    Parameters
    ----------
    name
        Of the model.
    sparsity
        Share of parameters that was asked for.
    plan
        What is kept.
    dense, pruned
        Sizes.
    before, after
        Source -> tile -> score -> value, of the demo model and of this one.
    settings
        Of the training.
    trained
        How it went.
    shares
        Of crops, by the groups of `benchmarks.training.demo.training_groups`.
    checked
        Number of training tiles that were kept back.
    latency
        ``dense``, ``pruned`` (ms), ``speedup``, ``interval``, ``threads``,
        ``processor``; empty when it was not measured.
    """

    name: str
    sparsity: float
    plan: PruningPlan
    dense: Counts
    pruned: Counts
    before: Mapping[str, Table]
    after: Mapping[str, Table]
    settings: TrainingSettings
    trained: Trained | None = None
    shares: Sequence[float] = ()
    checked: int = 0
    latency: Mapping[str, Any] = field(default_factory=dict)


def card(made: Made) -> str:
    """Write the card.

    Returns
    -------
    str
        Markdown.
    """
    lines = [
        f"# Model card: {made.name}",
        "",
        f"The demo model with {_gone(made, 'params'):.0%} of its parameters removed, "
        "then trained on. Everything that is said of the [demo model](demo.md) holds "
        "for it, unless said otherwise here.",
        "",
        "**Not for diagnosis.** Nothing here was validated on patients; types were "
        "learned on synthetic tiles only.",
        "",
        "## Size",
        "",
        "| | demo | this model | removed |",
        "| --- | --- | --- | --- |",
    ]
    for name, title in (
        ("params", "parameters"),
        ("macs", "multiply-accumulates"),
        ("channels", "channels"),
    ):
        sizes = f"{getattr(made.dense, name):,} | {getattr(made.pruned, name):,}"
        lines.append(f"| {title} | {sizes} | {_gone(made, name):.1%} |")
    lines += ["", "## Recipe", "", *_recipe(made), "", "## Scores", "", *_scores(made)]
    lines += ["", "## Speed", "", _speed(made.latency), "", _parts("Data", "Limits")]
    return "\n".join(lines).rstrip() + "\n"


def _gone(made: Made, name: str) -> float:
    before, after = getattr(made.dense, name), getattr(made.pruned, name)
    return float(1 - after / before)


def _recipe(made: Made) -> Sequence[str]:
    settings, trained = made.settings, made.trained
    assert trained is not None
    return [
        f"Made by `python -m benchmarks.shipped --names {made.name} --data "
        f"../shared/data --out resources --minutes {settings.minutes:g} "
        f"--rate {settings.rate:g} --seed {settings.seed}`.",
        "",
        f"1. Channels chosen by `reconstruction`, {made.sparsity:.0%} of the "
        f"parameters asked for (plan `{made.plan.hash}`, written out in "
        f"`{made.name}.plan.json`).",
        "2. Repaired in closed form (`refit`, then `sequential`) on patches of "
        "training tiles, without labels.",
        f"3. Trained for {trained.steps} steps ({trained.seconds / 60:.0f} min) of "
        f"{settings.batch} crops of {settings.crop} pixels on the tiles below with "
        "their labels, and on the demo model's outputs for the same crops "
        f"(distillation); AdamW, learning rate {settings.rate:g} falling to 0 by a "
        f"cosine, averaged weights ({settings.average:g}). Of the crops "
        f"{', '.join(f'{share:.0%}' for share in made.shares)} come from DSB 2018, "
        f"TNBC, synthetic H&E and synthetic immunohistochemistry. {_kept(made)} "
        "It ends by the clock, so a repeat gives scores like these, not the same bits.",
    ]


def _kept(made: Made) -> str:
    """Say which weights these are, of all that the training went through."""
    return (
        f"{made.checked} tiles of DSB 2018 that are among the training tiles below "
        "were kept back to watch the training by. The weights are the last ones: none "
        "were chosen, for the demo model knows those tiles, too."
    )


def _scores(made: Made) -> Sequence[str]:
    lines = [
        "Means over tiles that no training of either model saw (the names are in the "
        "demo model's card). Change: of the mean AJI, relative to the demo model's, "
        "with its 95 % interval by bootstrap over tiles.",
        "",
        "| tiles | model | AJI | Dice | PQ | F1 | right type | change of AJI |",
        "| --- | --- | --- | --- | --- | --- | --- | --- |",
    ]
    for source, table in made.after.items():
        tiles = f"{_TITLES.get(source, source)} ({len(table)})"
        lines.append(f"| {tiles} | demo | {_row(made.before[source])} | |")
        change = relative_change(
            {"tiles": {source: made.before[source]}}, [{"tiles": {source: table}}]
        )
        lines.append(f"| | {made.name} | {_row(table)} | {change} |")
    return lines


def _row(table: Table) -> str:
    found = means(table)
    cells = [found.get(name, float("nan")) for name in _SCORES]
    return " | ".join("-" if each != each else f"{each:.3f}" for each in cells)


def _speed(timed: Mapping[str, Any]) -> str:
    if not timed:
        return "It was not measured."
    low, high = timed["interval"]
    return (
        f"The network alone on 512x512 pixels: {timed['dense']:.0f} ms for demo, "
        f"{timed['pruned']:.0f} ms for this model, {timed['speedup']:.2f} times as "
        f"fast ({low:.2f} to {high:.2f}), measured in turns on {timed['processor']} "
        f"with {timed['threads']} thread(s)."
    )


def _parts(*titles: str) -> str:
    """Return chapters of the demo model's card."""
    text = (files("resources") / "demo.md").read_text(encoding="utf-8")
    chapters = [part.strip() for part in text.split("\n## ")[1:]]
    taken = [c for c in chapters if c.partition("\n")[0] in titles]
    return "\n\n".join(f"## {chapter}" for chapter in taken)
