"""Rules that score what may be removed.

`HEURISTICS` maps a name to a `Heuristic` of channels, `WEIGHT_HEURISTICS` to one of
single weights: two views of one registry. A package adds its own through the
entry-point group ``prunescope.heuristics``: the entry point loads a `Heuristic`, or
just its rule, a function of an `ScoringContext` whose docstring becomes the tooltip.
"""

from core.pruning.scoring.heuristics.activation import (
    ACTIVATION_MAGNITUDE,
    APOZ,
    MEAN_ACTIVATION,
)
from core.pruning.scoring.heuristics.gradient import FISHER, TAYLOR
from core.pruning.scoring.heuristics.magnitude import (
    BN_SCALE,
    FPGM,
    L1,
    L2,
    LAMP,
    RANDOM,
)
from core.pruning.scoring.heuristics.protocol import Heuristic, ScoringContext
from core.pruning.scoring.heuristics.reconstruction import (
    RECONSTRUCTION,
    RECONSTRUCTION_ONCE,
    SENSITIVITY,
)
from core.pruning.scoring.heuristics.registry import (
    HEURISTICS,
    WEIGHT_HEURISTICS,
    find_heuristic,
    register,
    register_modules,
)
from core.pruning.scoring.heuristics.weights import (
    ACTIVATION,
    MAGNITUDE,
    RANDOM_WEIGHTS,
    WEIGHT_TAYLOR,
)

__all__ = [
    "HEURISTICS",
    "WEIGHT_HEURISTICS",
    "Heuristic",
    "ScoringContext",
    "find_heuristic",
    "register",
]

for _heuristic in (  # as the window lists them; others in this folder follow
    SENSITIVITY,
    RECONSTRUCTION,
    RECONSTRUCTION_ONCE,
    L1,
    L2,
    FPGM,
    BN_SCALE,
    LAMP,
    TAYLOR,
    FISHER,
    MEAN_ACTIVATION,
    APOZ,
    ACTIVATION_MAGNITUDE,
    RANDOM,
    MAGNITUDE,
    ACTIVATION,
    WEIGHT_TAYLOR,
    RANDOM_WEIGHTS,
):
    register(_heuristic)
register_modules(__name__, __path__)
