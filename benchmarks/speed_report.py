"""The page of `benchmarks.speed`: tables of points, and which goals hold.

Start with `write_report`.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

Row = dict[str, Any]
_DRAWS = 4000
_DEMO_GOALS = ((0.02, 5.0, False), (0.01, 3.5, False), (0.02, 8.0, True))
_GOALS = ((0.02, 2.5, False),)
"""Largest loss, wanted speed-up, whether training is allowed."""
_TRAINED = "trained"
_PARAMS = (0.01, 0.92)  # largest loss, share of the parameters gone: the demo model
SETTINGS = ("256/1", "256/2", "512/1", "512/2")


def write_report(rows: Sequence[Row], out: Path) -> None:
    """Write ``speed.md`` from points.

    Parameters
    ----------
    rows
        Lines of ``speed.jsonl``.
    out
        Folder.
    """
    lines = [
        "# Accuracy over measured speed-up",
        "",
        "Training-free: a cut, refit, repair in sequence; no labels, no gradient step. "
        "Only rows named *trained* are trained after that, for the minutes they name, "
        "on labelled tiles that are not scored and on the dense network's outputs. "
        "Torch-Pruning is given its own magnitude ranking and new batch-norm "
        "statistics: it has no repair without training. "
        "`python -m benchmarks.speed run` makes this page. AJI relative to the dense "
        "network, over held-out tiles of DSB 2018, TNBC and CoNSeP (many small nuclei "
        "that the demo model never saw), with the 95 % interval of "
        f"{_DRAWS} bootstrap draws over tiles. Speed-up of the network alone, measured "
        "in turns with the dense one in a process of its own, with its 95 % interval; "
        "one thread by the processor's clock; "
        "columns are the side of the input in pixels and the threads, empty where "
        "nothing was timed. *Removed* is what was asked for: of time, as predicted.",
        "",
    ]
    for name in dict.fromkeys(row["network"] for row in rows):
        own = [row for row in rows if row["network"] == name]
        dense = next((r for r in own if r["method"] == "dense" and "aji" in r), None)
        if dense is not None:
            lines += _network(name, dense, own)
    out.mkdir(parents=True, exist_ok=True)
    (out / "speed.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _network(name: str, dense: Row, rows: Sequence[Row]) -> list[str]:
    base = np.array(dense["aji"])
    tiles = int(np.isfinite(base).sum())
    lines = [
        f"## {name}",
        "",
        f"Dense AJI {np.nanmean(base):.3f} over {tiles} tiles; {dense['machine']}"
        f"{_simd(rows)}, torch {dense['torch']}; "
        f"weights {dense.get('weights', 'unknown')[:12]}"
        f"{', brightness inverted' if dense.get('inverted') else ''}{_load(rows)}.",
        "",
        "| method | removed | parameters left | MACs left | AJI | relative AJI | "
        + " | ".join(SETTINGS)
        + " |",
        "| --- |" + " --- |" * (5 + len(SETTINGS)),
    ]
    places = {m: place for place, m in enumerate(dict.fromkeys(map(_aim, rows)))}
    done = sorted(
        (row for row in rows if "aji" in row and row is not dense),
        key=lambda row: (places[_aim(row)], row["share"]),
    )
    for row in done:
        change, low, high = relative(np.array(row["aji"]), base)
        macs = "" if row["macs"] is None else f"{row['macs']:.1%}"
        speeds = [_speed(row.get("times", {}).get(key)) for key in SETTINGS]
        lines.append(
            f"| {_named(row)} | {row['share']:.0%} of {row['count']} "
            f"| {row['params']:.1%} | {macs} | {np.nanmean(row['aji']):.3f} "
            f"| {change:+.1%} ({low:+.1%} to {high:+.1%}) | {' | '.join(speeds)} |"
        )
    lines += [
        f"| {row['method']} | {row['share']:.0%} of {row['count']} | | | | "
        f"{row['failed']} |" + " |" * len(SETTINGS)
        for row in rows
        if "failed" in row
    ]
    goals = _DEMO_GOALS if name == "demo" else _GOALS
    lines += ["", *_goals(done, base, goals), ""]
    return [*lines, *_params_goal(done, base), ""] if name == "demo" else lines


def _aim(row: Row) -> tuple[str, str]:
    return row["method"], row["count"]


def _named(row: Row) -> str:
    minutes = f", {row['minutes']:g} min" if "minutes" in row else ""
    return f"{row['method']}{minutes}"


def _simd(rows: Sequence[Row]) -> str:
    found = {row["simd"] for row in rows if "simd" in row}
    return f" ({', '.join(sorted(found))})" if found else ""


def _load(rows: Sequence[Row]) -> str:
    loads = [load for row in rows for load in row.get("loads", ())]
    if not loads:
        return ""
    return f"; load average {min(loads):.1f} to {max(loads):.1f}"


def _speed(times: Sequence[float] | None) -> str:
    if not times:
        return ""
    return f"{times[0]:.2f} ({times[1]:.2f} to {times[2]:.2f})"


def _goals(
    rows: Sequence[Row],
    base: NDArray[np.float64],
    goals: Sequence[tuple[float, float, bool]],
) -> list[str]:
    """Say for each goal the fastest point that meets the accuracy."""
    lines = [
        "| goal | setting | fastest point that loses no more | speed-up | holds |",
        "| --- |" + " --- |" * 4,
    ]
    timed = [row for row in rows if row.get("times")]
    if not timed:
        return ["Not timed yet."]
    for loss, wanted, training in goals:
        close = [
            row
            for row in timed
            if relative(np.array(row["aji"]), base)[0] >= -loss
            and (row["method"] == _TRAINED) <= training
        ]
        tried = not training or any(row["method"] == _TRAINED for row in timed)
        how = "with training" if training else "training-free"
        for key in SETTINGS:
            if not any(key in row["times"] for row in timed):
                continue
            start = f"| {wanted:g} times at -{loss:.0%}, {how} | {key} "
            usable = [row for row in close if key in row["times"]]
            best = max(usable, key=lambda r: r["times"][key][0], default=None)
            if best is None or not tried:
                said = (
                    "none | | no" if tried else "nothing was trained | | not measured"
                )
                lines.append(f"{start}| {said} |")
                continue
            speed = best["times"][key][0]
            lines.append(
                f"{start}| {_named(best)}, "
                f"{best['share']:.0%} of {best['count']} | {speed:.2f} "
                f"| {'yes' if speed >= wanted else 'no'} |"
            )
    return lines


def _params_goal(rows: Sequence[Row], base: NDArray[np.float64]) -> list[str]:
    """Say how much is lost where the aim is parameters."""
    loss, share = _PARAMS
    found = [
        (relative(np.array(row["aji"]), base)[0], row)
        for row in rows
        if row["count"] == "params" and row["share"] >= share
    ]
    if not found:
        return []
    change, best = max(found, key=lambda each: each[0])
    holds = "holds" if change >= -loss else "does not hold"
    return [
        f"{share:.0%} of the parameters at no more than -{loss:.0%}: "
        f"{best['method']}, {change:+.1%}, **{holds}**."
    ]


def relative(
    pruned: NDArray[np.float64], dense: NDArray[np.float64]
) -> tuple[float, float, float]:
    """Return the relative change of the mean, with its interval over tiles.

    Parameters
    ----------
    pruned, dense
        float64 (tiles,): the same tiles; those without a score in either are left
        out.
    """
    valid = np.isfinite(pruned) & np.isfinite(dense)
    a, b = pruned[valid], dense[valid]
    rng = np.random.default_rng(0)
    draws = rng.integers(a.size, size=(_DRAWS, a.size))
    ratios = a[draws].sum(1) / np.maximum(b[draws].sum(1), 1e-12) - 1
    low, high = np.percentile(ratios, [2.5, 97.5])
    return float(a.sum() / max(b.sum(), 1e-12) - 1), float(low), float(high)
