"""From a network's outputs to nuclei, for tiles of any size."""

from core.nuclei.outputs import Maps, forward
from core.nuclei.postprocess import READERS, instances, majority_types
from core.nuclei.preprocess import to_input
from core.nuclei.tiling import predict, raw_maps

__all__ = [
    "READERS",
    "Maps",
    "forward",
    "instances",
    "majority_types",
    "predict",
    "raw_maps",
    "to_input",
]
