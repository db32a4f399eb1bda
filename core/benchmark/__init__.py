"""The rounds of the bench: the only place that joins pruning, nuclei and scores."""

from core.benchmark.bench import Bench
from core.benchmark.calibration import calibration_inputs, counting_input
from core.benchmark.explain import WholeWay, branches, explain, whole_way
from core.benchmark.model import PrunableModel
from core.benchmark.recovery import Material

__all__ = [
    "Bench",
    "Material",
    "PrunableModel",
    "WholeWay",
    "branches",
    "calibration_inputs",
    "counting_input",
    "explain",
    "whole_way",
]
