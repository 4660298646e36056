"""A proof of every condition of a certificate, from cvc5: files beside the conditions, one for each contradiction.

Source: Barbosa et al.: "Flexible Proof Production in an Industrial-Strength SMT Solver", IJCAR 2022.
"""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from hashlib import sha256
from importlib.metadata import version
from time import monotonic

from model.parametric.smtlib import queries

INDEX = "proofs.json"
OPTIONS = {
    "produce-proofs": "true",
    "proof-format-mode": "cpc",
    "proof-granularity": "dsl-rewrite",
    "proof-print-reference": "true",
}


@dataclass(frozen=True)
class Contradiction:
    """A question of a condition that has to be answered `unsat`.

    Attributes:
        condition: the name of its file; number: which question of it, from 1.
        script: what is declared and asserted, and nothing else.
    """

    condition: str
    number: int
    script: str

    @property
    def file(self) -> str:
        """The name of the file of its proof."""
        return f"{self.condition.removesuffix('.smt2')}.{self.number}.cpc"

    @property
    def listed(self) -> dict[str, str | int]:
        """Its line of the index."""
        digest = sha256(self.script.encode()).hexdigest()
        return {"condition": self.condition, "question": self.number, "sha256": digest}


def contradictions(files: Mapping[str, str]) -> Iterator[Contradiction]:
    """Every question of these files (name -> text) whose stated answer is `unsat`."""
    for name in sorted(f for f in files if f.endswith(".smt2")):
        for number, (expected, script) in enumerate(queries(files[name]), 1):
            if expected == "unsat":
                yield Contradiction(name, number, script)


def proofs(files: Mapping[str, str], seconds: float) -> tuple[dict[str, str], str]:
    """name of the file -> text: a proof of every contradiction of these conditions, and the index of them.

    Args:
        seconds: for all of them together.

    Returns:
        The files, and nothing; or no files, and for which contradiction there is no proof.
    """
    until = monotonic() + seconds
    made, listed = {}, {}
    for question in contradictions(files):
        text = proof(question.script, until - monotonic())
        if text is None:
            return {}, f"{question.condition}, question {question.number}: cvc5 has no proof of it"
        made[question.file], listed[question.file] = text, question.listed
    index = {"by": f"cvc5 {version('cvc5')}", "options": OPTIONS, "proofs": listed}
    return made | {INDEX: json.dumps(index, indent=1) + "\n"}, ""


def proof(script: str, seconds: float) -> str | None:
    """cvc5's proof that a script is unsatisfiable, or None where it does not say so in that time."""
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    for option, value in OPTIONS.items():
        solver.setOption(option, value)
    solver.setOption("tlimit-per", str(max(1, int(seconds * 1000))))
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, f"{script}\n(check-sat)\n", "condition")
    symbols, answer = parser.getSymbolManager(), ""
    while not (command := parser.nextCommand()).isNull():
        answer = str(command.invoke(solver, symbols)).strip() or answer
    if answer != "unsat":
        return None
    text = solver.proofToString(solver.getProof()[0], cvc5.ProofFormat.CPC)
    return text.decode() if isinstance(text, bytes) else str(text)
