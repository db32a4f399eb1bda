"""From a graph to scores: what each channel or weight is worth.

Start from `heuristics`; activation statistics are gathered in `statistics`.
"""
