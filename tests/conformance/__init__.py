"""Recordings held against designs."""
