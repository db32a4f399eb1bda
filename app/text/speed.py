"""What is said of a latency; every surface says it in these words.

The verdict itself is `core.results.decide_verdict`'s.
"""

from app.text import format as text
from core.results import NOT_MEASURABLE, Comparison

SPEEDUP_TIP = (
    "How many times faster than the dense model: trimmed mean of the ratios of paired "
    "calls, with its confidence interval."
)


def describe_speedup(measured: Comparison) -> str:
    """Return ratio, interval and verdict: ``1.82x (1.75 to 1.90): faster``.

    A measurement that is too noisy has a verdict and nothing else.
    """
    if not measured.measurable:
        return NOT_MEASURABLE
    low, high = measured.interval
    ratio = f"{text.speedup(measured.speedup)} ({low:.2f} to {high:.2f})"
    return f"{ratio}: {measured.verdict}"


def describe_latency(measured: Comparison | None, predicted: float) -> str:
    """Return the latency line of the controls.

    Parameters
    ----------
    measured
        Latency of the model on show, or None while there is none.
    predicted
        Speed-up that its size suggests; without a measurement it is a ratio only.
    """
    if measured is None:
        return f"about {text.speedup(predicted)} as fast (predicted)"
    if not measured.measurable:
        return "Not measurable now: other programs are using the processor."
    by = ""
    if measured.clock == "processor":
        by = " (CPU time, because the computer was busy)"
    return f"{describe_times(measured)}, {describe_speedup(measured)}{by}"


def describe_times(measured: Comparison) -> str:
    """Return the latency of both models: ``62.0 ms to 34.1 ms``."""
    dense = text.milliseconds(measured.dense_ms)
    if not measured.measurable:
        return f"{dense} dense"
    return f"{dense} to {text.milliseconds(measured.pruned_ms)}"
