"""Results as pages: the evidence pack, the explorer's positions, pictures."""
