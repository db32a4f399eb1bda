"""Libraries whose networks are opened, and how to get them.

They are optional: a network is built by its own library where that is installed.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from types import MappingProxyType


@dataclass(frozen=True, slots=True)
class Library:
    """One library of networks.

    Parameters
    ----------
    key
        Value of ``library`` in the settings of a network.
    title
        For people.
    module
        What is imported.
    place
        Module of the library in which its networks are.
    networks
        Names of the classes that are built, and of nothing else; empty when the
        library makes networks by name.
    install
        Arguments of ``pip install``.
    """

    key: str
    title: str
    module: str
    place: str
    networks: tuple[str, ...]
    install: str


_ROWS = (
    Library(
        "smp",
        "segmentation-models-pytorch",
        "segmentation_models_pytorch",
        "segmentation_models_pytorch",
        (
            "Unet",
            "UnetPlusPlus",
            "MAnet",
            "Linknet",
            "FPN",
            "PSPNet",
            "DeepLabV3",
            "DeepLabV3Plus",
            "PAN",
            "UPerNet",
            "Segformer",
        ),
        "--no-deps segmentation-models-pytorch timm huggingface_hub",
    ),
    Library(
        "monai",
        "MONAI",
        "monai",
        "monai.networks.nets",
        (
            "HoVerNet",
            "UNet",
            "BasicUNet",
            "BasicUNetPlusPlus",
            "AttentionUnet",
            "DynUNet",
            "SegResNet",
            "SegResNetDS",
            "FlexibleUNet",
            "VNet",
        ),
        "monai",
    ),
    Library("timm", "timm", "timm", "timm", (), "--no-deps timm huggingface_hub"),
)

LIBRARIES: Mapping[str, Library] = MappingProxyType({row.key: row for row in _ROWS})
"""Libraries by key."""
