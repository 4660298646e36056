"""Results as text, and as files that other tools read."""
