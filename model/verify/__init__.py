"""One question about a design, and one result: verdict, counterexample, cause, narration."""
