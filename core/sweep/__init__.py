"""Grids of trials over a folder of tiles, coarse to fine, into a store."""

from core.sweep.folder import TileFolder, read_calibration, read_folder, read_patches
from core.sweep.grid import SWEEP_TIMING, Grid, coarse_to_fine
from core.sweep.provenance import git_revision, provenance, weights_hash
from core.sweep.runner import SweepSummary, rerun, run_sweep

__all__ = [
    "SWEEP_TIMING",
    "Grid",
    "SweepSummary",
    "TileFolder",
    "coarse_to_fine",
    "git_revision",
    "provenance",
    "read_calibration",
    "read_folder",
    "read_patches",
    "rerun",
    "run_sweep",
    "weights_hash",
]
