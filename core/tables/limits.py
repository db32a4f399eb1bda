"""Bounds on what can be asked for."""

MAX_SPARSITY = 0.99
"""Largest share that can be removed: at least one in a hundred stays."""

MAX_STEPS = 1000
"""Most times that channels are scored and cut for one model."""

MAX_PANES = 4
"""Most pruned models side by side; more would be too small to see nuclei in."""
