"""The version of this program."""


def read_version() -> str:
    """Return the installed version; empty when run from an unpacked folder."""
    from importlib import metadata  # loads the modules of email

    try:
        return metadata.version("prunescope")
    except metadata.PackageNotFoundError:
        return ""
