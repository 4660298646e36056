"""What holds of infinite runs: lassos, on the graph and by z3."""
