"""What the window knows: frozen values, and pure functions that make the next ones.

Start from `app_state`: one value, one owner. What the worker hands over is in `values`.
"""
