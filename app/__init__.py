"""The window and the command line: they ask `core` and show what it says."""
