"""`python -m model COMMAND`: the same commands as the console script `clearorder`."""

from model.cli.app import main

main()
