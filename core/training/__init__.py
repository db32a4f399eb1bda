"""Training and fine-tuning of nuclei models."""

from core.training.augment import Augmentation
from core.training.data import Example, read_folder, synthetic_examples
from core.training.loop import fit
from core.training.settings import Settings

__all__ = [
    "Augmentation",
    "Example",
    "Settings",
    "fit",
    "read_folder",
    "synthetic_examples",
]
