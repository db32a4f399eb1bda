"""The demo view for people who do not prune: a story told, and a blinded reading.

Start from `telling`; the reading begins in `blind`.
"""
