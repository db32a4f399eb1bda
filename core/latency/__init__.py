"""How long networks take, measured so that a sceptic believes it."""

from core.latency.environment import processor_name
from core.latency.memory import PeakMemory, peak_memory, release_memory
from core.latency.process import LatencyProcess, compare
from core.latency.profile import LayerTime, profile_layers, why_not_faster
from core.latency.results import (
    FULL,
    QUICK,
    Comparison,
    Environment,
    Settings,
    Timing,
)
from core.latency.stages import STAGES, EndToEnd, StageClock

__all__ = [
    "FULL",
    "QUICK",
    "STAGES",
    "Comparison",
    "EndToEnd",
    "Environment",
    "LatencyProcess",
    "LayerTime",
    "PeakMemory",
    "Settings",
    "StageClock",
    "Timing",
    "compare",
    "peak_memory",
    "processor_name",
    "profile_layers",
    "release_memory",
    "why_not_faster",
]
