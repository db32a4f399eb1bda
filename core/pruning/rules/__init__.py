"""How each torch operation passes channel labels on.

`RULES` maps the bare name of a function (no leading or trailing underscores) to
its rule. An operation that is not listed protects whatever it touches.
"""

from core.pruning.rules.elementwise import RULES as ELEMENTWISE
from core.pruning.rules.joins import RULES as JOINS
from core.pruning.rules.layers import RULES as LAYERS
from core.pruning.rules.protocol import Call, Rule
from core.pruning.rules.shapes import RULES as SHAPES

__all__ = ["RULES", "Call", "Rule"]

RULES: dict[str, Rule] = {**ELEMENTWISE, **JOINS, **LAYERS, **SHAPES}
