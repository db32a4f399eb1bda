"""How long networks take, measured so that a sceptic believes it."""

from core.cache import processor_name
from core.latency.memory import PeakMemory, peak_memory, release_memory
from core.latency.process import LatencyProcess, compare
from core.latency.profile import LayerTime, profile_layers, why_not_faster
from core.latency.settings import FULL, QUICK, TimingSettings
from core.latency.stages import STAGES, EndToEnd, StageClock
from core.latency.statistics import compare_times
from core.results.latency import (
    NOT_MEASURABLE,
    Comparison,
    Environment,
    Timing,
    decide_verdict,
)

__all__ = [
    "FULL",
    "NOT_MEASURABLE",
    "QUICK",
    "STAGES",
    "Comparison",
    "EndToEnd",
    "Environment",
    "LatencyProcess",
    "LayerTime",
    "PeakMemory",
    "StageClock",
    "Timing",
    "TimingSettings",
    "compare",
    "compare_times",
    "decide_verdict",
    "peak_memory",
    "processor_name",
    "profile_layers",
    "release_memory",
    "why_not_faster",
]
