"""Safe designs with one slip each: none passes in silence."""
