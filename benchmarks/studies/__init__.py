"""The two studies behind this project as commands, their claims tested on real tissue.

    python -m benchmarks.studies structured --data ../shared/data --out DIR
    python -m benchmarks.studies unstructured --data ../shared/data --out DIR

Study 1 is structured pruning (Adnan et al. 2024, arXiv 2404.08831), study 2
unstructured pruning (Mahbod et al. 2022, arXiv 2206.07422). Both go on where they
were stopped; ``--quick`` shows in minutes that everything runs.

To read this package, start from ``structured.py``.
"""
