"""The packed search: states as words, a whole depth at a time."""
