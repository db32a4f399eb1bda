"""Everything that computes: no Qt, no window, no printing."""
