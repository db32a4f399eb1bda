"""The few lines that run an exported network without this program."""

from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from core.export.writing import write_text
from core.images.pixels import DEPTHS, MOST_OUTLIERS
from core.nuclei.preprocess import margin

if TYPE_CHECKING:
    from core.types import ModelSpec

_ONNX = ("onnxruntime", "network = onnxruntime.InferenceSession({file!r})\n")
_ONNX_RUN = """names = [output.name for output in network.get_outputs()]
maps = network.run(None, {"image": image})
"""
_PT2 = ("torch", "network = torch.export.load({file!r}).module()\n")
_PT2_RUN = """names = {names!r}
maps = [output.detach().numpy() for output in network(torch.from_numpy(image))]
"""
_SCRIPT = '''"""Run {file} on a tile, without PruneScope. Not for diagnosis.

python {script} TILE.png     needs {package}, numpy and pillow; writes maps.npz
"""
import os, sys
os.environ["ORT_DISABLE_TELEMETRY"] = "1"  # nothing leaves this machine
import numpy as np, {package}
from PIL import Image, ImageOps

{read}
pixels = read(sys.argv[1]).astype(np.float32)
height, width = pixels.shape[:2]
{pad}
image = (pixels / 255 * {span!r} + {low!r} - {mean!r}) / {std!r}
image = np.ascontiguousarray(image.transpose(2, 0, 1)[None], np.float32)
{load}{run}maps = {{name: found[0] for name, found in zip(names, maps)}}
np.savez("maps.npz", **{{name: {cut} for name, found in maps.items()}})
'''


# The program's own way to 8-bit RGB, see `core.images.pixels.to_rgb8`.
_READ = '''def to_bytes(values):
    """16-bit grey by the smallest usual depth that holds nearly all values."""
    few = int(values.size * {outliers!r})
    bits = next((b for b in {depths!r} if (values >= 2**b).sum() <= few), 16)
    top = 2**bits - 1
    return ((np.minimum(values, top) * 255 + top // 2) // top).astype(np.uint8)


def read(path):
    """8-bit RGB; transparent parts are white, as the glass around tissue is."""
    with open(path, "rb") as file:
        head = file.read(26)
    if head[:4] == b"\\x89PNG" and head[24] == 16 and head[25]:
        sys.exit("Pillow reads 16-bit colours in 8 bits: save the tile with 8 bits.")
    image = ImageOps.exif_transpose(Image.open(path))
    if image.mode.startswith("I"):
        grey = to_bytes(np.asarray(image).astype(np.int64))
        return np.repeat(grey[..., None], 3, axis=2)
    if image.mode in ("1", "L", "RGB") and "transparency" not in image.info:
        return np.asarray(image.convert("RGB"))
    values = np.asarray(image.convert("RGBA")).astype(np.uint16)
    colour, part = values[..., :3], values[..., 3:]
    return ((colour * part + 127) // 255 + (255 - part)).clip(0, 255).astype(np.uint8)
'''


def write_script(
    model_file: str | Path, spec: ModelSpec, names: tuple[str, ...]
) -> Path:
    """Write a script beside an exported network that runs it.

    Parameters
    ----------
    model_file
        A ``.onnx`` or ``.pt2`` file; the script lies beside it and expects to
        be run from its folder.
    spec
        How the network is fed.
    names
        Of its outputs, in order.

    Returns
    -------
    Path
        Of the script.
    """
    file = Path(model_file)
    onnx = file.suffix == ".onnx"
    script = file.with_name(f"run_{file.suffix.removeprefix('.')}.py")
    (package, load), run = (_ONNX, _ONNX_RUN) if onnx else (_PT2, _PT2_RUN)
    low, high = spec.input_range
    text = _SCRIPT.format(
        file=file.name,
        script=script.name,
        package=package,
        read=_READ.format(outliers=MOST_OUTLIERS, depths=DEPTHS[:-1]),
        pad=_pad(spec),
        span=high - low,
        low=low,
        mean=list(spec.mean),
        std=list(spec.std),
        load=load.format(file=file.name),
        run=run if onnx else run.format(names=list(names)),
        cut="found if found.ndim < 3 else found[..., :height, :width]",
    )
    write_text(script, text)
    return script


def _pad(spec: ModelSpec) -> str:
    """Return the line that mirrors a tile on to a size that the network takes."""
    around = margin(spec)
    if around:
        least, unit = spec.window[0], max(spec.stride, 8)
        sides = ", ".join(
            f"({around}, {around} + max({least - 2 * around} - {side}, "
            f"({least - 2 * around} - {side}) % {unit}))"
            for side in ("height", "width")
        )
    else:
        sides = ", ".join(f"(0, -{s} % {spec.stride})" for s in ("height", "width"))
    return f"pixels = np.pad(pixels, ({sides}, (0, 0)), mode='reflect')"
