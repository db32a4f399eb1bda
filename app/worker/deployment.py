"""What this computer has to run networks with (imports torch)."""

from app.state.deployment import Available, Choice

_DEVICES = {"cpu": "Processor", "cuda": "GPU (CUDA)", "mps": "GPU (Metal)"}


def find_available() -> Available:
    """Return devices, precisions and runtimes, with what is missing and why."""
    import torch

    from core.deployment import RUNTIMES
    from core.errors import InputError
    from core.nuclei.batches import PRECISIONS
    from core.training.device import fast_in_half, pick_device

    devices = []
    for key, title in _DEVICES.items():
        try:
            pick_device(key)
        except InputError:
            continue
        devices.append(Choice(key, title))
    fast = any(fast_in_half(torch.device(each.key)) for each in devices)
    slow = "No device here has instructions for it, and it would take many times longer"
    precisions = [
        Choice(name, name, "" if fast or name == PRECISIONS[0] else f"{slow}.")
        for name in PRECISIONS
    ]
    runtimes = []
    for key, row in RUNTIMES.items():
        reason = f"Not installed: python -m pip install 'prunescope[{row.extra}]'."
        if row.installed:
            reason = "" if row.worth_trying else f"{slow}."
        runtimes.append(Choice(key, row.title, reason))
    return Available(tuple(devices), tuple(precisions), tuple(runtimes))
