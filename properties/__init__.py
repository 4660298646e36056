"""What must hold: one idea a file, written in the expression language alone."""
