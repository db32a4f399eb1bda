"""Networks: the catalogue, the architectures, and reading and writing weights."""

from core.models.architectures import ARCHITECTURES, build
from core.models.catalogue import catalogue
from core.models.loaded import LoadedModel
from core.models.loading import load_model
from core.models.saving import save_model
from core.models.unet import UNet

__all__ = [
    "ARCHITECTURES",
    "LoadedModel",
    "UNet",
    "build",
    "catalogue",
    "load_model",
    "save_model",
]
