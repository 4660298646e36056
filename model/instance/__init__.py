"""A program at given sizes: its states, its moves and its traces."""
