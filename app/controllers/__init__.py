"""From what the user asks for to work and to state.

Start from `wiring`, one line per intent, then `controller`.
"""
