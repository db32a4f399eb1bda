"""Sweeps from the window: a process that tries many models, and its stores as curves.

Start from `sweeping`.
"""
