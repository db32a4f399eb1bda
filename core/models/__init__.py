"""Networks: the catalogue, the architectures, and reading and writing weights."""

from core.models.architectures import build
from core.models.catalogue import catalogue
from core.models.loaded import LoadedModel
from core.models.loading import load_model
from core.models.saving import save_model
from core.models.unet import UNet

__all__ = [
    "LoadedModel",
    "UNet",
    "build",
    "catalogue",
    "load_model",
    "save_model",
]
