"""Part of the program."""
