"""Offscreen Qt, and one thread for torch: set before anything loads either."""

import os

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")
