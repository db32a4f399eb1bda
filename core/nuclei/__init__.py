"""From a network's outputs to nuclei, for tiles of any size."""

from core.nuclei.outputs import Maps, forward
from core.nuclei.postprocess import READERS, instances, majority_types
from core.nuclei.preprocess import to_input
from core.nuclei.scale import (
    Scale,
    find_scale,
    labels_to_model_grid,
    maps_to_tile_grid,
    to_model_grid,
    to_tile_grid,
)
from core.nuclei.tiling import predict, raw_maps

__all__ = [
    "READERS",
    "Maps",
    "Scale",
    "find_scale",
    "forward",
    "instances",
    "labels_to_model_grid",
    "majority_types",
    "maps_to_tile_grid",
    "predict",
    "raw_maps",
    "to_input",
    "to_model_grid",
    "to_tile_grid",
]
