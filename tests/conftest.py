"""Offscreen Qt, one thread for torch, a cache of the tests' own: set before either."""

import os
import tempfile

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
# Times and orders that the user keeps are neither read nor replaced.
_cache = tempfile.TemporaryDirectory(prefix="prunescope-cache-")
os.environ["PRUNESCOPE_CACHE"] = _cache.name
os.environ["PRUNESCOPE_LOGS"] = "off"
