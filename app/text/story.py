"""What the numbers mean, in sentences: for people who do not prune networks."""

from app.state.values import Opened
from app.text import format as text
from core.results import Comparison, Outcome
from core.tables import TASKS


def headline(opened: Opened, outcome: Outcome, measured: Comparison | None) -> str:
    """Return the one sentence of the demo view."""
    total = opened.nuclei.count
    found = outcome.changes.still_found
    task = TASKS[opened.model.task]
    many = text.counted(total, task.one, task.many)
    if task.key == "patch":
        words = f"{outcome.changes.count('kept').events:,} of {many} keep their class"
    elif total == 0:
        return "The whole model finds no nuclei in this tile"
    elif outcome.request.sparsity == 0:
        return f"The whole model finds {many}"
    else:
        words = f"{found:,} of {many} still found"
    if measured is None:
        return words
    if measured.verdict == "faster":
        return f"{words}, {measured.speedup:.1f} times faster"
    if measured.verdict == "slower":
        return f"{words}, but {1 / measured.speedup:.1f} times slower"
    if not measured.measurable:
        return f"{words}, speed not measurable now"
    return f"{words}, no faster on this computer"


def explanation(opened: Opened, outcome: Outcome) -> str:
    """Return the line below the headline: how much is left, and what is not said."""
    share = outcome.counts.params / max(opened.counts.params, 1)
    if outcome.request.sparsity == 0:
        return "Nothing is taken away: left and right are the same."
    words = f"{text.percent(share)} of the model is left."
    new = outcome.changes.count("new").events
    apart = sum(outcome.changes.count(kind).events for kind in ("merged", "split"))
    extra = []
    if new:
        extra.append(f"{new:,} found that the whole model did not find")
    if apart:
        extra.append(f"{apart:,} joined or fell apart")
    return f"{words} Besides: {', '.join(extra)}." if extra else words
