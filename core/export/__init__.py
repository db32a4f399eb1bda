"""What leaves the program: networks, masks and what must be known about them."""

from core.export.card import Card, card_beside, find_types_note, model_card
from core.export.geojson import Described, NucleusStyle, write_geojson
from core.export.masks import write_label_tiff
from core.export.network import (
    export_onnx,
    export_program,
    missing_for_onnx,
    output_names,
    traced,
)
from core.export.scripts import write_script

__all__ = [
    "Card",
    "Described",
    "NucleusStyle",
    "card_beside",
    "export_onnx",
    "export_program",
    "find_types_note",
    "missing_for_onnx",
    "model_card",
    "output_names",
    "traced",
    "write_geojson",
    "write_label_tiff",
    "write_script",
]
