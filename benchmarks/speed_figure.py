"""The picture of `benchmarks.speed`: accuracy over measured speed-up.

Start with `draw`.
"""

from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np

from benchmarks.speed_report import Row, relative

#: Method and what it aims at, to its name, colour (Okabe and Ito) and mark.
_LOOKS: Mapping[tuple[str, str], tuple[str, str, str]] = {
    ("sensitivity", "latency"): ("sensitivity, aimed at time", "#D55E00", "o"),
    ("reconstruction", "latency"): ("reconstruction, aimed at time", "#0072B2", "s"),
    ("reconstruction", "macs"): ("reconstruction, aimed at work", "#56B4E9", "D"),
    ("l2", "latency"): ("size of weights", "#009E73", "^"),
    ("torch-pruning magnitude", "channels"): ("Torch-Pruning", "#CC79A7", "P"),
    ("random", "latency"): ("random channels", "#7F7F7F", "x"),
}
_LOWEST = -30.0  # %: what lost more is not worth a place
_KEY = "256/1"


def draw(rows: Sequence[Row], path: Path) -> Path | None:
    """Draw one panel for each network that was timed.

    Parameters
    ----------
    rows
        Lines of ``speed.jsonl``.
    path
        PNG to write.

    Returns
    -------
    Path or None
        None when nothing was timed.
    """
    import matplotlib as mpl

    mpl.use("Agg")
    from matplotlib import pyplot as plt

    names = [n for n in _names(rows) if _timed(rows, n)]
    if not names:
        return None
    figure, axes = plt.subplots(
        1, len(names), figsize=(1.4 + 3.3 * len(names), 3.7), sharey=True, squeeze=False
    )
    for axis, name in zip(axes[0], names, strict=True):
        _panel(axis, name, rows)
    axes[0][0].set_ylabel("nuclei still right: AJI,\nchange in %")
    axes[0][0].set_ylim(_LOWEST, 6)
    handles: dict[str, Any] = {}
    for axis in axes[0]:
        found, labels = axis.get_legend_handles_labels()
        handles |= dict(zip(labels, found, strict=True))
    figure.legend(
        handles.values(), handles.keys(), loc="lower center", ncol=3, frameon=False,
        fontsize=9,
    )  # fmt: skip
    figure.tight_layout(rect=(0, 0.15, 1, 1))
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path, dpi=150)
    plt.close(figure)
    return path


def _names(rows: Sequence[Row]) -> list[str]:
    return list(dict.fromkeys(row["network"] for row in rows))


def _timed(rows: Sequence[Row], name: str) -> list[Row]:
    return [r for r in rows if r["network"] == name and _KEY in r.get("times", {})]


def _panel(axis: Any, name: str, rows: Sequence[Row]) -> None:
    dense = next(r for r in rows if r["network"] == name and r["method"] == "dense")
    base = np.array(dense["aji"])
    axis.axhspan(-2, 2, color="0.92", zorder=0)
    axis.axhline(0, color="0.5", lw=0.8)
    for (method, count), (label, colour, mark) in _LOOKS.items():
        own = [
            r
            for r in _timed(rows, name)
            if (r["method"], r["count"]) == (method, count)
        ]
        points = sorted(
            (r["times"][_KEY][0], *relative(np.array(r["aji"]), base)) for r in own
        )
        points = [p for p in points if 100 * p[1] > _LOWEST]
        if not points:
            continue
        x, y, low, high = (np.array(each) for each in zip(*points, strict=True))
        first = method == "sensitivity"
        axis.errorbar(
            x, 100 * y, 100 * np.array([y - low, high - y]), fmt=mark, color=colour,
            ls="-" if first else ":", lw=2 if first else 1, elinewidth=0.8,
            ms=6 if first else 5, label=label, zorder=3 if first else 2,
        )  # fmt: skip
    axis.set_title(name, fontsize=10)
    axis.set_xlabel("times as fast")
    axis.grid(axis="x", lw=0.4, color="0.85")
