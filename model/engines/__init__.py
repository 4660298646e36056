"""Search and proof engines of one shape: handed a program and invariants, they return verdicts and never print."""
