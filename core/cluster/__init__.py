"""Sweeps and slides on many machines, by Dask distributed.

Start with `run_cluster_sweep`.

An optional part of the program: ``pip install prunescope[cluster]``.
"""

from core.cluster.connection import ClusterSettings
from core.cluster.slide import run_cluster_slide
from core.cluster.sweep import run_cluster_sweep

__all__ = ["ClusterSettings", "run_cluster_slide", "run_cluster_sweep"]
