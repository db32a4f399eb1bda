"""The main window: places the views, owns menus and keys, decides nothing.

Start from `window`.
"""
