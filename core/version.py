"""The versions of this program and of what it stands on, and their licences."""

import platform
from collections.abc import Callable

DISTRIBUTIONS = (
    *("torch", "PySide6-Essentials", "numpy", "scipy", "scikit-image", "pyqtgraph"),
    *(
        "opencv-python-headless",
        "pillow",
        "tifffile",
        "imagecodecs",
        "openslide-python",
    ),
    *("zarr", "h5py", "safetensors", "jinja2", "cattrs", "rich", "psutil", "pyyaml"),
    *("fonttools", "platformdirs", "roifile", "openslide-bin", "shtab"),
)
"""Packages that the program needs, as PyPI names them; the best known first."""
_LONGEST = 100  # characters of a licence; some packages give its whole text


def read_version() -> str:
    """Return the installed version; empty when run from an unpacked folder."""
    return read_library_version("prunescope")


def read_library_version(distribution: str) -> str:
    """Return the version of an installed package without importing it, or nothing."""
    from importlib import metadata  # loads the modules of email

    try:
        return metadata.version(distribution)
    except metadata.PackageNotFoundError:
        return ""


def list_versions() -> list[str]:
    """Return the versions that a report of a fault needs, a line each."""
    torch = read_library_version("torch")
    qt = read_library_version("PySide6-Essentials")
    return [
        f"prunescope {read_version() or 'unknown'}",
        f"Python {platform.python_version()}, PyTorch {torch or 'not installed'}, "
        f"Qt {qt or 'not installed'}",
        platform.platform(),
    ]


def list_licences() -> list[tuple[str, str, str]]:
    """Return name, version and licence of each package that is installed."""
    from importlib import metadata

    rows = []
    for name in DISTRIBUTIONS:
        try:
            about = metadata.metadata(name)
        except metadata.PackageNotFoundError:
            continue
        rows.append((name, about["Version"], _find_licence(about.get_all)))
    return rows


def _find_licence(read_all: Callable[[str], list[str] | None]) -> str:
    """Return the licence as one of three fields of a package's metadata names it."""
    for line in read_all("License-Expression") or ():
        return line
    for line in read_all("Classifier") or ():
        group, _, name = line.rpartition(" :: ")
        if group.startswith("License") and name != "OSI Approved":
            return name
    for line in read_all("License") or ():
        if len(line) <= _LONGEST:
            return line
    return "see its package"
