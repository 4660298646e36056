"""The dirty-log ioctls of other VMMs, recorded and judged."""
