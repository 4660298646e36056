"""Our own mutants: one change of the source each, and the tests that have to notice it."""
