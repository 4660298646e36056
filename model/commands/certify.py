"""`clearorder certify DIR`: check a proof again, with a second solver and without the engines that found it.

Two things are checked. From the files alone: cvc5 gives every answer that they state to expect. And against the
design: the conditions in the files are the ones that the design, the property and the invariant generate.
"""

from __future__ import annotations

import importlib.util
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import click

from model.cli.help import verb
from model.cli.options import Finite
from model.cli.progress import working
from model.cli.terminal import columns, print_lines
from model.commands.certify_proofs import Checker, checker
from model.commands.certify_proofs import check as check_proofs
from model.errors import MissingTool, ModelError, UsageError
from model.parametric.inference.certificate import VERSION, file_word
from model.program.store_buffer import SIZE, entries_told
from model.verdict import PROVED, REFUTED, UNDETERMINED

MISSING = "cvc5 is not installed, and a proof is checked with a second solver: pip install 'clearorder[certify]'"
MANIFEST = ("version", "design", "properties", "digest", "sizes", "files")


@dataclass
class Findings:
    """What is wrong with a certificate, and what could not be told.

    Attributes:
        answers: how many questions cvc5 answered as expected.
        conjuncts: how many the invariant has.
        by: of a certificate of views, what confirmed it.
        proofs: what was checked of the proofs beside the conditions, and what was not; nothing where there are none.
    """

    title: str
    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)
    by: str = ""
    proofs: str = ""
    answers: int = 0
    conjuncts: int = 0

    @property
    def exit_code(self) -> int:
        """0 confirmed, 1 not confirmed, 3 cvc5 could not tell."""
        return REFUTED if self.wrong else UNDETERMINED if self.unknown else PROVED


def certify(
    directory: Path, *, seconds: float = 20.0, design: str | None = None, ethos: Checker | None = None
) -> Findings:
    """Check a certificate that `model.parametric.inference.certificate.write` wrote.

    Args:
        seconds: for each question.
        design: the name or file of the design, where it is not the one that the manifest states.
        ethos: who checks proofs beside the conditions; by default none does.

    Raises:
        UsageError: the directory is not a certificate.
        MissingTool: cvc5 is not installed.
    """
    manifest = read_manifest(directory)
    found = _conditions(directory, manifest, seconds, design or manifest["design"])
    proofs = check_proofs(directory, manifest["files"], ethos or Checker(missing="nobody was asked to"), seconds)
    found.proofs = proofs.said
    found.wrong += proofs.wrong
    found.unknown += proofs.unknown
    return found


def _conditions(directory: Path, manifest: Mapping[str, Any], seconds: float, design: str) -> Findings:
    """What is wrong with the conditions, and what is unknown."""
    if manifest.get("kind") == "views":
        return of_views(directory, manifest, design, seconds)
    if "impossible" not in manifest:
        raise UsageError(f"{directory / 'manifest.json'} is no manifest of a certificate: it lacks impossible.")
    if importlib.util.find_spec("cvc5") is None:
        raise MissingTool(MISSING)
    found = Findings(title(manifest))
    from_the_files(directory, manifest, seconds, found)
    against_the_design(directory, manifest, design, found)
    return found


def of_views(directory: Path, manifest: Mapping[str, Any], design: str, seconds: float) -> Findings:
    """Two roads from the files alone, plain integers and z3, and the design's own set closed again."""
    from model.commands.certify_views import check

    found = Findings(title(manifest))
    found.by = check(directory, manifest, design, seconds, found.wrong)
    return found


def read_manifest(directory: Path) -> dict[str, Any]:
    """The manifest; UsageError where there is none that can be read."""
    path = directory / "manifest.json"
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
    except (OSError, ValueError):
        raise UsageError(f"{directory} is no certificate: it has no readable manifest.json.") from None
    if not isinstance(manifest, dict) or (missing := [k for k in MANIFEST if k not in manifest]):
        gap = ", ".join(missing) if isinstance(manifest, dict) else "everything"
        raise UsageError(f"{path} is no manifest of a certificate: it lacks {gap}.")
    if manifest["version"] != VERSION:
        raise UsageError(
            f"{path} is of version {manifest['version']}, and this tool reads version {VERSION}; prove it again."
        )
    if wrong := [n for n in manifest["files"] if not re.fullmatch(r"\d+-[A-Za-z0-9_.-]+\.smt2", n)]:
        raise UsageError(f"{path} lists {wrong[0]!r}, which is no file of a certificate.")
    return {"environment": "none", **manifest}


def title(manifest: Mapping[str, Any]) -> str:
    """What was proved, of which design, where, and for how many."""
    where = "" if manifest["environment"] == "none" else f" in the environment {manifest['environment']}"
    return f"{', '.join(manifest['properties'])} of {manifest['design']}{where}, {scope(manifest['sizes'])}"


def scope(sizes: Mapping[str, int]) -> str:
    """How many of everything the proof is for."""
    fixed = [f"exactly {n} {s.lower()}{'s' if n > 1 else ''}" for s, n in sorted(sizes.items()) if s != SIZE]
    free = f"any number of pages and {', '.join(fixed)}" if fixed else "any number of everything"
    return f"{free}, {entries_told(sizes[SIZE])}" if SIZE in sizes else free


# ---------------------------------------------------------------- from the files alone


def from_the_files(directory: Path, manifest: Mapping[str, Any], seconds: float, found: Findings) -> None:
    """Every answer that the files state is what cvc5 gives, and what a proof needs."""
    impossible = {file_word(step) for step in manifest["impossible"]}
    for name, listed in manifest["files"].items():
        try:
            text = (directory / name).read_text(encoding="utf-8")
        except OSError:
            found.wrong.append(f"{name} is missing")
            continue
        try:
            _one_file(name, text, listed, name_of_step(name) in impossible, seconds, found)
        except UsageError as wrong:
            found.wrong.append(f"{name}: {wrong}")


def name_of_step(file: str) -> str:
    """`06-clear.cleared.smt2` as `clear.cleared`, in the letters that the name of a file has."""
    return file.partition("-")[2].removesuffix(".smt2")


def _one_file(name: str, text: str, listed: list[str], impossible: bool, seconds: float, found: Findings) -> None:
    from model.parametric.smtlib import queries

    asked = list(queries(text))
    stated = [expected for expected, _ in asked]
    needed = [*([] if impossible else ["sat"]), *["unsat"] * (len(stated) - (not impossible))]
    if stated != listed:
        found.wrong.append(f"{name} states other answers than the manifest")
    if stated != needed or "unsat" not in stated:
        found.wrong.append(f"{name}: a proof needs premises that are sat and goals that are unsat, not {stated}")
    for number, (expected, script) in enumerate(asked, 1):
        answer = ask_cvc5(script, expected, seconds)
        if answer == expected:
            found.answers += 1
        elif answer in ("sat", "unsat"):
            found.wrong.append(f"{name}, question {number}: {expected} was stated, and cvc5 says {answer}")
        else:
            found.unknown.append(f"{name}, question {number}: cvc5 says {answer}")


def ask_cvc5(script: str, expected: str, seconds: float) -> str:
    """cvc5's answer to a script of declarations and assertions; where one way cannot tell, it goes another.

    A model is looked for by growing finite ones, a contradiction by instantiating quantifiers.
    """
    ways = (True, False) if expected == "sat" else (False, True)
    answer = ""
    for finite in ways:
        answer = _ask(script, finite, seconds / len(ways))
        if answer in ("sat", "unsat"):
            break
    return answer


def _ask(script: str, finite: bool, seconds: float) -> str:
    import cvc5

    solver = cvc5.Solver(cvc5.TermManager())
    solver.setOption("tlimit-per", str(max(1, int(seconds * 1000))))
    solver.setOption("finite-model-find", "true" if finite else "false")
    parser = cvc5.InputParser(solver)
    parser.setStringInput(cvc5.InputLanguage.SMT_LIB_2_6, f"{script}\n(check-sat)\n", "certificate")
    symbols, answer = parser.getSymbolManager(), ""
    try:
        while not (command := parser.nextCommand()).isNull():
            answer = str(command.invoke(solver, symbols)).strip() or answer
    except RuntimeError as wrong:
        raise UsageError(f"cvc5 cannot read it: {str(wrong).strip().splitlines()[0]}") from None
    if answer.startswith("(error"):
        raise UsageError(f"cvc5 cannot read it: {answer}")
    return answer


# ---------------------------------------------------------------- against the design


def against_the_design(directory: Path, manifest: Mapping[str, Any], design: str, found: Findings) -> None:
    """The files are the ones that the design, the property and the invariant generate."""
    try:
        program, generated = generate(directory, manifest, design, found)
    except ModelError as wrong:
        found.wrong.append(f"the conditions cannot be generated again: {wrong}")
        return
    if program.digest != manifest["digest"]:
        found.wrong.append(f"{design} is not the design that was proved: its digest is {program.digest[:12]}…")
    for name in sorted(generated.keys() - manifest["files"].keys()):
        found.wrong.append(f"{name} is not listed: the design has this condition")
    for name in sorted(manifest["files"].keys() - generated.keys()):
        found.wrong.append(f"{name} is listed, and the design has no such condition")
    for name in sorted(generated.keys() & manifest["files"].keys()):
        path = directory / name
        if path.is_file() and (line := difference(path.read_text(encoding="utf-8"), generated[name])):
            found.wrong.append(f"{name}, line {line}: this is not the condition that the design generates")


def generate(directory: Path, manifest: Mapping[str, Any], design: str, found: Findings) -> tuple[Any, dict[str, str]]:
    """The program, and name -> text of every file of conditions that it has."""
    from model.designs.catalogue import find_property
    from model.designs.environment import load_in
    from model.instance.problem import Problem
    from model.parametric.inference.certificate import questions
    from model.parametric.reading import Reading
    from model.parametric.smtlib import formula
    from model.program.design import record

    loaded = load_in(design, manifest["environment"])
    properties = [find_property(name, loaded) for name in manifest["properties"]]
    if not properties:
        raise UsageError("the manifest names no property")
    sizes = dict(manifest["sizes"])
    asked = Problem.of(record(loaded, buffer=sizes.pop(SIZE, None)), *properties)
    reading = Reading(asked.program, sizes, asked.invariants)
    constants = {t.name: t for terms in reading.constants.values() for t in terms}
    conjuncts = read_invariant(directory)
    found.conjuncts = len(conjuncts)
    named = {
        f"{n}: {c['text']}": formula(c["formula"], reading.relations, constants) for n, c in enumerate(conjuncts, 1)
    }
    return asked.program, questions(reading, named, manifest["impossible"])


def read_invariant(directory: Path) -> list[dict[str, str]]:
    """The conjuncts as the certificate states them; UsageError where they cannot be read."""
    try:
        conjuncts = json.loads((directory / "invariant.json").read_text(encoding="utf-8"))["conjuncts"]
        return [{"text": str(c["text"]), "formula": str(c["formula"])} for c in conjuncts]
    except (OSError, ValueError, KeyError, TypeError):
        raise UsageError("invariant.json is missing or cannot be read") from None


def difference(text: str, other: str) -> int:
    """The first line, from 1, in which two texts differ; 0 where they do not."""
    left, right = text.splitlines(), other.splitlines()
    for number, (a, b) in enumerate(zip(left, right, strict=False), 1):
        if a != b:
            return number
    return 0 if text == other else min(len(left), len(right)) + 1


# ---------------------------------------------------------------- the command


def report(found: Findings) -> Iterator[str]:
    """What the command says."""
    if not found.wrong and not found.unknown:
        by = found.by or f"{found.conjuncts} conjuncts; cvc5 gave all {found.answers} answers"
        yield f"confirmed: {found.title}, by {by}"
        if found.proofs:
            yield f"  {found.proofs}"
        return
    yield f"{'not confirmed' if found.wrong else 'undetermined'}: {found.title}"
    yield from (f"  {line}" for line in [*found.wrong, *found.unknown])


@verb("clearorder certify out/per-slot-cache-no_lost_write")
@click.argument("directory", metavar="DIR", type=click.Path(path_type=Path))
@click.option("--timeout", type=Finite(min=0.001), default=20.0, show_default=True, help="Seconds each.")
@click.option("--design", metavar="DESIGN", help="Where the design is now, if not where the manifest says.")
@click.option("--ethos", metavar="PROGRAM", help="Who checks proofs (--proofs) step by step.  [default: from PATH]")
@click.option(
    "--calculus",
    metavar="FILE",
    envvar="CLEARORDER_CPC",
    type=click.Path(path_type=Path),
    help="The rules for Ethos: cvc5's proofs/eo/cpc/Cpc.eo.  [default: $CLEARORDER_CPC]",
)
def command(directory: Path, timeout: float, design: str | None, ethos: str | None, calculus: Path | None) -> int:
    """Check a certificate of a proof again with cvc5, and that it is about the design and the property it names.

    Proofs beside the conditions are checked by Ethos where it is; else it is said that nobody checked their steps.

    Exit codes: 0 confirmed, 1 not confirmed, 2 bad use, 3 cvc5 could not tell in time, 4 cvc5 is not installed.
    """
    from model.printing.lines import wrapped

    with working("asking cvc5"):
        found = certify(directory, seconds=timeout, design=design, ethos=checker(ethos, calculus))
    width = columns("auto")
    print_lines((line for said in report(found) for line in wrapped(said, width, 4)), "auto")
    return found.exit_code
