"""The designs under review: one file a design, shared parts in dirty_log.py, expected verdicts in manifest.toml."""
