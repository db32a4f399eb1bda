"""What the numbers mean, in sentences: for people who do not prune networks."""

from app import format as text
from app.values import Measured, Opened, Outcome

_WIDEST = 4.0  # ratio of the ends of an interval that says something
_SLIDE_PIXELS = 60_000**2 * 0.3  # a large slide, a third of it tissue


def headline(opened: Opened, outcome: Outcome, measured: Measured | None) -> str:
    """Return the one sentence of the demo view."""
    total = opened.nuclei.count
    found = outcome.changes.count("kept") + outcome.changes.count("changed")
    if total == 0:
        return "The whole model finds no nuclei in this tile"
    words = f"{found:,} of {text.counted(total, 'nucleus', 'nuclei')} still found"
    if measured is None:
        return words
    if measured.verdict == "faster":
        return f"{words}, {measured.speedup:.1f} times faster"
    if measured.verdict == "slower":
        return f"{words}, but {1 / measured.speedup:.1f} times slower"
    return f"{words}, no faster on this computer"


def explanation(opened: Opened, outcome: Outcome, measured: Measured | None) -> str:
    """Return the line below the headline: size, and what it means for a slide."""
    share = outcome.counts.params / max(opened.counts.params, 1)
    words = f"{text.percent(share)} of the model is left."
    if measured is None:
        return words + " Measuring how fast it is…"
    width, height = opened.picture.size
    tiles = _SLIDE_PIXELS / max(width * height, 1)
    before = text.duration(tiles * measured.dense_ms / 1000)
    after = text.duration(tiles * measured.pruned_ms / 1000)
    return (
        f"{words} The network alone, over a large slide on this computer: "
        f"{before} before, {after} now."
    )


def verdict(measured: Measured | None, predicted: float) -> str:
    """Return the latency line of the bench.

    Parameters
    ----------
    measured
        Latency of the model on show, or None while there is none.
    predicted
        Speed-up that its size suggests.
    """
    if measured is None:
        return f"about {text.speedup(predicted)} as fast (predicted)"
    low, high = measured.interval
    if low <= 0 or high > low * _WIDEST:
        return f"{_times(measured)}: too noisy to judge, the computer is busy"
    ratio = f"{text.speedup(measured.speedup)} ({low:.2f} to {high:.2f})"
    return f"{_times(measured)}, {ratio}: {measured.verdict}"


def _times(measured: Measured) -> str:
    return (
        f"{text.milliseconds(measured.dense_ms)} to "
        f"{text.milliseconds(measured.pruned_ms)}"
    )
