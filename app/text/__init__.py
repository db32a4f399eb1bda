"""Numbers as people read them, and what they mean in a sentence.

Start from `format`.
"""
