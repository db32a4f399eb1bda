"""Files of weights, read without running code; start from `archives.read_content`."""
