"""Which repairs go with which heuristics: pure functions."""

from dataclasses import replace

from core.tables import COUNTS, RECOVERIES
from core.types import PruneRequest, Recovery, is_unstructured

DEFAULT: Recovery = "refit"
_WHY = (
    "Not with an unstructured heuristic: no channel is removed that others could "
    "stand in for."
)
_COUNTED = "Unstructured heuristics remove single weights: parameters are counted."


def misfits(heuristic: str) -> dict[str, str]:
    """Return the recoveries that do not go with a heuristic, and why not."""
    if not is_unstructured(heuristic):
        return {}
    return {row.key: _WHY for row in RECOVERIES.values() if row.channels_only}


def uncounted(heuristic: str) -> dict[str, str]:
    """Return what sparsity cannot count with a heuristic, and why not."""
    if not is_unstructured(heuristic):
        return {}
    return dict.fromkeys((key for key in COUNTS if key != "params"), _COUNTED)


def fitted(request: PruneRequest, before: str = "") -> PruneRequest:
    """Return a request whose repair and count go with its heuristic.

    Parameters
    ----------
    request
        As chosen.
    before
        The heuristic until now. From single weights back to channels, no repair
        becomes the usual one: channels cannot be removed without.
    """
    if request.unstructured:
        if request.recovery in misfits(request.heuristic):
            request = replace(request, recovery="none")
        return replace(request, count="params", steps=1, ratios=())
    single = is_unstructured(before)
    if single and request.recovery == "none":
        return replace(request, recovery=DEFAULT)
    return request
