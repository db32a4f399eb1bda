"""The window: `main_window`, its `panels`, and small `widgets`.

Setters are silent, user actions emit signals; no view decides anything.
Start from `main_window.window`.
"""
