"""Proofs beside the conditions of a certificate: each belongs to its condition, and Ethos checks it where it is."""

from __future__ import annotations

import json
import shutil
import subprocess
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from model.errors import MissingTool, UsageError
from model.parametric import cpc
from model.parametric.proofs import INDEX, Contradiction, contradictions
from model.parametric.smtlib import show

ABSENT = "ethos is not installed"
NO_CALCULUS = "Ethos needs the rules of cvc5's calculus: --calculus …/proofs/eo/cpc/Cpc.eo"
MOST = 20  # findings that are told


@dataclass(frozen=True)
class Checker:
    """Ethos, or why it is not asked.

    Attributes:
        program: where it is; calculus: the file Cpc.eo of the cvc5 that made the proofs.
    """

    program: str = ""
    calculus: Path | None = None
    missing: str = ""


@dataclass
class Proofs:
    """What became of the proofs of a certificate.

    Attributes:
        said: in a few words, what was checked and what was not; nothing where there are no proofs.
    """

    said: str = ""
    wrong: list[str] = field(default_factory=list)
    unknown: list[str] = field(default_factory=list)


def checker(program: str | None, calculus: Path | None) -> Checker:
    """Ethos as it is named, else from the PATH.

    Raises:
        MissingTool: it was named, and is not there, or its calculus is not.
    """
    found = shutil.which(program or "ethos")
    if found is None and program:
        raise MissingTool(f"{program} is no program; docs/proofs.md says where to get Ethos.")
    if calculus is not None and not calculus.is_file():
        raise MissingTool(f"{calculus} is no file; the calculus is proofs/eo/cpc/Cpc.eo in the sources of cvc5.")
    missing = ABSENT if found is None else NO_CALCULUS if calculus is None else ""
    return Checker(found or "", calculus, missing)


def check(directory: Path, conditions: Collection[str], ethos: Checker, seconds: float) -> Proofs:
    """Look at every proof of these conditions.

    Args:
        conditions: names of their files.
        seconds: for each proof.
    """
    found = Proofs()
    if not (directory / INDEX).is_file():
        if stray := sorted(directory.glob("*.cpc")):
            found.wrong.append(f"{stray[0].name} is in no index: {INDEX} is missing")
        return found
    questions = _questions(directory, conditions, found)
    listed = _index(directory, questions, found)
    texts = {q: text for q in questions if q.file in listed and (text := _read(directory, q, found)) is not None}
    for question, text in texts.items():
        found.wrong += [f"{question.file}: {w}" for w in cpc.wrong(text, question.script)][:MOST]
    if not found.wrong and not ethos.missing:
        _ask_all(texts, ethos, seconds, found)
    found.said = _told(len(texts), ethos)
    return found


def _told(count: int, ethos: Checker) -> str:
    if not ethos.missing:
        return f"{count:,} proofs by cvc5, each of its condition; Ethos calls every one correct"
    return (
        f"proofs not checked: {ethos.missing}. Of {count:,} by cvc5 it is known only that each assumes what its "
        "condition asserts, nothing else, and ends in false"
    )


def _questions(directory: Path, conditions: Collection[str], found: Proofs) -> list[Contradiction]:
    """What has to be proved, as the files of the conditions say it."""
    texts = {n: (directory / n).read_text(encoding="utf-8") for n in conditions if (directory / n).is_file()}
    try:
        return list(contradictions(texts))
    except UsageError as wrong:
        found.wrong.append(f"the conditions cannot be read: {wrong}")
        return []


def _index(directory: Path, questions: Collection[Contradiction], found: Proofs) -> Mapping[str, Any]:
    """The index, after a comparison with what it should say."""
    try:
        listed = dict(json.loads((directory / INDEX).read_text(encoding="utf-8"))["proofs"])
    except (OSError, ValueError, KeyError, TypeError):
        found.wrong.append(f"{INDEX} cannot be read")
        return {}
    meant = {q.file: q.listed for q in questions}
    there = {path.name for path in directory.glob("*.cpc")}
    found.wrong += [f"{f} is not listed: its condition has no proof" for f in sorted(meant.keys() - listed.keys())]
    found.wrong += [f"{f} is a proof of no condition" for f in sorted((listed.keys() | there) - meant.keys())]
    changed = sorted(f for f in meant.keys() & listed.keys() if meant[f] != listed[f])
    found.wrong += [f"{f} is listed as the proof of another question than its condition asks" for f in changed]
    return listed


def _read(directory: Path, question: Contradiction, found: Proofs) -> str | None:
    try:
        return (directory / question.file).read_text(encoding="utf-8")
    except (OSError, ValueError):
        found.wrong.append(f"{question.file} is missing or cannot be read")
        return None


# ---------------------------------------------------------------- Ethos


def _ask_all(texts: Mapping[Contradiction, str], ethos: Checker, seconds: float, found: Proofs) -> None:
    for question, text in texts.items():
        answer = ask(ethos, question.script, text, seconds)
        if answer == "correct":
            continue
        open_ = answer in ("incomplete", "no answer in time")
        (found.unknown if open_ else found.wrong).append(f"{question.file}: Ethos says {answer}")


def ask(ethos: Checker, script: str, proof: str, seconds: float) -> str:
    """`correct`, or what Ethos says instead; the proof may assume nothing that the script does not assert."""
    with TemporaryDirectory(prefix="clearorder-ethos-") as scratch:
        (Path(scratch) / "condition.smt2").write_text(f"{script}\n(check-sat)\n", encoding="utf-8")
        (Path(scratch) / "proof.cpc").write_text("\n".join(_for_ethos(ethos, proof)) + "\n", encoding="utf-8")
        command = [ethos.program, "proof.cpc"]
        try:
            done = subprocess.run(command, cwd=scratch, capture_output=True, text=True, check=False, timeout=seconds)
        except subprocess.TimeoutExpired:
            return "no answer in time"
        except OSError as wrong:
            raise MissingTool(f"{ethos.program} cannot be run: {wrong.strerror}.") from None
    lines = (done.stdout + done.stderr).strip().splitlines() or ["nothing"]
    return lines[-1].strip() if done.returncode == 0 else f"{lines[0][:200]} (exit code {done.returncode})"


def _for_ethos(ethos: Checker, proof: str) -> Iterator[str]:
    """The proof's commands after the rules, and with the condition as what may be assumed."""
    assert ethos.calculus is not None
    rules = str(ethos.calculus.resolve()).replace('"', '""')
    yield f'(include "{rules}")'
    yield '(reference "condition.smt2")'
    yield from map(show, cpc.commands(proof))
