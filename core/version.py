"""The version of this program."""

from importlib import metadata


def read_version() -> str:
    """Return the installed version; empty when run from an unpacked folder."""
    try:
        return metadata.version("prunescope")
    except metadata.PackageNotFoundError:
        return ""
