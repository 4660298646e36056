"""The command line: running a command, signals, the terminal, files, shared options, progress."""
