"""A network in several runtimes, in words: for the command line and the window."""

from collections.abc import Mapping, Sequence
from typing import Any

from app.text import format as text

HEADER = ("runtime", "ms", "speed-up", "interval", "verdict", "difference", "PQ")


def cells(row: Mapping[str, Any]) -> tuple[str, ...]:
    """Return the cells of one runtime.

    Parameters
    ----------
    row
        Of `core.deployment.RuntimeResult.as_dict`.
    """
    agreement = "-" if row["agreement"] is None else f"{row['agreement']:.4f}"
    ms = "-" if row["ms"] is None else f"{row['ms']:.1f}"
    if row.get("interval") is None:
        timed = ("1.00" if "verdict" not in row else "-", "-", row.get("verdict", "-"))
    else:
        low, high = row["interval"]
        timed = (f"{row['speedup']:.2f}", f"{low:.2f} to {high:.2f}", row["verdict"])
    difference = f"{row['difference']:.1e}"
    return (row["title"], ms, *timed, difference, agreement)


def how_measured(shape: Sequence[int], threads: int) -> str:
    """Say what was fed, and how times were taken."""
    size = " x ".join(map(str, shape))
    counted = text.counted(threads, "thread")
    return f"{size}, {counted}, each in turns with PyTorch, 99 % intervals"
