"""What the numbers mean, in sentences: for people who do not prune networks."""

from app.state.values import Measured, Opened, Outcome
from app.text import format as text

_WIDEST = 4.0  # ratio of the ends of an interval that says something


def headline(opened: Opened, outcome: Outcome, measured: Measured | None) -> str:
    """Return the one sentence of the demo view."""
    total = opened.nuclei.count
    found = outcome.changes.count("kept") + outcome.changes.count("changed")
    if total == 0:
        return "The whole model finds no nuclei in this tile"
    if outcome.request.sparsity == 0:
        return f"The whole model finds {text.counted(total, 'nucleus', 'nuclei')}"
    words = f"{found:,} of {text.counted(total, 'nucleus', 'nuclei')} still found"
    if measured is None:
        return words
    if measured.verdict == "faster":
        return f"{words}, {measured.speedup:.1f} times faster"
    if measured.verdict == "slower":
        return f"{words}, but {1 / measured.speedup:.1f} times slower"
    return f"{words}, no faster on this computer"


def explanation(opened: Opened, outcome: Outcome) -> str:
    """Return the line below the headline: how much is left, and what is not said."""
    share = outcome.counts.params / max(opened.counts.params, 1)
    if outcome.request.sparsity == 0:
        return "Nothing is taken away: left and right are the same."
    words = f"{text.percent(share)} of the model is left."
    new = outcome.changes.count("new")
    apart = outcome.changes.count("merged") + outcome.changes.count("split")
    extra = []
    if new:
        extra.append(f"{new:,} found that the whole model did not find")
    if apart:
        extra.append(f"{apart:,} joined or fell apart")
    return f"{words} Besides: {', '.join(extra)}." if extra else words


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
    by = ", by processor time" if measured.clock == "processor" else ""
    return f"{_times(measured)}, {ratio}: {measured.verdict}{by}"


def _times(measured: Measured) -> str:
    return (
        f"{text.milliseconds(measured.dense_ms)} to "
        f"{text.milliseconds(measured.pruned_ms)}"
    )
