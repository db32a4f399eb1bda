"""The figures of the studies, as PNG: lines with their intervals as bands.

Every figure shows relative change against the dense network, with the 2 % that count
as negligible shaded, and random choice (where there is one) as the grey baseline.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.studies.claims_structured import group_counts
from benchmarks.studies.claims_unstructured import change_of
from benchmarks.studies.networks import sources_of
from benchmarks.studies.statistics import (
    Entry,
    Interval,
    relative_change,
    share_interval,
)
from benchmarks.studies.verdicts import (
    ALLOWED,
    TRAINED,
    chosen,
    dense_of,
    real_sources,
    recipes,
    spoken,
)

# Okabe and Ito: can be told apart by everyone; marks repeat what colours say
_LOOKS: Mapping[str, tuple[str, str]] = {
    "random": ("#7F7F7F", "x"),
    "l1": ("#56B4E9", "v"),
    "l2": ("#0072B2", "s"),
    "bn_scale": ("#E69F00", "^"),
    "slimming": ("#CC79A7", "D"),
    "reconstruction": ("#D55E00", "o"),
    "layer": ("#0072B2", "s"),
    "network": ("#D55E00", "o"),
}
_LONG = 32  # letters of a name, beyond which fewer stand beside each other
_SPARE = ("#009E73", "P")
_WAYS = {
    ("one-shot", "none"): "one cut, nothing repaired",
    ("one-shot", "refit"): "one cut, refitted (no training)",
    ("one-shot", "finetune"): "one cut, fine-tuned",
    ("iterative", "finetune"): "cut in steps, fine-tuned",
}
_AXES = {
    "size": ("small", "middle", "large"),
    "crowding": ("alone", "some", "dense"),
    "type": (),
}
_GROUPS = ("#D55E00", "#0072B2", "#009E73", "#CC79A7", "#E69F00")
_MARKS = ("o", "s", "^", "D", "v")


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
        dense = dense_of(own)
        others = [e for e in own if e["heuristic"] != "dense"]
        if dense is not None and others:
            made.append(_curves(name, dense, others, out))
            made += _speed(name, dense, others, out)
            made += _damage(name, others, out)
            made += _transfer(name, dense, others, out)
    return made


def _curves(name: str, dense: Entry, others: Sequence[Entry], out: Path) -> Path:
    """Draw one panel for each way to repair, and one line for each heuristic."""
    at = [e["sparsity"] for e in others]
    ways = [way for way in _WAYS if chosen(others, mode=way[0], recovery=way[1])]
    figure, axes = _canvas(len(ways), f"{name}: what pruning costs")
    for axis, (mode, recovery) in zip(axes, ways, strict=True):
        members = chosen(others, mode=mode, recovery=recovery)
        for heuristic in _LOOKS:
            own = chosen(members, heuristic=heuristic)
            steps = sorted({e["sparsity"] for e in own})
            found = [
                relative_change(
                    dense, chosen(own, sparsity=s), sources=real_sources(dense)
                )
                for s in steps
            ]
            _band(axis, steps, found, heuristic)
        if recovery == "refit":
            _in_sequence(axis, dense, others)
        axis.set_title(_WAYS[mode, recovery], fontsize=10)
        axis.set_xlabel("parameters removed, %")
        _negligible(axis)
        axis.set_xlim(100 * min(at) - 2, 100 * max(at) + 2)
    # what is not repaired falls so deep that nothing else could be read beside it
    _level([axis for axis, way in zip(axes, ways, strict=True) if way[1] != "none"])
    axes[0].set_ylabel("AJI on real tissue, change in %")
    _legend(figure, axes)
    return _saved(figure, out / f"structured_{name}.png")


def _in_sequence(axis: Any, dense: Entry, others: Sequence[Entry]) -> None:
    """Add the slower repair without training to the panel of the faster one."""
    for heuristic, own in recipes(
        chosen(others, recovery="sequential"), ("heuristic",)
    ).items():
        at = sorted({e["sparsity"] for e in own})
        found = [
            relative_change(dense, chosen(own, sparsity=s), sources=real_sources(dense))
            for s in at
        ]
        look = _LOOKS.get(heuristic, _SPARE)
        label = f"{spoken(heuristic)}, refitted in sequence"
        _band(axis, at, found, label, look, dashed=True)


def _speed(
    name: str, dense: Entry, others: Sequence[Entry], out: Path
) -> Sequence[Path]:
    """Draw what is kept over how much faster it is, one mark for each recipe."""
    timed = [e for e in others if e.get("latency")]
    if not timed:
        return []
    figure, (axis,) = _canvas(1, f"{name}: what speed costs", wide=6.4)
    keys = ("heuristic", "mode", "recovery", "sparsity")
    for recipe, members in recipes(others, keys).items():
        speeds = [e["latency"]["speedup"] for e in members if e.get("latency")]
        if not speeds:
            continue
        change = relative_change(dense, members, sources=real_sources(dense))
        colour, mark = _LOOKS.get(members[0]["heuristic"], _SPARE)
        trained = members[0]["recovery"] in TRAINED
        axis.plot(
            speeds[0],
            100 * change.value,
            mark,
            color=colour,
            mfc=colour if trained or mark == "x" else "white",
            ms=6,
            label=spoken(recipe.split(", ")[0]),
        )
    axis.axvline(5, color="0.3", lw=0.9, linestyle=":")
    place = {"xycoords": ("data", "axes fraction"), "ha": "right", "fontsize": 8}
    axis.annotate("5 times ", (5, 0.02), **place)
    axis.set_xlabel("times faster than the dense network (filled: trained on)")
    axis.set_ylabel("AJI on real tissue, change in %")
    _negligible(axis)
    _legend(figure, [axis])
    return [_saved(figure, out / f"structured_{name}_speed.png")]


def _damage(name: str, others: Sequence[Entry], out: Path) -> Sequence[Path]:
    """Draw the share of the dense network's nuclei that are still found."""
    own = chosen(others, heuristic="reconstruction", recovery="refit") or list(others)
    at = sorted({e["sparsity"] for e in own})
    counts = [group_counts(chosen(own, sparsity=s)) for s in at]
    groups = list(dict.fromkeys(g for each in counts for g in each))
    kinds = [k for k in _AXES if any(g.startswith(f"{k}: ") for g in groups)]
    if not kinds:
        return []
    title = f"{name}: whose nuclei are still found (reconstruction, refitted)"
    figure, axes = _canvas(len(kinds), title, share=True)
    for axis, kind in zip(axes, kinds, strict=True):
        members = [g for g in groups if g.startswith(f"{kind}: ")]
        order = {f"{kind}: {word}": k for k, word in enumerate(_AXES[kind])}
        members.sort(key=lambda g, order=order: order.get(g, 9))
        for number, group in enumerate(members):
            found = [share_interval(*each.get(group, (0, 0))) for each in counts]
            look = _GROUPS[number % len(_GROUPS)], _MARKS[number % len(_MARKS)]
            _band(axis, at, found, group.partition(": ")[2], look)
        axis.set_title(f"by {kind}", fontsize=10)
        axis.set_xlabel("parameters removed, %")
        axis.set_ylim(-3, 103)
        axis.legend(fontsize=8, loc="lower left")
    axes[0].set_ylabel("nuclei of the dense network still found, %")
    return [_saved(figure, out / f"structured_{name}_damage.png")]


def _transfer(
    name: str, dense: Entry, others: Sequence[Entry], out: Path
) -> Sequence[Path]:
    """Draw tissue that the network knows beside tissue that nothing here has seen."""
    seen = [s for s in real_sources(dense) if s in sources_of(name)]
    unseen = [s for s in real_sources(dense) if s not in seen]
    if not seen or not unseen:
        return []
    words = {"seen in training": seen, "never seen": unseen}
    figure, axes = _canvas(2, f"{name}: what pruning costs on other tissue", share=True)
    for axis, (caption, sources) in zip(axes, words.items(), strict=True):
        for recovery in ("refit", "finetune"):
            trained = recovery == "finetune"
            mode = "iterative" if trained else "one-shot"
            members = chosen(others, mode=mode, recovery=recovery)
            for heuristic, own in recipes(members, ("heuristic",)).items():
                at = sorted({e["sparsity"] for e in own})
                found = [
                    relative_change(dense, chosen(own, sparsity=s), sources=sources)
                    for s in at
                ]
                how = "cut in steps, fine-tuned" if trained else "refitted"
                label = f"{spoken(heuristic)}, {how}"
                look = _LOOKS.get(heuristic, _SPARE)
                _band(axis, at, found, label, look, dashed=trained)
        axis.set_title(f"{' and '.join(sources)}, {caption}", fontsize=10)
        axis.set_xlabel("parameters removed, %")
    for axis in axes:  # which share one vertical axis, so both must be drawn before
        _negligible(axis)
    axes[0].set_ylabel("AJI, change in %")
    _legend(figure, axes)
    return [_saved(figure, out / f"structured_{name}_transfer.png")]


def unstructured_figures(entries: Sequence[Entry], out: Path) -> list[Path]:
    """Draw the change of each branch and of the instances over sparsity.

    Parameters
    ----------
    entries
        Of the study's log.
    out
        Folder.
    """
    dense = dense_of(entries)
    # one cut that is trained is a single point, which is in the table
    curves = (("one-shot", "none"), ("iterative", "finetune"))
    others = [e for e in entries if (e["mode"], e["recovery"]) in curves]
    others = [e for e in others if e["branch"] != "dense"]
    if dense is None or not others:
        return []
    panels = (
        ("segmentation", "branch_dice", "segmentation branch alone: Dice"),
        ("distance", "branch_mse", "distance branch alone: squared error"),
        ("both", "aji", "whole network: AJI of the instances"),
    )
    figure, axes = _canvas(3, "What setting single weights to zero costs")
    for axis, (branch, score, caption) in zip(axes, panels, strict=True):
        own = recipes(chosen(others, branch=branch), ("ranking", "recovery"))
        for recipe, members in own.items():
            ranking, recovery = recipe.split(", ")
            at = sorted({e["sparsity"] for e in members})
            found = [change_of(dense, chosen(members, sparsity=s), score) for s in at]
            trained = recovery == "finetune"
            how = "in steps, fine-tuned" if trained else "not trained"
            name = f"{ranking}-wise, {how}"
            _band(axis, at, found, name, _LOOKS[ranking], dashed=not trained)
        axis.set_title(caption, fontsize=10)
        axis.set_xlabel("weights of the branch at zero, %")
        _negligible(axis)
    axes[0].set_ylabel("change in %, negative is worse")
    _legend(figure, axes)
    return [_saved(figure, out / "unstructured.png")]


def _canvas(
    panels: int, title: str, *, share: bool = False, wide: float = 0.0
) -> tuple[Any, list[Any]]:
    from matplotlib.backends.backend_agg import FigureCanvasAgg
    from matplotlib.figure import Figure

    size = (wide or max(3.5 * panels, 4.5), 4.4)
    figure = Figure(figsize=size, dpi=110, layout="constrained")
    FigureCanvasAgg(figure)
    figure.suptitle(title)
    axes = figure.subplots(1, panels, squeeze=False, sharey=share)[0]
    for axis in axes:
        axis.spines[["top", "right"]].set_visible(False)
        axis.grid(color="0.92", lw=0.8)
        axis.set_axisbelow(True)
    return figure, list(axes)


def _band(
    axis: Any,
    at: Sequence[float],
    found: Sequence[Interval],
    name: str,
    look: tuple[str, str] | None = None,
    *,
    dashed: bool = False,
) -> None:
    """Draw a line with its 95 % interval as a band."""
    if not at:
        return
    colour, mark = look or _LOOKS.get(name, _SPARE)
    baseline = name == "random"
    x = 100 * np.array(at)
    value, low, high = (
        100 * np.array([getattr(each, part) for each in found])
        for part in ("value", "low", "high")
    )
    axis.fill_between(x, low, high, color=colour, alpha=0.13, lw=0)
    axis.plot(
        x,
        value,
        color=colour,
        linestyle="--" if dashed or baseline else "-",
        lw=1.6,
        marker=mark,
        ms=4.5,
        mfc="white" if dashed else colour,
        label="random choice (baseline)" if baseline else _worded(name),
        zorder=2 if baseline else 3,
    )


def _worded(name: str) -> str:
    return name if ", " in name else spoken(name)


def _negligible(axis: Any) -> None:
    """Shade what counts as no loss, and leave room for no more than that above."""
    axis.axhspan(-100 * ALLOWED, 100 * ALLOWED, color="#009E73", alpha=0.12, lw=0)
    axis.axhline(0, color="0.3", lw=0.8)
    low, high = axis.get_ylim()
    axis.set_ylim(max(low, -105.0), min(max(high, 4.0), 15.0))


def _level(axes: Sequence[Any]) -> None:
    """Give panels that are compared the same vertical axis."""
    limits = [axis.get_ylim() for axis in axes]
    for axis in axes:
        axis.set_ylim(min(low for low, _ in limits), max(high for _, high in limits))


def _legend(figure: Any, axes: Sequence[Any]) -> None:
    """Write one legend below all panels, each name once."""
    named: dict[str, Any] = {}
    for axis in axes:
        for handle, name in zip(*axis.get_legend_handles_labels(), strict=True):
            named.setdefault(name, handle)
    if named:
        wide = max(map(len, named)) > _LONG
        most = 1 + len(axes) if wide else max(3, 2 * len(axes))
        figure.legend(
            named.values(),
            named.keys(),
            loc="outside lower center",
            ncols=min(len(named), most),
            fontsize=8,
            frameon=False,
        )


def _saved(figure: Any, path: Path) -> Path:
    figure.savefig(path, metadata={"Software": ""})
    return path
