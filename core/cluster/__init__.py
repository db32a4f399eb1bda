"""A sweep on many machines, by Dask distributed. Start with `run_cluster_sweep`.

An optional part of the program: ``pip install prunescope[cluster]``.
"""

from core.cluster.sweep import ClusterSettings, run_cluster_sweep

__all__ = ["ClusterSettings", "run_cluster_sweep"]
