"""Model files of F3, F5, F6 and F7, made by the real libraries.

Networks of TIAToolbox, which does not install beside this torch, are made from names
and shapes. Each file is opened and computes what its library does, or is refused with
one sentence.
"""

import argparse
import json
import shutil
import warnings
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch
from safetensors.torch import save_file
from torch import Tensor, nn

from benchmarks.format_graphs import graph_rows
from benchmarks.format_rows import ModelRow
from core.errors import BenchError
from core.models import build, load_model
from core.models.formats.states import NESTED
from core.models.libraries.importing import import_library
from core.models.probe import flatten
from core.tables import LIBRARIES

FLAT = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2}
LEVELS = {"channels": (8, 16, 32, 64), "strides": (2, 2, 2)}
DYN = {
    "kernel_size": [3] * 4,
    "strides": [1, 2, 2, 2],
    "upsample_kernel_size": [2] * 3,
    "filters": [8, 16, 32, 64],
}
MONAI: tuple[tuple[str, dict[str, Any]], ...] = (
    ("UNet", LEVELS),
    ("UNet", LEVELS | {"num_res_units": 2}),
    ("UNet", LEVELS | {"num_res_units": 2, "norm": "batch"}),
    ("UNet", LEVELS | {"norm": "batch", "kernel_size": 5}),
    ("BasicUNet", {"features": (8, 8, 16, 32, 64, 8)}),
    ("BasicUNet", {"features": (8, 8, 16, 32, 64, 8), "norm": "batch"}),
    ("BasicUNet", {"features": (8, 8, 16, 32, 64, 8), "upsample": "nontrainable"}),
    ("AttentionUnet", LEVELS),
    ("DynUNet", DYN),
    ("DynUNet", DYN | {"res_block": True}),
    ("DynUNet", DYN | {"norm_name": "batch", "deep_supervision": True}),
    ("SegResNet", {"init_filters": 8}),
    ("SegResNet", {"init_filters": 16, "upsample_mode": "deconv"}),
    ("SegResNet", {"init_filters": 8, "norm": "batch"}),
)
ENCODERS = (
    *("resnet18", "resnet34", "resnet50", "resnext50_32x4d", "vgg11", "vgg16_bn"),
    *("densenet121", "densenet169", "mobilenet_v2", "efficientnet-b0"),
    *("efficientnet-b2", "timm-efficientnet-b0", "se_resnet50", "xception", "dpn68"),
    *("inceptionv4", "mit_b0", "mobileone_s0", "tu-resnet34", "tu-regnety_002"),
    *("tu-mobilenetv3_large_100", "timm-skresnet18"),
)
KINDS = (
    *("Unet", "UnetPlusPlus", "FPN", "DeepLabV3", "DeepLabV3Plus", "Linknet"),
    *("PSPNet", "MAnet", "PAN", "UPerNet", "Segformer"),
)
PREFIXES = ("module.", "model.", "net.", "backbone.", "hovernet.", "module.model.")


def _library(key: str) -> Any:
    return import_library(LIBRARIES[key], "the benchmark")


def _own(architecture: str, config: dict[str, Any]) -> Callable[[], nn.Module]:
    return lambda: build(architecture, config)


def _saved(
    make: Callable[[], nn.Module],
    wrap: Callable[[dict[str, Tensor]], Any] = lambda state: state,
) -> Callable[[Path], nn.Module]:
    def write(path: Path) -> nn.Module:
        network = make().eval()
        content = wrap(dict(network.state_dict()))
        if path.suffix == ".safetensors":
            save_file({k: v.clone() for k, v in content.items()}, path)
        else:
            torch.save(content, path)
        return network

    return write


def _smp(kind: str, encoder: str, **options: Any) -> Callable[[], nn.Module]:
    def make() -> nn.Module:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            maker = getattr(_library("smp"), kind)
            return maker(encoder, encoder_weights=None, **options)

    return make


def smp_rows() -> Iterator[ModelRow]:
    """Networks of segmentation-models-pytorch."""

    def folder(make: Callable[[], nn.Module]) -> Callable[[Path], nn.Module]:
        def write(path: Path) -> nn.Module:
            network: Any = make().eval()
            network.save_pretrained(path)
            return network

        return write

    for kind in KINDS:
        for encoder in ("resnet18", "mobilenet_v2"):
            if encoder == "mobilenet_v2" and kind in {"UPerNet", "Segformer"}:
                continue
            make = _smp(kind, encoder, classes=2)
            yield ModelRow("smp", f"{kind}-{encoder}.pth", _saved(make))
        yield ModelRow("smp folder", f"{kind}-folder", folder(make))
        yield ModelRow("smp", f"{kind}.safetensors", _saved(make))
    for encoder in ENCODERS:
        yield ModelRow("smp", f"unet-{encoder}.pth", _saved(_smp("Unet", encoder)))
    options: tuple[dict[str, Any], ...] = (
        {"encoder_depth": 4, "decoder_channels": (64, 32, 16, 8)},
        {"decoder_attention_type": "scse"},
        {"decoder_use_norm": False},
        {"classes": 6},
    )
    for number, each in enumerate(options):
        make = _smp("Unet", "mobilenet_v2", **each)
        yield ModelRow("smp", f"unet-option{number}.pth", _saved(make))


def monai_rows() -> Iterator[ModelRow]:
    """Networks and bundles of MONAI."""

    def maker(name: str, options: dict[str, Any]) -> Callable[[], nn.Module]:
        return lambda: getattr(_library("monai"), name)(**FLAT, **options)

    def bundle(name: str, options: dict[str, Any]) -> Callable[[Path], nn.Module]:
        def write(path: Path) -> nn.Module:
            folder = path.with_suffix("")
            (folder / "configs").mkdir(parents=True)
            (folder / "models").mkdir()
            network = maker(name, options)().eval()
            torch.save(network.state_dict(), folder / "models" / "model.pt")
            given = {"_target_": name, **FLAT, **options, "out_channels": "@outputs"}
            config = {
                "outputs": 2,
                "network_def": given,
                "network": "$@network_def.to(@device)",
            }
            (folder / "configs" / "inference.json").write_text(json.dumps(config))
            if path.suffix == ".zip":
                root, base = folder.parent, folder.name
                shutil.make_archive(str(folder), "zip", root, base)
            return network

        return write

    for number, (name, options) in enumerate(MONAI):
        make = maker(name, options)
        yield ModelRow("monai", f"{name}-{number}.pt", _saved(make))
        yield ModelRow("monai bundle", f"bundle-{number}", bundle(name, options))
        if number % 3 == 0:
            packed = bundle(name, options)
            yield ModelRow("monai bundle", f"packed-{number}.zip", packed)
    cubes = {"spatial_dims": 3, "features": (4,) * 6}
    deep = _saved(lambda: _library("monai").BasicUNet(**cubes))
    yield ModelRow("monai volumes", "cubes.pt", deep, opens=False)


def own_rows() -> Iterator[ModelRow]:
    """Checkpoints of HoVer-Net, TIAToolbox and classifiers, as people have them."""
    tiny = {"mode": "fast", "types": 6, "width": 0.125}
    hovernet = _own("hovernet", tiny)
    for mode in ("fast", "original"):
        for types in (0, 5, 7):
            config = {"mode": mode, "types": types, "width": 0.125}
            write = _saved(_own("hovernet", config), lambda state: {"desc": state})
            yield ModelRow("hovernet", f"{mode}-{types}.tar", write)
    for prefix in PREFIXES:
        write = _saved(hovernet, lambda s, p=prefix: {p + k: v for k, v in s.items()})
        yield ModelRow("prefix", f"prefix-{prefix}pth", write)
    for key in NESTED:
        write = _saved(hovernet, lambda state, k=key: {k: state, "epoch": 3})
        yield ModelRow("nested", f"nested-{key}.pth", write)
    wrapped: tuple[tuple[str, Callable[[dict[str, Tensor]], Any]], ...] = (
        ("lightning.ckpt", _lightning),
        ("numpy.pth", lambda s: {"state_dict": s, "best": np.float64(0.5)}),
        ("thop.pth", lambda s: s | {"total_ops": torch.zeros(1)}),
        ("counters.pth", lambda s: {k: v for k, v in s.items() if "num_b" not in k}),
        ("buffer.pth", lambda s: {k: v for k, v in s.items() if "unpool" not in k}),
        ("double.pth", lambda s: {k: _doubled(v) for k, v in s.items()}),
        ("plain.safetensors", lambda s: s),
    )  # fmt: skip
    for name, wrap in wrapped:
        yield ModelRow("checkpoint", name, _saved(hovernet, wrap))
    plus = {"mode": "fast", "types": 3, "layers": 5, "width": 0.125}
    yield ModelRow("tiatoolbox", "plus.pth", _saved(_own("hovernet", plus)))
    for number, config in enumerate(
        (
            {},
            {"encoder": "unet", "widths": [8, 16, 32, 64]},
            {"encoder": "unet", "widths": [8, 16, 32], "skip": "concat"},
        )
    ):
        write = _saved(_own("tiatoolbox-unet", config))
        yield ModelRow("tiatoolbox", f"unet-{number}.pth", write)
    yield ModelRow(
        "tiatoolbox", "cnn.pth", _saved(_own("resnet18", {"classes": 9}), _as_cnn_model)
    )


def classifier_rows() -> Iterator[ModelRow]:
    """Classifiers of timm and torchvision."""

    def maker(name: str, classes: int) -> Callable[[], nn.Module]:
        return lambda: _library("timm").create_model(name, num_classes=classes)

    for name in ("resnet18", "resnet34", "resnet50", "resnet101"):
        yield ModelRow("timm", f"{name}.pth", _saved(maker(name, 4)))
    for name in ("resnet18", "resnet50"):
        yield ModelRow("timm", f"{name}-one.pth", _saved(maker(name, 1)))
        yield ModelRow("timm", f"{name}.safetensors", _saved(maker(name, 3)))
    head = {"classes": 2, "head": [[1, 512, 64], [4, 64, 2]]}
    yield ModelRow("torchvision", "sequential.pth", _saved(_own("resnet18", head)))

    def folder(name: str) -> Callable[[Path], nn.Module]:
        def write(path: Path) -> nn.Module:
            network = maker(name, 3)().eval()
            path.mkdir()
            config = {"architecture": name, "num_classes": 3}
            (path / "config.json").write_text(json.dumps(config))
            save_file(network.state_dict(), path / "model.safetensors")
            return network

        return write

    for name in ("resnet18", "resnet50", "mobilenetv2_100", "efficientnet_b0"):
        yield ModelRow("timm folder", f"{name}-folder", folder(name))


def refused_rows() -> Iterator[ModelRow]:
    """Files that are no model, under names of models (F7)."""
    texts = {
        "page.pth": "<!DOCTYPE html><html>sign in</html>",
        "pointer.safetensors": "version https://git-lfs.github.com/spec/v1\noid",
        "words.pth": "no model",
        "empty.pt": "",
    }
    for name, text in texts.items():
        yield ModelRow("no model", name, _text(text), opens=False)
    odd = {
        "keras.h5": b"\x89HDF\r\n\x1a\n" + bytes(64),
        "cut.pth": b"PK\3\4" + bytes(64),
        "pickle.pth": b"\x80\x02K\x01.",
    }
    for name, data in odd.items():
        yield ModelRow("no model", name, _bytes(data), opens=False)
    yield ModelRow("no weights", "empty-folder", _folder, opens=False)
    state = {"body.weight": torch.zeros(3, 3), "tail.bias": torch.zeros(3)}
    yield ModelRow("unknown", "mine.pth", _content(state), opens=False)
    yield ModelRow("unknown", "numbers.pth", _content({"epoch": 3}), opens=False)


def _text(text: str) -> Callable[[Path], None]:
    return lambda path: path.write_text(text) and None


def _bytes(data: bytes) -> Callable[[Path], None]:
    return lambda path: path.write_bytes(data) and None


def _content(content: Any) -> Callable[[Path], None]:
    return lambda path: torch.save(content, path)


def _folder(path: Path) -> None:
    path.mkdir()


def _lightning(state: dict[str, Tensor]) -> dict[str, Any]:
    inner = {f"model.{name}": value for name, value in state.items()}
    return {
        "state_dict": inner | {"loss.weight": torch.ones(2)},
        "hyper_parameters": argparse.Namespace(rate=1e-3),
    }


def _doubled(value: Tensor) -> Tensor:
    return value.double() if value.is_floating_point() else value


def _as_cnn_model(state: dict[str, Tensor]) -> dict[str, Tensor]:
    places = {"conv1": 0, "bn1": 1, "layer1": 4, "layer2": 5, "layer3": 6, "layer4": 7}
    found = {}
    for name, value in state.items():
        head, _, rest = name.partition(".")
        if head in places:
            found[f"feat_extract.{places[head]}.{rest}"] = value
        else:
            found[name.replace("fc.", "classifier.")] = value
    return found


def model_rows() -> Iterator[ModelRow]:
    """All rows."""
    for part in (
        graph_rows,
        own_rows,
        refused_rows,
        classifier_rows,
        monai_rows,
        smp_rows,
    ):
        yield from part()


def judge_model(row: ModelRow, folder: Path) -> str:
    """Write, open and run one row; ``opened``, ``refused`` or ``wrong`` and why."""
    path = folder / row.name
    torch.manual_seed(0)
    network = row.write(path)
    try:
        model = load_model(path)
        gap = _gap(model.module, network) if network is not None else 0.0
    except BenchError as error:
        return f"wrong: {error}" if row.opens else "refused"
    except Exception as error:  # noqa: BLE001 - that is what is looked for
        return f"wrong: {type(error).__name__}: {error}"
    if not row.opens:
        return "wrong: opened"
    return "opened" if gap < 1e-5 else f"wrong: other values ({gap:.1e})"


def _gap(module: nn.Module, network: nn.Module) -> float:
    """Largest difference of two networks, relative to the largest value."""
    for side in (128, 256, 270):  # networks of unpadded convolutions take few sizes
        image = torch.rand(1, 3, side, side)
        try:
            with torch.inference_mode():
                pairs = zip(
                    flatten(module(image)), flatten(network(image)), strict=True
                )
                return max(_relative(a[1], b[1]) for a, b in pairs)
        except RuntimeError:
            continue
    return float("inf")


def _relative(found: Tensor, expected: Tensor) -> float:
    return float((found - expected).abs().max() / expected.abs().max().clamp(min=1e-12))
