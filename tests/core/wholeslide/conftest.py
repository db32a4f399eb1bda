"""A small slide whose nuclei a stand-in finds by brightness, exactly and locally."""

from dataclasses import dataclass

import cv2
import numpy as np
import pytest
import tifffile
import torch
from torch import nn

from core.types import ModelSpec


class Dark(nn.Module):
    """Nuclei are what is darker than a limit."""

    def __init__(self, limit=0.5):
        super().__init__()
        self.limit = nn.Parameter(torch.tensor(limit))
        self.calls = 0

    def forward(self, x):
        self.calls += 1
        grey = x.mean(dim=1, keepdim=True)
        kinds = torch.cat([0 * grey, x[:, :1] - x[:, 1:2], x[:, 1:2] - x[:, :1]], dim=1)
        return {"np": 30 * (self.limit - grey), "dist": 1 - grey, "tp": kinds}


@dataclass(frozen=True)
class Loaded:
    module: nn.Module
    spec: ModelSpec
    plan: None = None


def make_model(limit=0.5, mpp=0.5, **changes):
    values = {
        "name": f"dark {limit}",
        "task": "nuclei",
        "architecture": "unet",
        "window": (128, 96),
        "classes": ("red", "green"),
        "mpp": mpp,
        "threshold": {"smallest": 12},
    }
    return Loaded(Dark(limit).eval(), ModelSpec(**(values | changes)))


def make_pixels(height, width, seed=0, glass=0):
    """Dark blobs, many of them touching, on bright ground; glass at the right."""
    rng = np.random.default_rng(seed)
    noise = rng.normal(size=(height, width)).astype(np.float32)
    field = cv2.GaussianBlur(noise, (0, 0), 4)
    field /= field.std()
    grey = np.clip(185 - 60 * field, 20, 215)
    noise = rng.normal(size=(height, width)).astype(np.float32)
    tint = cv2.GaussianBlur(noise, (0, 0), 9)
    tint = 14 * tint / tint.std()
    pixels = np.stack([grey + tint, grey - tint, grey], axis=2).clip(0, 255)
    pixels = pixels.astype(np.uint8)
    if glass:
        pixels[:, -glass:] = 245
    return pixels


def write_pyramid(path, pixels, mpp=0.5, levels=3):
    """A tiled TIFF of a few levels, as slide scanners and converters write it."""
    with tifffile.TiffWriter(path) as tiff:
        for level in range(levels):
            step = 2**level
            size = (pixels.shape[1] // step, pixels.shape[0] // step)
            small = cv2.resize(pixels, size, interpolation=cv2.INTER_AREA)
            tiff.write(
                small,
                tile=(128, 128),
                photometric="rgb",
                compression="zlib",
                metadata=None,
                subfiletype=int(level > 0),
                resolution=(1e4 / (mpp * step),) * 2,
                resolutionunit="CENTIMETER",
            )
    return path


@pytest.fixture
def model():
    return make_model()


@pytest.fixture
def pruned():
    return make_model(0.45)


@pytest.fixture
def slide(tmp_path):
    """500 x 400 pixels: 4 rows and 5 columns of patches."""
    return write_pyramid(tmp_path / "slide.tif", make_pixels(400, 500))
