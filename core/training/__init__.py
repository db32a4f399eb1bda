"""Training, fine-tuning after pruning, and distillation of nuclei models."""

from core.training.augment import Augmentation
from core.training.callbacks import Callbacks, Trained
from core.training.data import Example, read_classes, read_folder, synthetic_examples
from core.training.device import pick_device
from core.training.loop import fit, train
from core.training.progress import Progress
from core.training.settings import TrainingSettings

__all__ = [
    "Augmentation",
    "Callbacks",
    "Example",
    "Progress",
    "Trained",
    "TrainingSettings",
    "fit",
    "pick_device",
    "read_classes",
    "read_folder",
    "synthetic_examples",
    "train",
]
