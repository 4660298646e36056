"""The real kernel: driver, replay, recordings, monitor."""
