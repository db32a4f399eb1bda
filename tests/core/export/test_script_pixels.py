"""The exported script sees the same pixels as the program, whatever the PNG."""

import subprocess
import sys

import numpy as np
import onnx
import pytest
from onnx import TensorProto, helper
from PIL import Image

from core.export import write_script
from core.images import read_tile
from core.types import ModelSpec

SPEC = ModelSpec("mirror", "nuclei", "unet", stride=1, input_range=(0.0, 255.0))


def _identity(path):
    """A network that gives its input back."""
    sides = ("n", 3, "h", "w")
    ends = [
        helper.make_tensor_value_info(name, TensorProto.FLOAT, sides)
        for name in ("image", "y")
    ]
    graph = helper.make_graph(
        [helper.make_node("Identity", ["image"], ["y"])], "g", ends[:1], ends[1:]
    )
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), path)


def _noise(*shape, most=256, dtype=np.uint8):
    return np.random.default_rng(0).integers(0, most, shape).astype(dtype)


def _palette():
    image = Image.fromarray(_noise(24, 31, 3)).quantize(32)
    image.info["transparency"] = 3
    return image


def _turned():
    exif = Image.Exif()
    exif[274] = 6
    return Image.fromarray(_noise(24, 31, 3)), {"exif": exif}


PICTURES = {
    "rgb": lambda: Image.fromarray(_noise(24, 31, 3)),
    "grey": lambda: Image.fromarray(_noise(24, 31)),
    "rgba": lambda: Image.fromarray(_noise(24, 31, 4)),
    "grey with opacity": lambda: Image.fromarray(_noise(24, 31, 2), "LA"),
    "palette": _palette,
    "black and white": lambda: Image.fromarray(_noise(24, 31, most=2) > 0),
    "16 bits": lambda: Image.fromarray(_noise(24, 31, most=65536, dtype=np.uint16)),
    "12 bits": lambda: Image.fromarray(_noise(24, 31, most=4096, dtype=np.uint16)),
    "turned": _turned,
}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    place = tmp_path_factory.mktemp("script")
    _identity(place / "m.onnx")
    write_script(place / "m.onnx", SPEC, ("y",))
    return place


def _run(folder):
    return subprocess.run(
        [sys.executable, "run_onnx.py", "tile.png"],
        cwd=folder,
        capture_output=True,
        text=True,
    )


@pytest.mark.filterwarnings("ignore:'mode' parameter")
@pytest.mark.parametrize("kind", sorted(PICTURES))
def test_pixels_are_those_of_the_program(kind, folder):
    made = PICTURES[kind]()
    image, options = made if isinstance(made, tuple) else (made, {})
    image.save(folder / "tile.png", **options)
    expected = read_tile(folder / "tile.png").pixels
    done = _run(folder)
    assert done.returncode == 0, done.stderr
    found = np.load(folder / "maps.npz")["y"].transpose(1, 2, 0)
    assert np.array_equal(np.rint(found), expected)


def test_what_pillow_would_change_is_refused(folder):
    import imagecodecs

    deep = _noise(24, 31, 3, most=65536, dtype=np.uint16)
    (folder / "tile.png").write_bytes(imagecodecs.png_encode(deep))
    done = _run(folder)
    assert done.returncode == 1
    assert "16-bit colours" in done.stderr
