"""Slides: pictures of several resolutions, read in part. Start with `read_slide`."""
