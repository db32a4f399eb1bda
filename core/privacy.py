"""Nothing leaves the machine: other people's telemetry is off.

onnxruntime writes a device id and a database of events below the cache folder, and
looks up a host, as soon as it is imported. openvino imports openvino_telemetry with
itself, which sends events unless its user has refused in a file; openvino does without
it where it is not installed.
"""

import os
import sys

_OFF = {"ORT_DISABLE_TELEMETRY": "1"}
_HIDDEN = ("openvino_telemetry",)


def disable_telemetry() -> None:
    """Turn telemetry of libraries off, for this process and its children.

    To be called before any of them is imported.
    """
    os.environ.update(_OFF)
    for name in _HIDDEN:  # as if it was not installed
        sys.modules.setdefault(name, None)  # type: ignore[arg-type]
