"""From a network's outputs to nuclei, for tiles of any size."""

from core.nuclei.feeding import to_input
from core.nuclei.maps import Maps, forward
from core.nuclei.readers import READERS, instances, majority_types
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
