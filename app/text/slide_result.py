"""What was found on a slide, in words: for the command line and the window."""

from collections.abc import Mapping
from pathlib import Path
from typing import Any

from app.text import format as text

SIDES = ("dense", "pruned")
UNITS = {"mm2": "mm²", "megapixel": "megapixel"}
WORST = 5  # regions that are named


def lines(result: Mapping[str, Any], folder: Path, *, worst: int = WORST) -> list[str]:
    """Return what was found, for people, with so many of the worst regions."""
    unit = UNITS[result["unit"]]
    patches, times = result["patches"], result["time"]
    found = [
        f"tissue      {result['area']:.3g} {unit}, {patches['tissue']} of "
        f"{text.counted(patches['all'], 'patch', 'patches')}"
    ]
    for side, model in zip(SIDES, result["models"], strict=False):
        types = ", ".join(
            f"{name} {each['density']:.0f}" for name, each in model["types"].items()
        )
        count = text.counted(model["nuclei"], "nucleus", "nuclei")
        words = f"{model['name']}: {count}, {model['density']:.0f} per {unit}"
        found.append(f"{side:<11} {words}" + (f" ({types})" if types else ""))
    for side, rate in zip(SIDES, times.get("seconds", ()), strict=False):
        low, high = rate["interval"]
        found.append(
            f"{side:<11} {rate['rate']:.3g} s per {unit} in the network, "
            f"{low:.3g} to {high:.3g} with 99 % confidence"
        )
    found += _comparison_lines(result, unit, worst)
    shares = ", ".join(f"{n} {s:.0%}" for n, s in times.get("shares", {}).items())
    found += [f"time        {shares}"] if shares else []
    found += [f"note: {note}" for note in result["notes"]]
    return [*found, f"written to  {folder}"]


def _comparison_lines(result: Mapping[str, Any], unit: str, worst: int) -> list[str]:
    """Return what the pruned model changed, and where most."""
    found = []
    times = result["time"]
    if "verdict" in times:
        low, high = times["interval"]
        ends = f"{low:.2f} to {high:.2f}" if None not in (low, high) else "unknown"
        found.append(
            f"speed-up    {times['speedup']:.2f} ({ends}, paired by patch): "
            f"{times['verdict']}"
        )
    if "changes" in result:
        changes = ", ".join(
            f"{kind} {each['density']:.1f}" for kind, each in result["changes"].items()
        )
        found.append(f"per {unit:<7} {changes}")
        found += [
            f"  worst at  x {region['x']}, y {region['y']} ({region['width']} x "
            f"{region['height']} pixels): lost {region['lost']}, merged "
            f"{region['merged']} of {region['dense']}"
            for region in result["regions"][:worst]
        ]
    return found
