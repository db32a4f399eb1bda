"""Model files that describe themselves: ONNX, packages of bioimage.io, Python files.

ONNX files are written by torch's own exporter, from networks as users have them.
"""

import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path

import torch
from torch import Tensor, nn

from benchmarks.format_rows import ModelRow

SHARED = Path(__file__).parents[2] / "shared"
NORMS: dict[str, Callable[[int], nn.Module]] = {
    "batch": nn.BatchNorm2d,
    "instance": lambda width: nn.InstanceNorm2d(width, affine=True),
    "group": lambda width: nn.GroupNorm(4, width),
    "none": lambda width: nn.Identity(),
}
ACTIVATIONS: dict[str, Callable[[], nn.Module]] = {
    name: getattr(nn, name)
    for name in ("ReLU", "LeakyReLU", "PReLU", "SiLU", "Hardswish", "GELU", "ELU")
}
UPS = ("nearest", "bilinear", "aligned", "transposed")


class Network(nn.Module):
    """A U-Net of one level, from the parts that are named."""

    def __init__(self, norm: str, activation: str, up: str, outputs: int = 1) -> None:
        super().__init__()
        self.start = nn.Conv2d(3, 8, 3, padding=1)
        self.norm, self.act = NORMS[norm](8), ACTIVATIONS[activation]()
        self.pool, self.down = nn.MaxPool2d(2), nn.Conv2d(8, 16, 3, padding=1)
        self.up: nn.Module = nn.ConvTranspose2d(16, 16, 2, stride=2)
        if up == "nearest":
            self.up = nn.Upsample(scale_factor=2)
        elif up != "transposed":
            corners = up == "aligned"
            self.up = nn.Upsample(
                scale_factor=2, mode="bilinear", align_corners=corners
            )
        self.end = nn.Conv2d(24, outputs, 1)

    def forward(self, image: Tensor) -> Tensor:
        """Return logits of the size of the image."""
        first = self.act(self.norm(self.start(image)))
        deep = self.act(self.down(self.pool(first)))
        found: Tensor = self.end(torch.cat((first, self.up(deep)), 1))
        return found


class Titled(nn.Module):
    """Gives the output of a network by the title that the file has."""

    def __init__(self, network: nn.Module) -> None:
        super().__init__()
        self.network = network

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        """Return the output by its title."""
        return {"y": self.network(image)}


def _exported(
    make: Callable[[], nn.Module], opset: int = 17
) -> Callable[[Path], nn.Module]:
    def write(path: Path) -> nn.Module:
        network = make().eval()
        sides = {0: "n", 2: "h", 3: "w"}
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            torch.onnx.export(
                network,
                (torch.rand(1, 3, 64, 64),),
                path,
                dynamo=False,
                opset_version=opset,
                input_names=["x"],
                output_names=["y"],
                dynamic_axes={"x": sides, "y": sides},
            )
        return Titled(network)

    return write


def _copied(place: str) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        source = SHARED / place
        if path.suffix == ".zip":
            shutil.make_archive(str(path.with_suffix("")), "zip", source)
        else:
            shutil.copytree(source, path)

    return write


def _program(
    make: Callable[[], nn.Module], *, free: bool = True
) -> Callable[[Path], nn.Module]:
    """Write an exported program, with free sizes or of one size."""

    def write(path: Path) -> nn.Module:
        network = make().eval()
        sizes = {0: torch.export.Dim("n"), 2: torch.export.Dim.AUTO}
        sizes |= {3: torch.export.Dim.AUTO}
        shapes = (sizes,) if free else None
        image = torch.rand(2 if free else 1, 3, 64, 96 if free else 64)
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            program = torch.export.export(network, (image,), dynamic_shapes=shapes)
            torch.export.save(program, path)
        return network

    return write


class Unknown(Network):
    """A network with an operator that is in no table of this program."""

    def forward(self, image: Tensor) -> Tensor:
        """Return sums over channels so far."""
        return super().forward(image).cumsum(1)


def _unknown() -> nn.Module:
    return Unknown("none", "ReLU", "nearest")


def graph_rows() -> Iterator[ModelRow]:
    """Rows of F3 and F4."""
    for norm in NORMS:
        make = _exported(lambda norm=norm: Network(norm, "ReLU", "transposed"))
        yield ModelRow("ONNX", f"norm_{norm}.onnx", make)
    for name in ACTIVATIONS:
        make = _exported(lambda name=name: Network("batch", name, "nearest"))
        yield ModelRow("ONNX", f"{name}.onnx", make)
    for up in UPS:
        make = _exported(lambda up=up: Network("batch", "ReLU", up))
        yield ModelRow("ONNX", f"up_{up}.onnx", make)
    for opset in (11, 13, 18):
        make = _exported(lambda: Network("batch", "ReLU", "bilinear"), opset)
        yield ModelRow("ONNX", f"opset_{opset}.onnx", make)
    for norm in NORMS:
        write = _program(lambda norm=norm: Network(norm, "SiLU", "bilinear"))
        yield ModelRow("exported program", f"norm_{norm}.pt2", write)
    for up in UPS:
        make = lambda up=up: Network("batch", "PReLU", up)  # noqa: E731
        write = _program(make, free=False)
        yield ModelRow("exported program", f"up_{up}.pt2", write)
    yield ModelRow("no table", "cumsum.pt2", _program(_unknown), opens=False)
    if SHARED.is_dir():
        broad = _copied("models/bioimageio_unet2d_nuclei_broad")
        yield ModelRow("bioimage.io", "broad", broad)
        yield ModelRow("bioimage.io", "broad.zip", broad)
        code = _copied("cases/models/bioimageio_unet2d_fixed_shape")
        yield ModelRow("bioimage.io, its code", "fixed", code, opens=False)
