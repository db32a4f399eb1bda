"""The main window: places the panels, owns menus and keys.

Start from `window`.
"""
