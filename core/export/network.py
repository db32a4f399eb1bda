"""Networks in forms that run without this program: ONNX and torch.export.

Both take one input, ``image``: float32 (images, 3, height, width), RGB, scaled as
the network was trained (``spec.input_range``, then less ``spec.mean`` over
``spec.std``). Both return the network's raw outputs, one float32 array each, in the
order and with the names of `output_names`: logits or regressions of shape (images,
channels, height, width), smaller in height and width where convolutions are
unpadded, and (images, classes) of a classifier. Turning them into nuclei is not in
the file; `core.export.scripts` writes a script that shows how an image is fed.

The number of images and their size stay free, within what the network takes. Each
file is read back and compared with the module that it was made from, on another
size and number of images than it was traced with, before it is kept.
To read this file, start from `export_onnx`.
"""

from __future__ import annotations

import copy
import json
import logging
import warnings
from contextlib import contextmanager, suppress
from dataclasses import replace
from importlib import util
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import ModelError
from core.export.writing import whole_file
from core.models.architectures import LIBRARY
from core.models.probe import flatten, probe_side
from core.models.specs import spec_to_json
from core.nuclei.preprocess import fed_side
from core.privacy import disable_telemetry
from core.tables import OUTPUT_READERS
from core.tables.extras import to_install_command

if TYPE_CHECKING:
    import os
    from collections.abc import Callable, Iterator, Sequence
    from pathlib import Path

    from torch.export import ExportedProgram

    from core.models import LoadedModel
    from core.types import ModelSpec

INPUT = "image"
_NEEDED = ("onnx", "onnxscript", "onnxruntime")
_TOLERANCE = 1e-3  # of the largest output; sums are ordered differently there
_PADDED = frozenset(OUTPUT_READERS) - {"hv"}  # take any multiple of a step
_MOST_IMAGES, _MOST_SIDE = 256, 1 << 16


class Named(nn.Module):
    """A network whose outputs come as a tuple, in the order of their names.

    Parameters
    ----------
    inner
        Takes float32 (images, 3, height, width) and returns a tensor, or tensors in
        mappings and sequences, nested as one likes. Anything else in there is
        left out.
    """

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> tuple[Tensor, ...]:
        """Return every tensor among the outputs of one batch of images."""
        return tuple(tensor for _, tensor in flatten(self.inner(image)))


def missing_for_onnx() -> tuple[str, ...]:
    """Return the packages that an ONNX export needs and that are not installed.

    Returns
    -------
    tuple of str
        As pip names them; empty when all are there. None is imported.
    """
    return tuple(name for name in _NEEDED if util.find_spec(name) is None)


def output_names(model: LoadedModel) -> tuple[str, ...]:
    """Return the names of the outputs, in the order of `Named`.

    Parameters
    ----------
    model
        Is run once on noise, on the processor.

    Returns
    -------
    tuple of str
        Keys of mappings, ``NAME.0``, ``NAME.1`` for members of a sequence, and
        ``output`` for a network that returns one tensor.
    """
    with torch.inference_mode():
        outputs = _portable(model).inner(_images(model.spec))
    return tuple(name for name, _ in flatten(outputs))


def traced(model: LoadedModel) -> ExportedProgram:
    """Trace a network for any number of images of any size it takes.

    Parameters
    ----------
    model
        As loaded or pruned; it stays as it is, and a copy in float32 on the
        processor is traced.

    Returns
    -------
    torch.export.ExportedProgram
        Of `Named`. Up to 256 images; sides are multiples of ``spec.stride`` up to
        65,536 for networks with padded convolutions, and what torch finds them to
        be for the others.

    Raises
    ------
    ModelError
        When torch cannot follow it.
    """
    padded = model.spec.reader in _PADDED and not _takes_one_size(model.spec)
    try:
        return _traced(model, multiples=padded)
    except Exception as error:  # torch raises many kinds here
        if padded and model.spec.architecture == LIBRARY:
            # such a network may compare sizes: torch finds out which ones it takes
            with suppress(Exception):
                return _traced(model, multiples=False)
        raise ModelError(
            f"torch cannot export {model.spec.name!r} "
            f"({_first_line(error)}); save it as safetensors instead."
        ) from error


def _traced(model: LoadedModel, *, multiples: bool) -> ExportedProgram:
    """Trace a network; with `multiples` for every multiple of its stride.

    Raises
    ------
    Exception
        Of many kinds, when torch cannot follow it.
    """
    sizes: dict[int, Any] = {0: torch.export.Dim("images", min=1, max=_MOST_IMAGES)}
    for dim, name in ((2, "height"), (3, "width")):
        # Only the padded networks take every multiple of one number; the others
        # say themselves which sizes they take.
        sizes[dim] = torch.export.Dim.AUTO
        if _takes_one_size(model.spec):
            sizes.pop(dim)
        elif multiples:
            steps = torch.export.Dim(name, min=1, max=_MOST_SIDE // model.spec.stride)
            sizes[dim] = model.spec.stride * steps
    example = _images(model.spec, count=2, wider=1)
    with _quietly():
        return torch.export.export(
            _portable(model), (example,), dynamic_shapes=(sizes,), strict=False
        )


def export_program(
    path: str | os.PathLike[str],
    model: LoadedModel,
    program: ExportedProgram | None = None,
) -> None:
    """Write a network as a torch.export program (``.pt2``).

    ``torch.export.load(path).module()`` runs it; another release of torch may
    refuse it. It carries ``prunescope.json``: name, architecture, hash of
    the plan and what it is not for.

    Parameters
    ----------
    path
        Where to; an older file stays until the new one is whole and checked.
    model
        What to write; it stays as it is.
    program
        From `traced`, when there is one already.

    Raises
    ------
    ModelError
        When it cannot be exported, or gives outputs that differ from the module's
        by more than a thousandth of the largest one.
    InputError
        When nothing can be written there.
    """
    program = program or traced(model)
    with whole_file(path) as part:
        with _quietly():
            about = _about(model) | {"outputs": output_names(model)}
            extra = {"prunescope.json": json.dumps(about)}
            torch.export.save(program, part, extra_files=extra)
            again: Callable[..., Any] = torch.export.load(part).module()
        _check(model, lambda images: again(images), "torch.export")


def export_onnx(
    path: str | os.PathLike[str],
    model: LoadedModel,
    program: ExportedProgram | None = None,
) -> None:
    """Write a network as ONNX, checked in onnxruntime.

    The weights lie within the file, which torch's own exporter writes in the opset
    that it prefers. The entry ``prunescope`` of its metadata holds name,
    architecture, hash of the plan and what it is not for, as JSON.

    Parameters
    ----------
    path
        Where to; an older file stays until the new one is whole and checked.
    model
        What to write; it stays as it is.
    program
        From `traced`, when there is one already.

    Raises
    ------
    ModelError
        When a package is missing (`missing_for_onnx`; the message has the line
        that installs it), when the network cannot be exported, or when it gives
        outputs that differ by more than a thousandth of the largest one.
    InputError
        When nothing can be written there.
    """
    missing = missing_for_onnx()
    if missing:
        raise ModelError(
            f"ONNX needs {', '.join(missing)}; run: {to_install_command('onnx')}, "
            "then export again."
        )
    program = program or traced(model)
    try:
        with _quietly():
            made = torch.onnx.export(
                program,
                dynamo=True,
                verbose=False,
                input_names=[INPUT],
                output_names=list(output_names(model)),
            )
    except Exception as error:  # the exporter raises many kinds here
        raise ModelError(
            f"{model.spec.name!r} cannot be written as ONNX "
            f"({_first_line(error)}); export it as .pt2 or safetensors instead."
        ) from error
    assert made is not None
    made.model.metadata_props["prunescope"] = json.dumps(_about(model))
    with whole_file(path) as part:
        made.save(part)
        _check(model, _runtime(part), "onnxruntime")


def _runtime(path: Path) -> Callable[[Tensor], Sequence[Any]]:
    """Open an ONNX file; returns what runs it."""
    disable_telemetry()
    import onnxruntime

    try:
        session = onnxruntime.InferenceSession(
            path.read_bytes(), providers=["CPUExecutionProvider"]
        )
    except Exception as error:  # onnxruntime raises kinds of its own
        raise ModelError(
            f"onnxruntime does not take the export ({_first_line(error)}); "
            "export as .pt2 or safetensors instead."
        ) from error
    return lambda images: session.run(None, {INPUT: images.numpy()})


def _check(
    model: LoadedModel, run: Callable[[Tensor], Sequence[Any]], where: str
) -> None:
    """Compare an export with its module on two other inputs.

    Raises
    ------
    ModelError
        When an output differs by more than rounding.
    """
    module = _portable(model)
    for images in (
        _images(model.spec, seed=1, wider=2),
        _images(model.spec, seed=2, count=3),
    ):
        with torch.inference_mode():
            expected = [tensor.numpy() for tensor in module(images)]
            found = [np.asarray(array) for array in run(images)]
        same = len(expected) == len(found) and all(
            one.shape == other.shape and _close(one, other)
            for one, other in zip(expected, found, strict=True)
        )
        if not same:
            raise ModelError(
                f"the export of {model.spec.name!r} computes something else in "
                f"{where} than here, so it was not kept; save it as safetensors."
            )


def _close(one: Any, other: Any) -> bool:
    """Return whether two outputs are the same up to rounding."""
    most = np.abs(one).max(initial=1e-6)
    return bool(np.abs(one - other).max(initial=0) <= _TOLERANCE * most)


def _portable(model: LoadedModel) -> Named:
    """Return a copy on the processor, in the plain memory order."""
    inner = copy.deepcopy(model.module).cpu().float().eval()
    inner = inner.to(memory_format=torch.contiguous_format)  # type: ignore[call-overload]
    return Named(inner).eval()


def _images(
    spec: ModelSpec, *, count: int = 1, wider: int = 0, seed: int = 0
) -> Tensor:
    """Return noise as a network takes it; ``wider`` sizes wider than high."""
    side = probe_side(spec)
    unit = max(spec.stride, 8)
    shape = (count, 3, side, _side_from(side, unit * wider, spec))
    low, high = spec.input_range
    noise = np.random.default_rng(seed).uniform(low, high, shape)
    mean, std = (np.reshape(values, (3, 1, 1)) for values in (spec.mean, spec.std))
    return torch.from_numpy(((noise - mean) / std).astype(np.float32))


def _side_from(side: int, more: int, spec: ModelSpec) -> int:
    """Return a side at least ``more`` pixels larger that the network takes too."""
    if _takes_one_size(spec):
        return side
    if spec.reader in _PADDED:
        return fed_side(side + more, spec)
    return side + more


def _takes_one_size(spec: ModelSpec) -> bool:
    """Whether a network takes pictures of its window and no others."""
    return spec.stride == spec.window[0]


def _about(model: LoadedModel) -> dict[str, Any]:
    """Return what travels inside the file."""
    return {
        "name": model.spec.name,
        # all that feeds it and reads its outputs, for who opens the file again
        "spec": spec_to_json(replace(model.spec, config={})),
        "architecture": model.spec.architecture,
        "plan": "" if model.plan is None else model.plan.hash,
        "note": "Made by PruneScope. Not for diagnosis.",
    }


def _first_line(error: Exception) -> str:
    return (str(error).strip().splitlines() or [type(error).__name__])[0][:160]


@contextmanager
def _quietly() -> Iterator[None]:
    """Keep the exporter's notes to its own developers off the terminal.

    Its progress bars, which are off, would start a thread that never ends.
    """
    with suppress(ImportError):
        from tqdm import tqdm  # type: ignore[import-untyped]

        tqdm.monitor_interval = 0
    log = logging.getLogger("torch.onnx")
    before = log.level
    log.setLevel(logging.ERROR)
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            yield
    finally:
        log.setLevel(before)
