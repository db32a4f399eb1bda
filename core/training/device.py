"""Where a network is trained."""

import torch

from core.errors import InputError

DEVICES = ("auto", "cpu", "cuda", "mps")


def pick_device(name: str) -> torch.device:
    """Return a device by name.

    Parameters
    ----------
    name
        ``"auto"`` (CUDA, else Apple's MPS, else the processor), ``"cpu"``,
        ``"cuda"``, ``"cuda:1"``, ``"mps"``.

    Raises
    ------
    InputError
        When this computer has no such device.
    """
    if name == "auto":
        name = next((kind for kind in ("cuda", "mps") if _has(kind)), "cpu")
    kind = name.split(":", maxsplit=1)[0]
    if kind not in DEVICES or not _has(kind):
        there = ", ".join(each for each in DEVICES if each == "auto" or _has(each))
        raise InputError(f"There is no device '{name}' here: choose one of {there}.")
    try:
        device = torch.device(name)
    except RuntimeError:
        raise InputError(f"'{name}' is no device: write cuda or cuda:0.") from None
    if kind == "cuda" and (device.index or 0) >= torch.cuda.device_count():
        raise InputError(
            f"There is no device '{name}' here: the last one is "
            f"cuda:{torch.cuda.device_count() - 1}."
        )
    return device


def _has(kind: str) -> bool:
    if kind == "cuda":
        return torch.cuda.is_available()
    if kind == "mps":
        return torch.backends.mps.is_available()
    return True


def layout(device: torch.device) -> torch.memory_format:
    """Memory layout in which a training step is fastest there.

    Parameters
    ----------
    device
        On processors without AVX-512 the gradients of convolutions are slow with
        channels last: a step of the demo model takes 4.3 s of one core in that layout
        and 2.9 s in the other, one of demo-90 1.9 s and 1.5 s (Zen 3, torch 2.13).
    """
    wide = torch.backends.cpu.get_cpu_capability() == "AVX512"
    if device.type != "cpu" or wide:
        return torch.channels_last
    return torch.contiguous_format


def fast_in_half(device: torch.device) -> bool:
    """Return whether bfloat16 is faster than float32 there.

    Parameters
    ----------
    device
        CUDA with tensor cores, or a processor with AMX or with AVX-512's bfloat16
        instructions (a training step of the demo model then takes 0.55 of the time);
        without those bfloat16 convolutions are slower than float32 ones.
    """
    if device.type == "cuda":
        return bool(torch.cuda.is_bf16_supported(including_emulation=False))
    ask = getattr(torch.cpu, "get_capabilities", None)  # torch 2.6 lacks it
    if device.type != "cpu" or ask is None:
        return False
    return any(ask().get(name) for name in ("amx_bf16", "avx512_bf16"))
