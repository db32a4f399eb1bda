"""What is opened and how it is set, as names and files, kept for the next start.

Start from `setup_file`.
"""
