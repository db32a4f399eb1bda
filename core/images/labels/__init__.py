"""Ground truth of every kind, as labels, types and notes. Start with `read_truth`."""
