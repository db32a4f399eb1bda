"""Puts the README into the wheel's description; run by hatchling.

``PRUNESCOPE_ADDRESS`` in the environment says where the repository's files can be seen,
for a release; see `distribution.readme`.
"""

import os
import sys
from pathlib import Path
from typing import Any

from hatchling.metadata.plugin.interface import MetadataHookInterface


class AnywhereReadme(MetadataHookInterface):
    """Gives the description pictures and links that work anywhere."""

    def update(self, metadata: dict[str, Any]) -> None:
        """Set the description."""
        sys.path.insert(0, self.root)
        try:
            from distribution.readme import to_anywhere
        finally:
            sys.path.remove(self.root)
        text = Path(self.root, "README.md").read_text(encoding="utf-8")
        address = os.environ.get("PRUNESCOPE_ADDRESS", "")
        content = to_anywhere(text, address)
        metadata["readme"] = {"content-type": "text/markdown", "text": content}
        if address:
            metadata["urls"] = {"Source": address}
