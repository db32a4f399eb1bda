"""How much of networks of public libraries can go, and whether the cut is right.

    python -m benchmarks.architectures --out benchmarks/results

Every network is built untrained, its norms at random, and runs on a small input in
float64. Reach is the
largest share of its parameters that can go. Half of the channels of every layer are
then cut, and the result is compared with the same plan as a mask. Torch-Pruning does
the same beside it where it is installed. Each is a line of ``architectures.jsonl``;
what is there is not done again. Then ``architectures.md`` is written. Seconds are
processor time.
"""

import argparse
import contextlib
import copy
import importlib
import io
import json
import logging
import signal
import time
import warnings
from collections.abc import Callable, Iterator, Mapping
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils._pytree import tree_leaves

from core.cache import processor_name
from core.errors import PruningError
from core.models.libraries.standin import torchvision_for_import
from core.pruning import ChannelGraph, PruningPlan, Selector, make_plan, trace
from core.pruning.applying.agreement import disagreement
from core.pruning.applying.apply import apply_plan

log = logging.getLogger(__name__)

SIDE = 64
LIBRARIES = ("segmentation_models_pytorch", "monai", "timm")
_SHARE = 0.5
_PATIENCE = 20.0  # seconds of processor time that the peer is given

Build = Callable[[Any], nn.Module]


def _smp(name: str, encoder: str = "resnet18", **more: Any) -> Build:
    return lambda smp: getattr(smp, name)(
        encoder_name=encoder, encoder_weights=None, in_channels=3, classes=2, **more
    )


def _monai(name: str, *args: Any, **more: Any) -> Build:
    def build(_: Any) -> nn.Module:
        nets = importlib.import_module("monai.networks.nets")
        module: nn.Module = getattr(nets, name)(*args, **more)
        return module

    return build


def _timm(name: str, **more: Any) -> Build:
    return lambda timm: timm.create_model(name, pretrained=False, num_classes=3, **more)


_FLAT = {"spatial_dims": 2, "in_channels": 3, "out_channels": 2}
_WIDTHS = {"channels": (8, 16, 32), "strides": (2, 2)}
_SEGRESNET = {"init_filters": 8, **_FLAT}
_DYNUNET = {
    **{"kernel_size": [3, 3, 3], "strides": [1, 2, 2], "upsample_kernel_size": [2, 2]},
    **{"filters": [8, 16, 32], "norm_name": "instance", **_FLAT},
}
NETWORKS: Mapping[str, Mapping[str, Build]] = {
    "segmentation_models_pytorch": {
        "Unet": _smp("Unet"),
        "UnetPlusPlus": _smp("UnetPlusPlus"),
        "MAnet": _smp("MAnet"),
        "Linknet": _smp("Linknet"),
        "FPN": _smp("FPN"),
        "PSPNet": _smp("PSPNet"),
        "PAN": _smp("PAN"),
        "DeepLabV3Plus": _smp("DeepLabV3Plus"),
        "UPerNet": _smp("UPerNet"),
        "Segformer": _smp("Segformer"),
        "Unet, mobilenet_v2": _smp("Unet", "mobilenet_v2"),
        "Unet, efficientnet-b0": _smp("Unet", "efficientnet-b0"),
    },
    "monai": {
        "UNet": _monai("UNet", num_res_units=1, **_WIDTHS, **_FLAT),
        "BasicUNet": _monai("BasicUNet", features=(8, 8, 16, 32, 64, 8), **_FLAT),
        "AttentionUnet": _monai("AttentionUnet", **_WIDTHS, **_FLAT),
        "SegResNet": _monai("SegResNet", **_SEGRESNET),
        "DynUNet": _monai("DynUNet", **_DYNUNET),
        "FlexibleUNet": _monai("FlexibleUNet", 3, 2, "resnet18", spatial_dims=2),
        "SENet": _monai("SEResNet50", spatial_dims=2, in_channels=3, num_classes=3),
        "DenseNet121": _monai("DenseNet121", **_FLAT),
    },
    "timm": {
        "resnet18": _timm("resnet18"),
        "seresnet18": _timm("legacy_seresnet18"),
        "resnext26ts": _timm("resnext26ts"),
        "convnext_atto": _timm("convnext_atto"),
        "convnextv2_atto": _timm("convnextv2_atto"),
        "mobilenetv3_small_050": _timm("mobilenetv3_small_050"),
        "regnety_002": _timm("regnety_002"),
        "vit_tiny_patch16_224": _timm("vit_tiny_patch16_224", img_size=SIDE),
    },
}


def run(book: Path, known: Mapping[str, Any]) -> Iterator[dict[str, Any]]:
    """Yield a row for each network that is not known yet, and write it down."""
    for library, networks in NETWORKS.items():
        try:
            module = _imported(library)
        except Exception as error:  # noqa: BLE001 - in any way
            row = {"key": library, "library": library, "missing": _said(error)}
            yield _written(book, row)
            continue
        version = str(getattr(module, "__version__", ""))
        for name, build in networks.items():
            key = f"{library} {version} {name}"
            if key in known:
                continue
            row = {"key": key, "library": f"{library} {version}", "network": name}
            try:
                row |= _measured(build(module))
            except Exception as error:  # noqa: BLE001 - in any way
                row["failed"] = _said(error)
            yield _written(book, row)


def _imported(library: str) -> Any:
    with contextlib.ExitStack() as stack:
        if library != "monai":
            stack.enter_context(torchvision_for_import())
        return importlib.import_module(library)


def _said(error: Exception) -> str:
    first = (str(error) or repr(error)).splitlines()[0]
    return f"{type(error).__name__}: {first[:160]}"


def _written(book: Path, row: dict[str, Any]) -> dict[str, Any]:
    book.parent.mkdir(parents=True, exist_ok=True)
    with book.open("a", encoding="utf-8") as file:
        file.write(json.dumps(row) + "\n")
    return row


def _measured(module: nn.Module) -> dict[str, Any]:
    """Prune one network both ways, and by the peer."""
    torch.manual_seed(0)
    module = _randomised(module.double().eval())
    x = torch.randn(2, 3, SIDE, SIDE, dtype=torch.float64)
    row: dict[str, Any] = {"params": sum(p.numel() for p in module.parameters())}
    with torch.inference_mode():
        module(x)
    start, graph = time.process_time(), None
    try:
        graph = trace(module, x)
        row["trace"] = time.process_time() - start
        row |= _ours(module, graph, x)
    except PruningError as error:
        row["refused"] = str(error)
    return row | _peer(module, x, graph)


@torch.no_grad()
def _randomised(module: nn.Module) -> nn.Module:
    """Give norms values of their own: a plan that mixed them up would show."""
    for name, tensor in (*module.named_parameters(), *module.named_buffers()):
        if name.endswith("running_var"):
            tensor.uniform_(0.5, 1.5)
        elif tensor.is_floating_point() and tensor.dim() == 1:
            tensor.add_(0.3 * torch.randn_like(tensor))
    return module


def _ours(module: nn.Module, graph: ChannelGraph, x: Tensor) -> dict[str, Any]:
    selector = Selector(graph)
    ends = selector.prefixes(np.zeros(graph.atoms), "network", 2)
    sizes = selector.table(ends)[:, 0]
    reach = float(1 - sizes[-1] / sizes[0])
    start = time.process_time()
    plan = _half(module, graph, reach)
    cut = apply_plan(module, plan)
    seconds = time.process_time() - start
    left = sum(p.numel() for p in cut.parameters())
    return {
        "reach": reach,
        "gone": 1 - left / sum(p.numel() for p in module.parameters()),
        "difference": disagreement(module, graph, plan, (x,)),
        "cut": seconds,
        "unknown": dict(graph.unknown),
    }


def _half(module: nn.Module, graph: ChannelGraph, reach: float) -> PruningPlan:
    """Return a plan for half of the channels, or of what can go."""
    try:
        return make_plan(module, graph, "l2", _SHARE, scope="layer", count="channels")
    except PruningError:
        return make_plan(module, graph, "l2", _SHARE * reach, scope="layer")


def _peer(module: nn.Module, x: Tensor, graph: ChannelGraph | None) -> dict[str, Any]:
    """Let Torch-Pruning remove half of every layer's channels."""
    try:
        import torch_pruning as tp
    except ImportError as error:
        return {"peer": f"not installed ({error})"}
    shapes = _shapes(module(x))
    wrapped = _Leaves(copy.deepcopy(module))
    reasons = graph.reasons if graph is not None else {}
    heads = {name for name, why in reasons.items() if "output" in why}
    kept = [m for n, m in wrapped.inner.named_modules() if n in heads]
    before, start = sum(p.numel() for p in module.parameters()), time.process_time()
    try:
        with contextlib.redirect_stdout(io.StringIO()), _limited():
            tp.pruner.MetaPruner(
                wrapped,
                x,
                importance=tp.importance.GroupMagnitudeImportance(p=2),
                pruning_ratio=_SHARE,
                ignored_layers=kept,
            ).step()
        with torch.inference_mode():
            found = _shapes(wrapped.inner(x))
    except Exception as error:  # noqa: BLE001 - in any way
        return {"peer": _said(error)}
    if found != shapes:
        return {"peer": f"outputs change their shape to {found}"}
    left = sum(p.numel() for p in wrapped.inner.parameters())
    return {"peer_gone": 1 - left / before, "peer_seconds": time.process_time() - start}


@contextlib.contextmanager
def _limited() -> Iterator[None]:
    """Raise `TimeoutError` in what takes too long: some networks take minutes."""

    def stop(*_: Any) -> None:
        raise TimeoutError(f"not done after {_PATIENCE:g} s")

    before = signal.signal(signal.SIGPROF, stop)
    signal.setitimer(signal.ITIMER_PROF, _PATIENCE)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)


def _shapes(out: Any) -> list[tuple[int, ...]]:
    return [tuple(t.shape) for t in tree_leaves(out) if isinstance(t, Tensor)]


class _Leaves(nn.Module):
    """A network with a tuple as output, which the peer can trace."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, x: Tensor) -> tuple[Any, ...]:
        """Run the network."""
        return tuple(t for t in tree_leaves(self.inner(x)) if isinstance(t, Tensor))


def write_report(rows: list[dict[str, Any]], out: Path) -> None:
    """Write ``architectures.md``."""
    lines = [
        "# Networks of public libraries",
        "",
        f"`python -m benchmarks.architectures` made this: untrained networks, 2 x 3 x "
        f"{SIDE} x {SIDE} inputs, float64, torch {torch.__version__}, "
        f"{processor_name()}; seconds of processor time. *Reach* is the largest share "
        "of the parameters that can go. *Gone* is what half of the channels of every "
        "layer hold; *difference* the largest relative difference between the cut "
        "network and the same plan as a mask. Torch-Pruning gets the same share and "
        "the same output layers to leave alone; whether its cut is right is not "
        "checked beyond the shapes of the outputs, and it is given "
        f"{_PATIENCE:g} seconds.",
        "",
        "| library | network | parameters | reach | gone | difference | trace, s "
        "| plan and cut, s | Torch-Pruning, gone | s |",
        "| --- | --- |" + " --- |" * 8,
    ]
    for row in rows:
        if "missing" in row:
            said = f"cannot be imported ({row['missing']})"
            lines.append(f"| {row['library']} | {said} |" + " |" * 8)
        else:
            lines.append(_line(row))
    done = [row for row in rows if "network" in row]
    right = [r for r in done if r.get("difference", 1.0) < 1e-9]
    peers = [r for r in done if "peer_gone" in r]
    lines += [
        "",
        f"{len(right)} of {len(done)} networks are cut as they are masked (within "
        f"1e-9); Torch-Pruning cuts {len(peers)} to networks that run.",
    ]
    named = sorted({name for r in done for name in r.get("unknown", {})})
    if named:
        lines += ["", f"Operations without a rule: {', '.join(named)}."]
    (out / "architectures.md").write_text("\n".join(lines) + "\n", encoding="utf-8")


def _line(row: Mapping[str, Any]) -> str:
    start = f"| {row['library']} | {row['network']} "
    if "failed" in row:
        return start + f"| {row['failed']} |" + " |" * 7
    if "refused" in row:
        ours = f"| refused: {row['refused']} | | | | "
    else:
        ours = (
            f"| {row['reach']:.1%} | {row['gone']:.1%} | {row['difference']:.0e} "
            f"| {row['trace']:.2f} | {row['cut']:.2f} "
        )
    peer = (
        f"| {row['peer_gone']:.1%} | {row['peer_seconds']:.2f} |"
        if "peer_gone" in row
        else f"| {row['peer']} | |"
    )
    return start + f"| {row['params'] / 1e6:.2f} M " + ours + peer


def main() -> None:
    """Read the command line."""
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s")
    warnings.simplefilter("ignore")
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--out", type=Path, required=True)
    out: Path = parser.parse_args().out
    book = out / "architectures.jsonl"
    lines = book.read_text(encoding="utf-8").splitlines() if book.is_file() else []
    known = {row["key"]: row for row in map(json.loads, lines)}
    torch.set_num_threads(1)
    for row in run(book, known):
        known[row["key"]] = row
        log.info("%s", row)
    write_report(list(known.values()), out)


if __name__ == "__main__":
    main()
