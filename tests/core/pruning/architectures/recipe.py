"""How an entry of the zoo is made: seeded, float64, nothing at its default."""

import zlib
from collections.abc import Callable

import torch
from torch import Tensor, nn

Example = tuple[Tensor, ...]
Entry = Callable[[], tuple[nn.Module, Example]]


def randomise(module: nn.Module) -> nn.Module:
    """Give every parameter and running statistic a value that matters.

    Freshly built norms have weight 1, bias 0, mean 0 and variance 1, so a plan
    that mixed up their channels would go unnoticed.
    """
    with torch.no_grad():
        for name, tensor in (*module.named_parameters(), *module.named_buffers()):
            if not tensor.is_floating_point():
                continue
            if name.endswith("running_var"):
                tensor.uniform_(0.5, 1.5)
            elif tensor.dim() <= 1:
                tensor.add_(0.3 * torch.randn_like(tensor))
    return module


def entry(kind: type[nn.Module], *shapes: tuple[int, ...]) -> Entry:
    """An entry that builds ``kind()`` and a standard-normal input per shape."""

    def make() -> tuple[nn.Module, Example]:
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(zlib.crc32(kind.__name__.encode()))
            module = randomise(kind()).double().eval()
            return module, tuple(torch.randn(s, dtype=torch.float64) for s in shapes)

    return make


def conv(inputs: int, outputs: int, kernel: int = 3, **more: int) -> nn.Conv2d:
    """A convolution that keeps the size."""
    return nn.Conv2d(inputs, outputs, kernel, padding=kernel // 2, **more)


def block(inputs: int, outputs: int, **more: int) -> nn.Sequential:
    """Convolution without bias, batch norm, ReLU."""
    return nn.Sequential(
        nn.Conv2d(inputs, outputs, 3, padding=1, bias=False, **more),
        nn.BatchNorm2d(outputs),
        nn.ReLU(),
    )
