"""PruneScope, a desktop bench for pruning nuclei models.

Once installed, everything is in this package. A checkout has the same modules at top
level, as `app`, `core` and `resources`; there, this package only names them, so that
``from prunescope.core.models import load_model`` means the same in both.
"""

import sys
from collections.abc import Sequence
from importlib import import_module
from importlib.abc import Loader, MetaPathFinder
from importlib.machinery import ModuleSpec
from types import ModuleType

_FOLDERS = ("app", "core", "resources")


class _CheckoutFinder(MetaPathFinder, Loader):
    """Finds ``prunescope.core`` where it is called ``core``."""

    def __init__(self) -> None:
        self._specs: dict[str, ModuleSpec | None] = {}

    def find_spec(
        self,
        fullname: str,
        path: Sequence[str] | None,
        target: ModuleType | None = None,
    ) -> ModuleSpec | None:
        """Return a spec of this loader for a module of the checkout."""
        package, _, name = fullname.partition(".")
        if package != __name__ or name.partition(".")[0] not in _FOLDERS:
            return None
        return ModuleSpec(fullname, self)

    def create_module(self, spec: ModuleSpec) -> ModuleType:
        """Return the module itself, never a second copy of it."""
        module = import_module(spec.name.partition(".")[2])
        self._specs[spec.name] = module.__spec__
        return module

    def exec_module(self, module: ModuleType) -> None:
        """Leave the module its own spec: importlib put the other name into it."""
        assert module.__spec__ is not None
        module.__spec__ = self._specs.pop(module.__spec__.name)


# before the finder of files, which would load a second copy from the same folder
sys.meta_path.insert(0, _CheckoutFinder())
