"""Optional parts of the program, as ``pip`` knows them."""

EXTRAS = ("onnx", "openvino", "slides", "cluster", "smp", "monai", "timm", "all")
"""Names in ``[project.optional-dependencies]``; the last one is all the others."""


def to_install_command(extra: str) -> str:
    """Return the command line that installs an optional part.

    Parameters
    ----------
    extra
        One of `EXTRAS`.

    Raises
    ------
    ValueError
        When there is no such part.
    """
    if extra not in EXTRAS:
        raise ValueError(f"{extra!r} is no optional part of this program")
    return f"python -m pip install 'prunescope[{extra}]'"
