"""A network in several runtimes, timed and compared. Start with `compare_runtimes`."""

from core.deployment.comparison import (
    BenchSettings,
    RuntimeComparison,
    RuntimeResult,
    compare_runtimes,
    deploy,
)
from core.deployment.runtimes import RUNTIMES

__all__ = [
    "RUNTIMES",
    "BenchSettings",
    "RuntimeComparison",
    "RuntimeResult",
    "compare_runtimes",
    "deploy",
]
