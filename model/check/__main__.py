"""`python -m model.check [DESIGN …]`."""

from model.check.command import command
from model.cli.app import run

run(command, "python -m model.check")
