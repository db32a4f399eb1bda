"""Where a trial ran and what ran it."""

import hashlib
import os
import platform
import subprocess
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import numpy as np
import psutil
import torch

from core.latency import processor_name
from core.models import LoadedModel
from core.version import read_version

_ROOT = Path(__file__).parents[2]


def utc_now() -> str:
    """Current time, ISO 8601, to the second."""
    return datetime.now(UTC).isoformat(timespec="seconds")


def provenance() -> dict[str, Any]:
    """Hardware, versions and git revision of this run."""
    return {
        "processor": processor_name(),
        "cores": os.cpu_count() or 1,
        "memory": int(psutil.virtual_memory().total),
        "system": platform.platform(),
        "versions": {
            "python": platform.python_version(),
            "torch": str(torch.__version__),
            "numpy": np.__version__,
            "prunescope": read_version(),
        },
        "revision": git_revision(),
    }


def git_revision(root: Path = _ROOT) -> str:
    """Commit of a checkout, marked when files differ from it; "" without one."""
    if not (root / ".git").exists():  # an installed copy: git would find another's
        return ""
    git = ["git", "--no-optional-locks", "-C", str(root)]
    try:
        # describe --dirty would lock the index, in the way of another git
        named = _ask([*git, "describe", "--always", "--abbrev=12"])
        changed = _ask([*git, "status", "--porcelain", "--untracked-files=no"])
    except (OSError, subprocess.SubprocessError):
        return ""
    return f"{named}-dirty" if changed else named


def _ask(command: list[str]) -> str:
    done = subprocess.run(
        command, capture_output=True, text=True, timeout=10, check=True
    )
    return done.stdout.strip()


def weights_hash(model: LoadedModel) -> str:
    """Name a dense model by its weights and how it is fed, 16 hexadecimal digits."""
    digest = hashlib.sha256(repr(model.spec).encode())
    for name, tensor in sorted(model.module.state_dict().items()):
        values = tensor.detach().cpu().contiguous()
        digest.update(f"{name} {values.dtype} {tuple(values.shape)}".encode())
        digest.update(values.reshape(-1).view(torch.uint8).numpy().tobytes())
    return digest.hexdigest()[:16]
