"""Errors that are shown to a user as one sentence.

Every message says what is wrong *and* what to do about it. The command line
prints it and exits with 2; the window shows it and keeps what was open.
"""


class BenchError(Exception):
    """A problem the user can act on; ``str(error)`` is the whole sentence."""


class InputError(BenchError):
    """A file, tile or label map that cannot be used."""


class ModelError(BenchError):
    """Weights or a module that cannot be used."""


class PruningError(BenchError):
    """A pruning request that cannot be met."""


class StoreError(BenchError):
    """A result store that cannot be read or written."""
