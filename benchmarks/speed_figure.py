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
_NEAR = 0.5  # times: numbers at the edge that are nearer stand above each other
_LOWEST = -30.0  # %: what lost more is drawn at the edge, with its number
_TITLES = {
    "demo": "demo U-Net (4.4 M)",
    "bioimageio_unet2d_nuclei_broad": "bioimage.io nuclei U-Net",
    "residual-unet": "residual U-Net",
}
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
    axes[0][0].set_ylabel("change of accuracy\n(AJI of nuclei), %")
    axes[0][0].set_ylim(_LOWEST, 6)
    figure.suptitle(
        "Faster without training: higher and further right is better", fontsize=11
    )
    handles: dict[str, Any] = {}
    for axis in axes[0]:
        found, labels = axis.get_legend_handles_labels()
        handles |= dict(zip(labels, found, strict=True))
    order = [label for label, *_ in _LOOKS.values() if label in handles]
    figure.legend(
        [handles[label] for label in order], order, loc="lower center", ncol=3,
        frameon=False, fontsize=9,
    )  # fmt: skip
    figure.tight_layout(rect=(0, 0.15, 1, 1.0))
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
    named: list[float] = []  # where numbers stand at the edge
    for (method, count), (label, colour, mark) in _LOOKS.items():
        own = [
            r
            for r in _timed(rows, name)
            if (r["method"], r["count"]) == (method, count)
        ]
        points = sorted(
            (r["times"][_KEY][0], *relative(np.array(r["aji"]), base)) for r in own
        )
        if not points:
            continue
        first = method == "sensitivity"
        look: dict[str, Any] = {
            "color": colour, "label": label, "zorder": 3 if first else 2
        }  # fmt: skip
        lost = [p for p in points if 100 * p[1] <= _LOWEST]
        for speed, change, *_ in lost:
            near = sum(abs(speed - other) < _NEAR for other in named)
            named.append(speed)
            axis.plot(speed, _LOWEST + 1.2, marker="v", ms=6, color=colour)
            axis.annotate(
                f"{100 * change:.0f} %", (speed, _LOWEST + 2.6 + 1.8 * near),
                ha="center", fontsize=7, color=colour,
            )  # fmt: skip
        if len(lost) == len(points):
            axis.plot([], [], marker=mark, ls=":", ms=5, **look)
            continue
        x, y, low, high = (
            np.array(each)
            for each in zip(*(p for p in points if p not in lost), strict=True)
        )
        axis.errorbar(
            x, 100 * y, 100 * np.array([y - low, high - y]), fmt=mark,
            ls="-" if first else ":", lw=2 if first else 1, elinewidth=0.8,
            ms=6 if first else 5, **look,
        )  # fmt: skip
    axis.set_title(_TITLES.get(name, name), fontsize=10)
    axis.set_xlabel("times as fast (measured)")
    axis.set_xlim(1, max(axis.get_xlim()[1], 3))
    axis.text(1.05, 2.2, "within 2 %", fontsize=7, color="0.45")
    axis.grid(axis="x", lw=0.4, color="0.85")
