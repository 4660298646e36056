"""`clearorder COMMAND`, also `python -m model COMMAND`."""

from __future__ import annotations

from model.cli.start import start

COMMANDS = {
    "check": "model.check.command",
    "certify": "model.commands.certify",
    "conform": "model.commands.conform",
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
    "reproduce": "model.commands.reproduce",
    "sweep": "model.commands.sweep",
    "synthesize": "model.commands.synthesize",
}
# their first paragraphs, so that `--help` imports none of them
SAID = {
    "check": "Search every interleaving of a dirty-tracking DESIGN for a write that is never migrated.",
    "certify": "Check a certificate of a proof again with cvc5, and that it is about the design and the property it "
    "names.",
    "conform": "Hold a recording of a VMM's dirty-log ioctls against a DESIGN: is it a behaviour of the design?",
    "cost": "Compare what DESIGNs cost, with and without another source of dirty pages.",
    "edges": "Write the whole state graph of DESIGN for programs that work on graphs, and count its components.",
    "evidence": "Write the evidence pack of the main designs and the answer to the discussion of 2019.",
    "explore": "Take the moves of DESIGN by hand in a browser, and let it show the nearest bad state.",
    "gallery": "Show real designs and bugs with their verdicts; --check runs them again against the record.",
    "liveness": "Decide, for a finite size, what is said of all fair infinite runs of a DESIGN.",
    "monitor": "Check recordings of a VMM's dirty-log ioctls for blind CLEARs, and for other rules that ioctls show.",
    "mutants": "Change one line of a safe DESIGN in every way, and compare what finite search and proof say of each.",
    "record": "Run a VMM, or come to a running one, and record the ioctls by which it reads and clears KVM's "
    "dirty log.",
    "repair": "Find the smallest sets of changes that make a refuted DESIGN safe.",
    "replay": "Perform a counterexample on the real kernel and compare its dirty log with the model's after every "
    "move.",
    "reproduce": "Migrate a small guest between two of the QEMUs named, and compare the memory of both sides.",
    "sweep": "Answer every property of every DESIGN (default: all built-in ones) at every size, into one file.",
    "synthesize": "Find everything that may stand in the hole of a DESIGN.",
}


def main() -> None:
    """The console script."""
    start("clearorder", COMMANDS, SAID)


if __name__ == "__main__":
    main()
