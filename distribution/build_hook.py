"""Makes the wheel install one package; run by hatchling, see pyproject.toml."""

import shutil
import sys
import tempfile
from pathlib import Path
from typing import Any

from hatchling.builders.hooks.plugin.interface import BuildHookInterface


class OnePackage(BuildHookInterface):  # type: ignore[type-arg]
    """Puts the rewritten package into a wheel; an editable install stays as it is."""

    def initialize(self, version: str, build_data: dict[str, Any]) -> None:
        """Write the package into a folder that the wheel is filled from."""
        self._folder = None
        if version == "editable":
            return
        sys.path.insert(0, self.root)
        try:
            from distribution.one_package import PACKAGE, write_package
        finally:
            sys.path.remove(self.root)
        self._folder = tempfile.mkdtemp()
        package = write_package(Path(self.root), Path(self._folder))
        build_data["force_include"][str(package)] = PACKAGE

    def finalize(
        self, version: str, build_data: dict[str, Any], artifact_path: str
    ) -> None:
        """Remove that folder."""
        if self._folder is not None:
            shutil.rmtree(self._folder, ignore_errors=True)
