"""Reports: handed verdicts and traces, they never call an engine."""
