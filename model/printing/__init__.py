"""How results look as text: lines that break at words, tables as wide as the terminal, one style for each verdict."""
