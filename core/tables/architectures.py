"""Networks that the program builds, by name.

The module is imported when its network is asked for: who shows one network should
not wait for all of them.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Architecture:
    """One network that the program builds.

    Parameters
    ----------
    key
        Value of `ModelSpec.architecture`.
    title
        For people.
    module, builder
        Where its class is.
    from_file
        Whether a file describes it: it is in no catalogue.
    """

    key: str
    title: str
    module: str
    builder: str
    from_file: bool = False


_ROWS = (
    Architecture(
        "attention-unet",
        "Attention U-Net",
        "core.models.attention_unet",
        "AttentionUNet",
    ),
    Architecture(
        "dual-decoder", "Dual-decoder U-Net", "core.models.dual_decoder", "DualDecoder"
    ),
    Architecture(
        "encoder-unet", "U-Net on a ResNet", "core.models.encoder_unet", "EncoderUNet"
    ),
    Architecture(
        "graph",
        "Graph of operators",
        "core.models.graph_network",
        "PictureGraph",
        from_file=True,
    ),
    Architecture("hovernet", "HoVer-Net", "core.models.hovernet", "HoVerNet"),
    Architecture(
        "library",
        "Network of another library",
        "core.models.libraries.networks",
        "build_network",
        from_file=True,
    ),
    Architecture(
        "processed",
        "Network of a package",
        "core.models.processed",
        "ProcessedNetwork",
        from_file=True,
    ),
    Architecture(
        "python",
        "Network of a Python file",
        "core.models.python_file",
        "build_network",
        from_file=True,
    ),
    Architecture(
        "residual-unet", "Residual U-Net", "core.models.residual_unet", "ResidualUNet"
    ),
    Architecture("resnet18", "ResNet", "core.models.resnet", "ResNet18"),
    Architecture(
        "tiatoolbox-unet",
        "TIAToolbox U-Net",
        "core.models.tiatoolbox_unet",
        "TIAToolboxUNet",
        from_file=True,
    ),
    Architecture("unet", "U-Net", "core.models.unet", "UNet"),
)

ARCHITECTURES: Mapping[str, Architecture] = MappingProxyType(
    {row.key: row for row in _ROWS}
)
"""Networks by key, in alphabetical order."""
