"""What a run found: nuclei per mm², what the pruned model changed and where, times."""

from __future__ import annotations

import math
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np

from core.latency.statistics import judge
from core.metrics.changes import KINDS

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from numpy.typing import NDArray

    from core.wholeslide.grid import SlideGrid
    from core.wholeslide.pipeline import SlideRun

REGION = 1024
"""Pixels of the model's grid along a side of a region, about: some hundred nuclei."""

CONFIDENCE = 0.99
_RESAMPLES = 1000


@dataclass(frozen=True, slots=True)
class SlideRegion:
    """A part of the slide: a few patches.

    Parameters
    ----------
    box
        x, y, width and height in pixels of the slide's finest level.
    area
        Of its patches with tissue: mm², or megapixels without a pixel size.
    dense, pruned
        Nuclei by either model.
    changes
        Nuclei of the dense model by what became of them, and *new* ones.
    """

    box: tuple[int, int, int, int]
    area: float
    dense: int
    pruned: int
    changes: Mapping[str, int]

    @property
    def damage(self) -> float:
        """Nuclei lost or merged, for each unit of area."""
        gone = self.changes.get("lost", 0) + self.changes.get("merged", 0)
        return gone / self.area

    def as_dict(self) -> dict[str, Any]:
        """Return a row of a table, counts and densities."""
        x, y, width, height = self.box
        row: dict[str, Any] = {"x": x, "y": y, "width": width, "height": height}
        row |= {"area": round(self.area, 6), "dense": self.dense, "pruned": self.pruned}
        for kind in KINDS:
            count = self.changes.get(kind, 0)
            row |= {kind: count, f"{kind}_density": round(count / self.area, 3)}
        return row


def find_regions(run: SlideRun) -> list[SlideRegion]:
    """Return the regions of a slide with tissue, those with most damage first."""
    grid = run.grid
    side = max(round(REGION / max(run.specs[0].window[1], 1)), 1)
    blocks: dict[tuple[int, int], list[tuple[int, dict[str, Any]]]] = {}
    for number, facts in run.log.facts():
        row, column = divmod(number, len(grid.columns))
        blocks.setdefault((row // side, column // side), []).append((number, facts))
    found = [_region(grid, members) for members in blocks.values()]
    return sorted(found, key=lambda each: (-each.damage, each.box[1], each.box[0]))


def _region(
    grid: SlideGrid, members: Sequence[tuple[int, Mapping[str, Any]]]
) -> SlideRegion:
    places = [[span.place for span in grid.spans(number)] for number, _ in members]
    top, left = (min(place[axis].start for place in places) for axis in (0, 1))
    bottom, right = (max(place[axis].stop for place in places) for axis in (0, 1))
    corners = (left, top, right - left, bottom - top)
    x, y, width, height = (round(each * grid.step) for each in corners)
    facts = [each for _, each in members]
    changes: dict[str, int] = {
        kind: sum(each["changes"].get(kind, 0) for each in facts) for kind in KINDS
    }
    dense, pruned = (sum(map(sum, _column(facts, model))) for model in (0, 1))
    area = _area(grid, sum(each["area"] for each in facts))
    return SlideRegion((x, y, width, height), area, dense, pruned, changes)


def _column(facts: Sequence[Mapping[str, Any]], model: int) -> list[list[int]]:
    """Counts by type of one model, patch by patch; empty where there is no model."""
    return [each["counts"][model] for each in facts if model < len(each["counts"])]


def _area(grid: SlideGrid, pixels: float) -> float:
    found = grid.square_mm(pixels)
    return pixels / 1e6 if found is None else found


def summarise(run: SlideRun) -> dict[str, Any]:
    """Return what is known of a slide, ready for JSON.

    Returns
    -------
    dict
        ``unit`` of areas; ``area`` of the tissue; ``models`` with nuclei and nuclei
        per unit by type; ``changes`` per unit; ``seconds`` a unit, with intervals, the
        speed-up and its verdict; ``shares`` of the time; ``regions``, worst first.
    """
    grid = run.grid
    facts = [each for _, each in run.log.facts()]
    area = _area(grid, sum(each["area"] for each in facts))
    models = [_model(run, facts, n, area) for n in range(len(run.specs))]
    found: dict[str, Any] = {
        "unit": "megapixel" if grid.mpp is None else "mm2",
        "area": area,
        "mpp": grid.mpp,
        "model_mpp": run.specs[0].mpp,
        "size": list(grid.size),
        "patches": {"all": int(run.tissue.size), "tissue": int(run.tissue.sum())},
        "models": models,
        "time": _times(run, facts),
        "notes": list(run.notes),
    }
    if len(models) > 1:
        regions = find_regions(run)
        totals = {k: sum(each.changes[k] for each in regions) for k in KINDS}
        found["changes"] = {
            kind: {"nuclei": count, "density": count / area if area else 0.0}
            for kind, count in totals.items()
        }
        found["regions"] = [each.as_dict() for each in regions]
    return found


def _model(
    run: SlideRun, facts: Sequence[Mapping[str, Any]], model: int, area: float
) -> dict[str, Any]:
    spec = run.specs[model]
    counts = np.sum(_column(facts, model), axis=0) if facts else np.zeros(1)
    names = ("unknown", *spec.classes)
    by_type = {
        name: {"nuclei": int(count), "density": float(count) / area}
        for name, count in zip(names, counts, strict=False)
        if count or name != "unknown"
    }
    total = int(counts.sum())
    density = total / area if area else 0.0
    return {"name": spec.name, "nuclei": total, "density": density, "types": by_type}


def _times(run: SlideRun, facts: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    """Return seconds a unit of area by model, their ratio and the shares of stages."""
    patches = run.log.patches()
    if not patches:
        return {}
    grid = run.grid
    spent = np.array([each["network"] for each in patches.values()])
    areas = np.array([_area(grid, grid.area(number)) for number in patches])
    read = sum(each["read"] for each in patches.values())
    finding = sum(each["seconds"] for each in facts)
    whole = read + finding + float(spent.sum())
    found: dict[str, Any] = {
        "shares": {
            "read": read / whole,
            "network": float(spent.sum()) / whole,
            "instances": finding / whole,
        },
        "seconds": [_rate(column, areas) for column in spent.T],
    }
    if spent.shape[1] > 1:
        found |= _compare(spent, list(patches))
    return found


def _rate(
    seconds: NDArray[np.float64], areas: NDArray[np.float64]
) -> dict[str, float | list[float]]:
    """Seconds a unit of area, with a bootstrap interval over patches."""
    rng = np.random.default_rng(len(seconds))
    drawn = rng.integers(0, len(seconds), (_RESAMPLES, len(seconds)))
    rates = seconds[drawn].sum(axis=1) / areas[drawn].sum(axis=1)
    tail = (1 - CONFIDENCE) / 2
    low, high = np.quantile(rates, (tail, 1 - tail))
    rate = float(seconds.sum() / areas.sum())
    return {"rate": rate, "interval": [float(low), float(high)]}


def _compare(spent: NDArray[np.float64], numbers: Sequence[int]) -> dict[str, Any]:
    """Judge the ratio of both networks, paired by patch.

    Patches with an even number saw the dense network first, those with an odd one the
    pruned; one of each makes a block in which the order cancels.
    """
    ratios = np.log(spent[:, 0] / spent[:, 1])
    odd = np.array(numbers) % 2 == 1
    pairs = min(int(odd.sum()), int((~odd).sum()))
    if not pairs:
        return {}
    blocks = np.stack([ratios[~odd][:pairs], ratios[odd][:pairs]], axis=1)
    speedup, interval, verdict = judge(blocks, CONFIDENCE)
    finite = [each if math.isfinite(each) else None for each in interval]
    return {"speedup": speedup, "interval": finite, "verdict": verdict}
