"""Programs that run a network: each is one row here, and a module that calls it.

All get the same weights, the same threads and float32, but for the row that says
otherwise. To read this file, start from `RUNTIMES`.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import util
from typing import TYPE_CHECKING, Any

import numpy as np
import torch
from torch import Tensor, nn

from core.errors import InputError
from core.models.probe import flatten
from core.privacy import disable_telemetry
from core.tables.extras import to_install_command
from core.training.device import fast_in_half

if TYPE_CHECKING:
    from pathlib import Path

    from core.models import LoadedModel


@dataclass(frozen=True, slots=True)
class ExportedModel:
    """One network, ready for any runtime.

    Parameters
    ----------
    model
        For torch.
    onnx
        The same network as a file; None where no runtime needs it.
    names
        Of the outputs, in the order of the file.
    threads
        Within an operation, for every runtime.
    """

    model: LoadedModel
    onnx: Path | None
    names: tuple[str, ...]
    threads: int


@dataclass(frozen=True, slots=True)
class RuntimeRow:
    """One way to run a network.

    Parameters
    ----------
    title
        For people.
    make
        Returns a module that takes a batch and returns outputs as the network does.
    package
        That must be installed; empty for torch.
    extra
        Optional part of this program that installs it.
    half
        Whether it computes in bfloat16, which takes many times as long on a
        processor without instructions for it.
    """

    title: str
    make: Callable[[ExportedModel], nn.Module]
    package: str = ""
    extra: str = ""

    half: bool = False

    @property
    def installed(self) -> bool:
        """Whether it can be used here."""
        return not self.package or util.find_spec(self.package) is not None

    @property
    def worth_trying(self) -> bool:
        """Whether it can be used, and the processor has instructions for it."""
        fits = not self.half or fast_in_half(torch.device("cpu"))
        return self.installed and fits


class _HalfPrecision(nn.Module):
    """A network of torch under bfloat16 autocast."""

    def __init__(self, inner: nn.Module) -> None:
        super().__init__()
        self.inner = inner

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        with torch.autocast(image.device.type, torch.bfloat16):
            return {name: each.float() for name, each in flatten(self.inner(image))}


_Run = Callable[[Any], list[Any]]


class _Session(nn.Module):
    """Another runtime, called as a module is; arrays are not copied on the way in.

    It travels to another process as the network's file, and starts there anew. Each
    thread has a call of its own, for runtimes that take one at a time.
    """

    def __init__(
        self, start: Callable[[bytes, int], Callable[[], _Run]], made: ExportedModel
    ) -> None:
        super().__init__()
        assert made.onnx is not None
        self._start, self._names, self._threads = start, made.names, made.threads
        self._file = made.onnx.read_bytes()
        self._open()

    def _open(self) -> None:
        self._calls = threading.local()
        self._new_call = self._start(self._file, self._threads)

    def __getstate__(self) -> dict[str, Any]:
        state = dict(self.__dict__)
        return {k: v for k, v in state.items() if k not in {"_calls", "_new_call"}}

    def __setstate__(self, state: dict[str, Any]) -> None:
        super().__setstate__(state)  # type: ignore[no-untyped-call]
        self._open()

    def forward(self, image: Tensor) -> dict[str, Tensor]:
        run = getattr(self._calls, "run", None)
        if run is None:
            run = self._calls.run = self._new_call()
        arrays = run(image.numpy())
        found = map(torch.from_numpy, map(np.ascontiguousarray, arrays))
        return dict(zip(self._names, found, strict=True))


def _torch(made: ExportedModel) -> nn.Module:
    return made.model.module


def _torch_half(made: ExportedModel) -> nn.Module:
    return _HalfPrecision(made.model.module)


def _start_onnxruntime(file: bytes, threads: int) -> Callable[[], _Run]:
    disable_telemetry()
    import onnxruntime

    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = threads
    options.inter_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        file, options, providers=["CPUExecutionProvider"]
    )
    name = session.get_inputs()[0].name
    return lambda: lambda image: session.run(None, {name: image})


def _onnxruntime(made: ExportedModel) -> nn.Module:
    return _Session(_start_onnxruntime, made)


def _start_openvino(file: bytes, threads: int) -> Callable[[], _Run]:
    disable_telemetry()
    import openvino

    settings = {
        "INFERENCE_NUM_THREADS": threads,
        "NUM_STREAMS": 1,
        "PERFORMANCE_HINT": "LATENCY",
        "INFERENCE_PRECISION_HINT": "f32",  # else bfloat16 where the processor has it
    }
    core = openvino.Core()
    compiled = core.compile_model(core.read_model(file), "CPU", settings)

    def new_call() -> _Run:
        request = compiled.create_infer_request()

        def run(image: Any) -> list[Any]:
            found = request.infer([image], share_inputs=True)
            return [found[port] for port in compiled.outputs]

        return run

    return new_call


def _openvino(made: ExportedModel) -> nn.Module:
    return _Session(_start_openvino, made)


RUNTIMES: dict[str, RuntimeRow] = {
    "torch": RuntimeRow("PyTorch", _torch),
    "torch-bfloat16": RuntimeRow("PyTorch, bfloat16", _torch_half, half=True),
    "onnxruntime": RuntimeRow("ONNX Runtime", _onnxruntime, "onnxruntime", "onnx"),
    "openvino": RuntimeRow("OpenVINO", _openvino, "openvino", "openvino"),
}
"""By the name on the command line; the first is what the others are compared with."""


def check_runtimes(names: tuple[str, ...]) -> None:
    """Refuse names that are unknown or not installed.

    Raises
    ------
    InputError
        Says what to install.
    """
    for name in names:
        row = RUNTIMES.get(name)
        if row is None:
            known = ", ".join(RUNTIMES)
            raise InputError(f"There is no runtime {name!r}; choose some of {known}.")
        if not row.installed:
            raise InputError(
                f"{row.title} is not installed; run: {to_install_command(row.extra)}."
            )
