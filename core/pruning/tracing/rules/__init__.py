"""How each torch operation passes channel labels on.

`RULES` maps the bare name of a function (no leading or trailing underscores) to
its rule. An operation that is not listed protects whatever it touches.
"""

from core.pruning.tracing.rules.channel_norms import REDUCTIONS
from core.pruning.tracing.rules.elementwise import RULES as ELEMENTWISE
from core.pruning.tracing.rules.joins import RULES as JOINS
from core.pruning.tracing.rules.layers import RULES as LAYERS
from core.pruning.tracing.rules.products import PRODUCTS
from core.pruning.tracing.rules.products import RULES as MATRICES
from core.pruning.tracing.rules.protocol import Call, Rule
from core.pruning.tracing.rules.shapes import RULES as SHAPES

__all__ = ["RULES", "SUMMING", "Call", "Rule"]

SUMMING = PRODUCTS | REDUCTIONS
"""Names of calls that sum over channels; each has its entry in `Recorder.sums`."""

RULES: dict[str, Rule] = {
    **ELEMENTWISE,
    **JOINS,
    **LAYERS,
    **MATRICES,
    **SHAPES,
}
