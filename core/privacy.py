"""Nothing leaves the machine: other people's telemetry is off.

onnxruntime writes a device id and a database of events below the cache folder, and
looks up a host, as soon as it is imported.
"""

import os

_OFF = {"ORT_DISABLE_TELEMETRY": "1"}


def disable_telemetry() -> None:
    """Turn telemetry of libraries off, for this process and its children.

    To be called before any of them is imported.
    """
    os.environ.update(_OFF)
