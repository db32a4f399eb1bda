"""Arrays to pixels and colours: nothing here knows a widget.

Start from `overlay.compose`, which draws masks over a tile; colours with a meaning
are in `palette`.
"""
