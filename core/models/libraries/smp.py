"""Networks of segmentation-models-pytorch: from a config, or from names and shapes.

To read this file, start from `recognise`.
"""

from __future__ import annotations

import warnings
from itertools import product
from typing import TYPE_CHECKING, Any

import torch

from core.errors import ModelError
from core.models.libraries.fitting import difference, find_fitting, shapes, to_config
from core.models.libraries.importing import find_library, import_library
from core.models.libraries.networks import find_arguments
from core.models.libraries.smp_decoders import find_decoder
from core.models.libraries.specs import to_segmentation_spec

if TYPE_CHECKING:
    from collections.abc import Iterator, Mapping

    from torch import Tensor

    from core.models.libraries.fitting import Shapes
    from core.models.loaded import Found
    from core.types import ModelSpec

LIBRARY = find_library("smp")
# A weight that only encoders of some names have, and how these names begin.
_FAMILIES: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("layer0.conv1.weight", ("se_res", "senet")),
    ("features.conv1_1.conv.weight", ("dpn",)),
    ("features.denseblock1.denselayer1.conv1.weight", ("densenet",)),
    ("features.1.conv.0.0.weight", ("mobilenet_v2",)),
    ("features.0.conv.weight", ("inceptionv4",)),
    ("features.0.weight", ("vgg",)),
    ("conv2d_1a.conv.weight", ("inceptionresnetv2",)),
    ("_conv_stem.weight", ("efficientnet-b",)),
    ("block1.rep.0.conv1.weight", ("xception",)),
    ("conv_stem.weight", ("timm-efficientnet", "timm-tf_efficientnet")),
    ("patch_embed1.proj.weight", ("mit_",)),
    ("stage0.rbr_conv.0.conv.weight", ("mobileone_",)),
    ("layer1.0.conv2.paths.0.conv.weight", ("timm-skresnext",)),
    ("layer1.0.conv1.paths.0.conv.weight", ("timm-skresnet",)),
    ("layer1.0.conv1.weight", ("resnet", "resnext")),
)
# The same for encoders of timm, of which there are many: the usual ones.
_TIMM: tuple[tuple[str, tuple[str, ...]], ...] = (
    ("model.stem_0.weight", ("convnext_tiny", "convnext_small", "convnext_base")),
    (
        "model.conv_stem.weight",
        (
            *(f"efficientnet_b{n}" for n in range(6)),
            *(f"efficientnet_lite{n}" for n in range(3)),
            "mobilenetv3_large_100",
            "tf_mobilenetv3_small_100",
            "mobilenetv2_100",
            *(f"tf_efficientnetv2_{n}" for n in ("b0", "b1", "b2", "b3", "s", "m")),
        ),
    ),
    (
        "model.stem.conv.weight",
        tuple(f"regnet{x}_{n}" for x in "xy" for n in ("002", "004", "008", "016")),
    ),
    (
        "model.layer1.0.conv1.weight",
        (
            *(f"resnet{n}" for n in (18, 34, 50, 101)),
            *(f"resnet{n}d" for n in (18, 34, 26, 50, 101)),
            "seresnet50",
            "resnext50_32x4d",
            "wide_resnet50_2",
            "res2net50_26w_4s",
            "resnest50d",
        ),
    ),
)
_DEPTHS = (5, 4, 3)
_SCALES = {  # encoders whose published weights want another scale than ImageNet's
    "inception": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "xception": ((0.5, 0.5, 0.5), (0.5, 0.5, 0.5)),
    "dpn": ((0.4863, 0.4588, 0.4078), (0.2348, 0.2348, 0.2348)),
}
# Arguments of earlier versions, and what they are called now.
_RENAMED = {
    "decoder_use_batchnorm": "decoder_use_norm",
    "psp_use_batchnorm": "decoder_use_norm",
}


def recognise(state: Mapping[str, Tensor], stem: str) -> Found | None:
    """Find the network that a state dict belongs to.

    Parameters
    ----------
    state
        State-dict name -> tensor.
    stem
        File name without its ending.

    Returns
    -------
    Found or None
        Description, and the weights without those of a classification head; None
        when the names are not those of the library.

    Raises
    ------
    ModelError
        When they are, but the library is missing or no settings fit.
    """
    if not any(name.startswith("encoder.") for name in state):
        return None
    weights = _without_classifier(state)
    found = find_decoder(weights)
    if found is None:
        return None
    network, options = found
    what = f"{stem} looks like {LIBRARY.title}'s {network}"
    import_library(LIBRARY, what)
    encoder, inputs = _find_encoder(weights, what)
    common = {"encoder_name": encoder, "in_channels": inputs}
    configs = (to_config("smp", network, {**common, **each}) for each in options)
    return _to_spec(find_fitting(configs, weights, what), stem), weights


def read_config(
    config: Mapping[str, Any], state: Mapping[str, Tensor], stem: str
) -> Found | None:
    """Read the ``config.json`` of ``save_pretrained``.

    Returns
    -------
    Found or None
        As `recognise` does; None when the config is none of this library.

    Raises
    ------
    ModelError
        When the library is missing, or the weights do not fit.
    """
    network = config.get("_model_class")
    if network not in LIBRARY.networks or "encoder_name" not in config:
        return None
    what = f"{stem} is {LIBRARY.title}'s {network}"
    place = import_library(LIBRARY, what)
    names = find_arguments(getattr(place, network))
    arguments = {_RENAMED.get(key, key): value for key, value in config.items()}
    kept = {key: value for key, value in arguments.items() if key in names}
    kept |= {"aux_params": None, "encoder_weights": None}
    weights = _without_classifier(state)
    fitting = find_fitting([to_config("smp", network, kept)], weights, what)
    return _to_spec(fitting, stem), weights


def _without_classifier(state: Mapping[str, Tensor]) -> dict[str, Tensor]:
    """Leave out the head that classifies the whole picture; only masks are read."""
    return {k: v for k, v in state.items() if not k.startswith("classification_head.")}


def _find_encoder(state: Mapping[str, Tensor], what: str) -> tuple[str, int]:
    """Return the name of the encoder, and the channels of the picture.

    Raises
    ------
    ModelError
        When there is none with these names and shapes.
    """
    inside = {
        name.removeprefix("encoder."): tensor
        for name, tensor in state.items()
        if name.startswith("encoder.")
    }
    first = next((t for t in inside.values() if t.ndim == 4), None)
    inputs = 3 if first is None else int(first.shape[1])
    wanted = shapes(inside)
    for name, depth in product(_encoder_names(wanted), _DEPTHS):
        found = _encoder_shapes(name, inputs, depth)
        if found and not difference(found, wanted):
            return name, inputs
    raise ModelError(
        f"{what} with an encoder that is not known by its weights; open the folder of "
        "save_pretrained, whose config.json names it"
    )


def _encoder_names(wanted: Shapes) -> Iterator[str]:
    known = import_library(LIBRARY, "").encoders.get_encoder_names()
    for tell, starts in _FAMILIES:
        if tell in wanted:
            yield from (name for name in known if name.startswith(starts))
            break
    for tell, names in _TIMM:
        if tell in wanted:
            yield from (f"tu-{name}" for name in names)


def _encoder_shapes(name: str, inputs: int, depth: int) -> Shapes:
    """Return names and shapes of an encoder; empty when it cannot be built so."""
    get_encoder = import_library(LIBRARY, "").encoders.get_encoder
    options = {"in_channels": inputs, "depth": depth, "weights": None}
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        for device in ("meta", "cpu"):
            try:
                with torch.device(device):
                    return shapes(get_encoder(name, **options).state_dict())
            except Exception:  # noqa: BLE001 - of another library: anything
                continue
    return {}


def _to_spec(config: dict[str, Any], stem: str) -> ModelSpec:
    network, arguments = config["network"], config["arguments"]
    encoder = arguments["encoder_name"]
    scale = next((v for key, v in _SCALES.items() if encoder.startswith(key)), None)
    activation = arguments.get("activation")
    return to_segmentation_spec(
        config,
        f"{network} on {encoder}, {stem}",
        classes=int(arguments.get("classes", 1)),
        scale=scale,
        probability=activation in {"sigmoid", "softmax", "softmax2d"},
        # the pyramid of PAN halves the deepest map three times more
        stride=128 if network == "PAN" else 32,
    )
