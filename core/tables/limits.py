"""Bounds on what can be asked for."""

from collections.abc import Mapping
from types import MappingProxyType

MAX_SPARSITY = 0.99
"""Largest share that can be removed: at least one in a hundred stays."""

MAX_STEPS = 1000
"""Most times that channels are scored and cut for one model."""

MAX_PANES = 4
"""Most pruned models side by side; more would be too small to see nuclei in."""

Range = tuple[float, float]
REQUEST_RANGES: Mapping[str, Range] = MappingProxyType(
    {
        "sparsity": (0, MAX_SPARSITY),
        "round_to": (1, 4096),
        "min_channels": (1, 65_536),
        "seed": (0, 2**63 - 1),
        "steps": (1, MAX_STEPS),
    }
)
"""What numbers of a `PruneRequest` may be, by field; both ends included."""
TRAINING_RANGES: Mapping[str, Range] = MappingProxyType(
    {
        "steps": (0, 10_000_000),
        "minutes": (0, 100_000),
        "rate": (1e-9, 10),
        "seed": (0, 2**63 - 1),
        "patience": (0, 1_000_000),
        "batch": (1, 4096),
        "crop": (16, 65_536),
    }
)
"""What numbers of a `FineTune` may be, by field; both ends included."""
