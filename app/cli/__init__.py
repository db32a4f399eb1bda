"""The command line: the same functions without a window.

Start from `arguments`, then `commands`.
"""
