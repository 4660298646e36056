"""The same recorded steps in the languages of other tools."""
