"""Sets of states: in memory, in tables, in files."""
