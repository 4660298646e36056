"""`python -m model.check [DESIGN …]`."""

from model.cli.start import start

start("python -m model.check", "model.check.command")
