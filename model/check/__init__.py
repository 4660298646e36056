"""`clearorder check`: asking about designs, and writing what was found."""
