"""What the worker thread does, and in which order.

Start from `scheduler` (what is next), then `engine` (how `core` is asked).
"""
