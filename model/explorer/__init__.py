"""Taking the moves of a design by hand: a session that knows the rules, and a loopback server that asks it."""
