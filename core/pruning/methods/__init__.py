"""The methods of pruning, behind one registry.

`METHODS` has what can be asked for: channels in one step, in several, or by their
time, and single weights. `find_method` says which one a request means; whoever plans,
builds, counts or repairs asks that one. To read this package, start from
``protocol.py``.
"""

from collections.abc import Mapping
from types import MappingProxyType

from core.pruning.methods.channels import Channels
from core.pruning.methods.context import PruningContext
from core.pruning.methods.latency import Latency, layer_steps
from core.pruning.methods.protocol import Method, Plan
from core.pruning.methods.steps import Steps
from core.pruning.methods.weights import Weights
from core.types import PruneRequest

__all__ = [
    "METHODS",
    "Method",
    "Plan",
    "PruningContext",
    "find_method",
    "layer_steps",
    "method_for_plan",
]

_IN_ORDER: tuple[Method, ...] = (Weights(), Steps(), Latency(), Channels())

METHODS: Mapping[str, Method] = MappingProxyType({m.name: m for m in _IN_ORDER})
"""Methods by name; the first one that takes a request is the one it means."""


def find_method(request: PruneRequest) -> Method:
    """Return the method that a request means."""
    return next(method for method in _IN_ORDER if method.takes(request))


def method_for_plan(plan: Plan) -> Method:
    """Return the method that counts what a plan leaves."""
    return METHODS[plan.unit]
