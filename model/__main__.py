"""`clearorder COMMAND`, also `python -m model COMMAND`."""

from __future__ import annotations

from model.cli.start import start

COMMANDS = {
    "check": "model.check.command",
    "certify": "model.commands.certify",
    "cost": "model.commands.cost",
    "edges": "model.commands.edges",
    "evidence": "model.commands.evidence",
    "explore": "model.explorer.command",
    "gallery": "model.commands.gallery",
    "liveness": "model.commands.liveness",
    "monitor": "model.commands.monitor",
    "mutants": "model.commands.mutants",
    "record": "model.commands.record",
    "repair": "model.commands.repair",
    "replay": "model.commands.replay",
    "sweep": "model.commands.sweep",
    "synthesize": "model.commands.synthesize",
}


def main() -> None:
    """The console script."""
    start("clearorder", COMMANDS)


if __name__ == "__main__":
    main()
