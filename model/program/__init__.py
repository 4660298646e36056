"""Designs as they are written, run once and recorded as guarded atomic steps; and what rewrites such programs."""
