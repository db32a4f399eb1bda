"""The output layers that the U-Net family shares."""

from collections.abc import Mapping

from torch import Tensor, nn


def nuclei_heads(inputs: int, types: int) -> nn.ModuleDict:
    """1x1 convolutions to the maps that nuclei are read from.

    Parameters
    ----------
    inputs
        Channels of the last decoder level.
    types
        Nucleus types without background; 0 leaves the type head out.

    Returns
    -------
    nn.ModuleDict
        ``"np"`` (1 channel), ``"dist"`` (1) and ``"tp"`` (types + 1).
    """
    outputs = {"np": 1, "dist": 1} | ({"tp": types + 1} if types else {})
    return nn.ModuleDict({k: nn.Conv2d(inputs, v, 1) for k, v in outputs.items()})


def apply_heads(heads: nn.ModuleDict, x: Tensor) -> dict[str, Tensor]:
    """Each head's map, by name."""
    return {name: head(x) for name, head in heads.items()}


def check_sizes(sizes: Mapping[str, int], least: Mapping[str, int]) -> None:
    """Refuse sizes below the least that makes a network.

    Raises
    ------
    ValueError
        Naming the first one.
    """
    for name, value in sizes.items():
        if value < least[name]:
            raise ValueError(f"{name} must be at least {least[name]}, not {value}")


def initialise(module: nn.Module) -> None:
    """He et al. 2015 (arXiv 1502.01852) weights and zero biases, in place."""
    for layer in module.modules():
        if isinstance(layer, nn.Conv2d | nn.ConvTranspose2d):
            nn.init.kaiming_normal_(layer.weight, nonlinearity="relu")
            if layer.bias is not None:
                nn.init.zeros_(layer.bias)
