"""Demo weights, sample assets and icons, read through importlib.resources."""
