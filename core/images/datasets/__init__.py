"""Folders of public data sets. Start with `find_layout`."""
