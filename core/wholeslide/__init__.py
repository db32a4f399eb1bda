"""A slide from end to end: tissue, nuclei by one or two models, files, a map.

Start with `run_slide`. What is found lies in a `SlideLog`, patch by patch, so a run
that was killed goes on where it stopped; every file is made from that log.
"""

from core.wholeslide.grid import SlideGrid, build_grid
from core.wholeslide.patches import LocalPatches, SeenPatch, build_module
from core.wholeslide.pipeline import SlideRun, run_slide
from core.wholeslide.settings import SlideSettings

__all__ = [
    "LocalPatches",
    "SeenPatch",
    "SlideGrid",
    "SlideRun",
    "SlideSettings",
    "build_grid",
    "build_module",
    "run_slide",
]
