"""HoVer-Net: nuclei as foreground, distances to their centres, and types.

Graham et al. 2019, "HoVer-Net: simultaneous segmentation and classification of
nuclei in multi-tissue histology images", Medical Image Analysis 58, and the two
modes of its published PyTorch version: ``original`` (5x5 decoders, 270 -> 80
pixels) and ``fast`` (3x3 decoders, 256 -> 164). State-dict names and shapes are
those of the published checkpoints.
"""

from collections import OrderedDict
from typing import Literal

from torch import Tensor, nn

from core.models.hovernet_parts import (
    DenseBlock,
    ResidualStage,
    Upsample2x,
    crop,
    narrow,
    norm_relu,
    same_pad,
)

Mode = Literal["fast", "original"]

# Units, channels inside a unit, channels of the output, stride.
_STAGES = ((3, 64, 256, 1), (4, 128, 512, 2), (6, 256, 1024, 2), (3, 512, 2048, 2))
# Pixels to take off the skips at full and at half resolution, so that they are
# as large as what the unpadded decoders leave.
_CROPS: dict[Mode, tuple[int, int]] = {"fast": (92, 36), "original": (184, 72)}


class HoVerNet(nn.Module):
    """Three decoders on one pre-activated residual encoder.

    Parameters
    ----------
    mode
        ``"fast"`` or ``"original"``.
    types
        Nucleus types with background, or 0 to segment only (no type decoder).
    width
        Share of the published channels; 1 is the published network.
    layers
        Kinds of tissue layers with background, or 0: the fourth decoder of
        TIAToolbox's HoVerNetPlus.
    monai
        Whether it halves and doubles maps as MONAI's HoVerNet does.

    Raises
    ------
    ValueError
        When one of them is impossible.
    """

    def __init__(
        self,
        mode: Mode = "fast",
        types: int = 0,
        width: float = 1.0,
        layers: int = 0,
        *,
        monai: bool = False,
    ) -> None:
        super().__init__()
        if mode not in _CROPS:
            raise ValueError(f"mode must be 'fast' or 'original', not {mode!r}")
        if min(types, layers) < 0 or 1 in (types, layers) or not 0 < width <= 4:
            raise ValueError("types must be 0 or at least 2, width in (0, 4]")
        self._crops = _CROPS[mode]
        kernel = 3 if mode == "fast" else 5
        channels = narrow(64, width)
        self.conv0 = _stem(channels, padded=mode == "fast")
        for i, (units, inner, outputs, stride) in enumerate(_STAGES):
            inner, outputs = narrow(inner, width), narrow(outputs, width)
            stage = ResidualStage(channels, inner, outputs, units, stride, early=monai)
            self.add_module(f"d{i}", stage)
            channels = outputs
        self.conv_bot = nn.Conv2d(channels, narrow(1024, width), 1, bias=False)
        heads = {"tp": types, "np": 2, "hv": 2, "ls": layers}
        self.decoder = nn.ModuleDict(
            OrderedDict(
                (name, _decoder(outputs, kernel, width))
                for name, outputs in heads.items()
                if outputs
            )
        )
        self.upsample2x = Upsample2x(smooth=monai)
        self._initialise()

    def _initialise(self) -> None:
        for module in self.modules():
            if isinstance(module, nn.Conv2d):
                nn.init.kaiming_normal_(module.weight, nonlinearity="relu")
                if module.bias is not None:
                    nn.init.zeros_(module.bias)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """Predict the central part of each image.

        Parameters
        ----------
        images
            Float (N, 3, H, W), RGB, 0 to 255. H and W are multiples of 8 (mode
            fast) or of 8 plus 6 (original).

        Returns
        -------
        dict
            ``"np"`` logits (N, 2, h, w), background and nucleus; ``"hv"``
            (N, 2, h, w), horizontal and vertical distance to the nucleus centre,
            about -1 to 1; ``"tp"`` logits (N, types, h, w) when there are types,
            ``"ls"`` (N, layers, h, w) when there are layers of tissue.
            h is H - 92 in mode fast and H - 190 in mode original.
        """
        full = self.get_submodule("d0")(self.conv0(images / 255.0))
        half = self.get_submodule("d1")(full)
        quarter = self.get_submodule("d2")(half)
        eighth = self.conv_bot(self.get_submodule("d3")(quarter))
        full, half = crop(full, self._crops[0]), crop(half, self._crops[1])
        outputs = {}
        for name, branch in self.decoder.items():
            x = branch.get_submodule("u3")(self.upsample2x(eighth) + quarter)
            x = branch.get_submodule("u2")(self.upsample2x(x) + half)
            x = branch.get_submodule("u1")(self.upsample2x(x) + full)
            outputs[name] = branch.get_submodule("u0")(x)
        return outputs


def _stem(channels: int, *, padded: bool) -> nn.Sequential:
    """7x7 convolution; its six pixels of border are kept in mode fast only."""
    layers: list[tuple[str, nn.Module]] = [("pad", same_pad(7, 1))] if padded else []
    layers.append(("/", nn.Conv2d(3, channels, 7, bias=False)))
    layers.extend(norm_relu(channels).named_children())
    return nn.Sequential(OrderedDict(layers))


def _decoder(outputs: int, kernel: int, width: float) -> nn.Sequential:
    """One branch: two dense stages, a convolution, and the head."""
    wide, middle, slim = (narrow(c, width) for c in (1024, 512, 256))
    last = narrow(64, width)
    head = [
        *norm_relu(last).named_children(),
        ("conv", nn.Conv2d(last, outputs, 1)),
    ]
    smooth = [
        ("conva/pad", same_pad(kernel, 1)),
        ("conva", nn.Conv2d(slim, last, kernel, bias=False)),
    ]
    return nn.Sequential(
        OrderedDict(
            [
                ("u3", _dense_stage(wide, middle, 8, kernel, width)),
                ("u2", _dense_stage(middle, slim, 4, kernel, width)),
                ("u1", nn.Sequential(OrderedDict(smooth))),
                ("u0", nn.Sequential(OrderedDict(head))),
            ]
        )
    )


def _dense_stage(
    inputs: int, outputs: int, units: int, kernel: int, width: float
) -> nn.Sequential:
    """Unpadded convolution to half the outputs, dense units, 1x1 convolution."""
    start, inner, grown = outputs // 2, narrow(128, width), narrow(32, width)
    dense = DenseBlock(start, inner, grown, units, kernel)
    return nn.Sequential(
        OrderedDict(
            [
                ("conva", nn.Conv2d(inputs, start, kernel, bias=False)),
                ("dense", dense),
                ("convf", nn.Conv2d(start + units * grown, outputs, 1, bias=False)),
            ]
        )
    )
