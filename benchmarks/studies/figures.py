"""The figures of the studies, as PNG."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies.claims_structured import group_shares
from benchmarks.studies.claims_unstructured import change_of
from benchmarks.studies.statistics import Entry, mean_score
from benchmarks.studies.verdicts import chosen, recipes

# Okabe and Ito: can be told apart by everyone
_COLOURS = ("#0072B2", "#D55E00", "#009E73", "#CC79A7", "#E69F00", "#56B4E9", "#000000")
_LINES = ("-", "--", ":", "-.")


def _canvas(panels: int, title: str) -> tuple[Any, list[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    figure = Figure(figsize=(5.2 * panels, 4.2), dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    axes = figure.subplots(1, panels, squeeze=False)[0]
    return figure, list(axes)


def structured_figures(entries: Sequence[Entry], out: Path) -> list[Path]:
    """Draw AJI over sparsity, over speed-up, and what is damaged first.

    Parameters
    ----------
    entries
        Of the study's log.
    out
        Folder.
    """
    made = []
    for name in dict.fromkeys(e["network"] for e in entries):
        own = [e for e in entries if e["network"] == name]
        dense = chosen(own, heuristic="dense")
        others = [e for e in own if e["heuristic"] != "dense"]
        if dense and others:
            made.append(_curves(name, dense[0], others, out))
            made.append(_damage(name, others, out))
    return made


def _curves(name: str, dense: Entry, others: Sequence[Entry], out: Path) -> Path:
    figure, (left, right) = _canvas(2, f"{name}: parameters removed and what is left")
    heuristics = list(dict.fromkeys(e["heuristic"] for e in others))
    groups = recipes(others, ("heuristic", "mode", "recovery"))
    styles = {"none": 0, "refit": 1, "finetune": 2}
    for recipe, members in groups.items():
        heuristic, mode, recovery = recipe.split(", ")
        style = 3 if mode == "iterative" else styles[recovery]
        colour = _COLOURS[heuristics.index(heuristic) % len(_COLOURS)]
        look = {"color": colour, "linestyle": _LINES[style], "marker": ".", "lw": 1.2}
        at = sorted({e["sparsity"] for e in members})
        values = [mean_score(chosen(members, sparsity=s)) for s in at]
        left.plot([100 * s for s in at], values, label=recipe, **look)
        timed = [e for e in members if e.get("latency")]
        if timed:
            speed = [e["latency"]["speedup"] for e in timed]
            right.plot(speed, [mean_score([e]) for e in timed], **look)
    base = mean_score([dense])
    for axis in (left, right):
        axis.axhline(base, color="0.5", lw=0.8)
        axis.axhline(0.98 * base, color="0.5", lw=0.8, linestyle=":")
        axis.set_ylabel("AJI")
    left.set_xlabel("parameters removed, %")
    right.set_xlabel("times faster")
    left.legend(fontsize=5, ncols=2)
    return _saved(figure, out / f"structured_{name}.png")


def _damage(name: str, others: Sequence[Entry], out: Path) -> Path:
    figure, (axis,) = _canvas(1, f"{name}: nuclei still found (reconstruction, refit)")
    own = chosen(others, heuristic="reconstruction", recovery="refit") or list(others)
    at = sorted({e["sparsity"] for e in own})
    shares = [group_shares(chosen(own, sparsity=s)) for s in at]
    groups = sorted({group for share in shares for group in share})
    for number, group in enumerate(groups):
        axis.plot(
            [100 * s for s in at],
            [100 * share.get(group, np.nan) for share in shares],
            label=group,
            color=_COLOURS[number % len(_COLOURS)],
            linestyle=_LINES[number // len(_COLOURS) % len(_LINES)],
            marker=".",
        )
    axis.set_xlabel("parameters removed, %")
    axis.set_ylabel("nuclei of the dense network still found, %")
    if groups:
        axis.legend(fontsize=6)
    return _saved(figure, out / f"structured_{name}_damage.png")


def unstructured_figures(entries: Sequence[Entry], out: Path) -> list[Path]:
    """Draw the change of each branch and of the instances over sparsity.

    Parameters
    ----------
    entries
        Of the study's log.
    out
        Folder.
    """
    dense = chosen(entries, branch="dense")
    others = [e for e in entries if e["branch"] != "dense"]
    if not dense or not others:
        return []
    panels = (
        ("segmentation", "branch_dice", "Dice of the segmentation branch"),
        ("distance", "branch_mse", "squared error of the distance branch"),
        ("both", "aji", "AJI of the instances"),
    )
    figure, axes = _canvas(3, "Single weights set to zero, relative change")
    for axis, (branch, score, caption) in zip(axes, panels, strict=True):
        for recipe, members in recipes(
            chosen(others, branch=branch), ("ranking", "recovery")
        ).items():
            ranking, recovery = recipe.split(", ")
            at = sorted({e["sparsity"] for e in members})
            found = [
                change_of(dense[0], chosen(members, sparsity=s), score) for s in at
            ]
            axis.errorbar(
                [100 * s for s in at],
                [100 * each.value for each in found],
                yerr=[
                    [100 * max(each.value - each.low, 0) for each in found],
                    [100 * max(each.high - each.value, 0) for each in found],
                ],
                label=recipe,
                color=_COLOURS[0 if ranking == "layer" else 1],
                linestyle=_LINES[0 if recovery == "finetune" else 1],
                marker=".",
                capsize=2,
            )
        axis.axhline(-2, color="0.5", lw=0.8, linestyle=":")
        axis.set_xlabel("weights at zero, %")
        axis.set_ylabel(f"{caption}, change in %")
        if axis.get_legend_handles_labels()[0]:
            axis.legend(fontsize=7)
    return [_saved(figure, out / "unstructured.png")]


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, metadata={"Software": ""})
    return path
