"""Builds the window with everything behind it.

Start from `building.build`.
"""
