"""What has to be known about the machine to believe a time."""

import os
import platform
from typing import Any

import torch

from core.cache import processor_name
from core.results.latency import Environment


def load_average() -> float:
    """Return the one-minute load average; nan where there is none (Windows)."""
    try:
        return os.getloadavg()[0]
    except (OSError, AttributeError):
        return float("nan")


def describe(
    device: torch.device,
    inputs: tuple[Any, ...],
    layout: str,
    load_before: float,
    *,
    isolated: bool,
) -> Environment:
    """Record device, threads, build, layout, input and load."""
    tensors = [each for each in inputs if isinstance(each, torch.Tensor)]
    return Environment(
        device=device.type,
        processor=_processor(device),
        cores=os.cpu_count() or 1,
        threads=torch.get_num_threads(),
        torch_build=_build(),
        layout=layout,
        inputs=tuple(tuple(each.shape) for each in tensors),
        dtype=str(tensors[0].dtype).removeprefix("torch.") if tensors else "",
        load_before=load_before,
        load_after=load_average(),
        isolated=isolated,
        flush_denormal=device.type == "cpu",
        system=f"{platform.platform()}, Python {platform.python_version()}",
    )


def _processor(device: torch.device) -> str:
    if device.type == "cuda":
        return str(torch.cuda.get_device_name(device))
    return processor_name()


def _build() -> str:
    backends: dict[str, Any] = {
        "oneDNN": torch.backends.mkldnn,
        "MKL": torch.backends.mkl,
        "OpenMP": torch.backends.openmp,
    }
    parts = [name for name, module in backends.items() if module.is_available()]
    parts.append(str(torch.backends.cpu.get_cpu_capability()))
    return f"torch {torch.__version__} ({', '.join(parts)})"
