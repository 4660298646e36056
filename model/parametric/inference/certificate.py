"""A proof as files that another solver can check: the invariant, and every question with the answer to expect.

One SMT-LIB 2 file for the start, for each step and for the property. The premises come first and must be satisfiable
(so that nothing follows from a contradiction), then one goal after another, each negated and unsatisfiable.

Source: Barrett, Fontaine, Tinelli: "The SMT-LIB Standard, Version 2.6"; logic UF.
"""

from __future__ import annotations

import json
import re
import shutil
import tempfile
from collections.abc import Collection, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from model.errors import CannotSay, UsageError
from model.program.store_buffer import SIZE

if TYPE_CHECKING:
    from model.parametric.inference.prove import InductiveInvariant
    from model.parametric.logic import Formula
    from model.parametric.obligations import Condition
    from model.parametric.reading import Reading

MANIFEST, INVARIANT = "manifest.json", "invariant.json"
VERSION = 2  # 1: names stood in the text without their kind


def write(found: InductiveInvariant, directory: Path, design: str, properties: Sequence[str]) -> None:
    """Write the certificate of a proof; what stood there before, if a certificate, is replaced at once.

    Args:
        found: the `detail` of what `model.parametric.inference.prove.prove` returned.
        design: the name or file by which `model.designs.catalogue.load` finds the design again.
        properties: names of what was proved, as `find_property` knows them, in the order of `found.invariants`.

    Raises:
        UsageError: something else stands at `directory`, or it cannot be written.
    """
    write_files(directory, contents(found, design, properties))


def write_files(directory: Path, files: Mapping[str, str]) -> None:
    """Write these files as a certificate; what stood there before, if a certificate, is replaced at once.

    Raises:
        UsageError: something else stands at `directory`, or it cannot be written.
    """
    if directory.exists() and not (directory / MANIFEST).is_file() and any(directory.iterdir()):
        raise UsageError(f"{directory} has files in it that are no certificate; name a new directory.")
    try:
        directory.parent.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=directory.parent, prefix=f".{directory.name}.") as scratch:
            new = Path(scratch) / "new"
            new.mkdir()
            for name, content in files.items():
                (new / name).write_text(content, encoding="utf-8")
            if directory.exists():
                shutil.move(directory, Path(scratch) / "old")
            new.rename(directory)
    except OSError as wrong:
        raise UsageError(f"cannot write {directory}: {wrong.strerror}.") from None


def contents(found: InductiveInvariant, design: str, properties: Sequence[str]) -> dict[str, str]:
    """name of the file -> text."""
    from model.instance.sizes import scope_sizes
    from model.parametric.smtlib import text

    conjuncts = [{"text": c.text, "formula": text(c.formula), "needed_by": list(c.needed_by)} for c in found.conjuncts]
    named = {f"{n}: {c.text}": c.formula for n, c in enumerate(found.conjuncts, 1)}
    scripts = questions(found.reading, named, found.impossible)
    entries = {SIZE: found.reading.program.buffer} if found.reading.program.buffer else {}
    manifest = {
        "version": VERSION,
        "design": design,
        "environment": found.reading.program.environment or "none",
        "properties": list(properties),
        "digest": found.reading.program.digest,
        "sizes": scope_sizes(found.reading.program, found.reading.sizes) | entries,
        "impossible": list(found.impossible),
        "files": {name: answers(script) for name, script in scripts.items()},
    }
    return {MANIFEST: _json(manifest), INVARIANT: _json({"conjuncts": conjuncts})} | scripts


def questions(reading: Reading, invariant: Mapping[str, Formula], impossible: Collection[str]) -> dict[str, str]:
    """name of the file -> SMT-LIB 2 script, for every condition of the proof."""
    from model.parametric.obligations import conditions

    asked = {i.name: reading.says(i) for i in reading.invariants}
    found = {}
    for number, condition in enumerate(conditions(reading, invariant, asked)):
        name = f"{number:02}-{file_word(condition.name)}.smt2"
        found[name] = "\n".join(script(reading, condition, condition.name not in impossible)) + "\n"
        if wrong := misread(found[name], reading, condition):
            raise CannotSay(f"{condition.name}: the text of this condition does not say what is meant: {wrong}.")
    return found


def misread(text: str, reading: Reading, condition: Condition) -> str:
    """What a script says that the condition does not, or the other way round; nothing where they say the same."""
    from model.parametric.logic import alike, neg
    from model.parametric.smtlib import read

    said = read(text)
    meant = [*condition.premises.values(), *(neg(goal) for goal in condition.goals.values())]
    if said[:3] != condition.words(reading):
        return "it declares other words"
    if len(said.asserted) != len(meant):
        return f"it has {len(said.asserted)} assertions in place of {len(meant)}"
    names = [*condition.premises, *condition.goals]
    return next((n for n, f, g in zip(names, said.asserted, meant, strict=True) if not alike(f, g)), "")


def file_word(name: str) -> str:
    """A name as part of the name of a file."""
    return re.sub(r"[^A-Za-z0-9_.-]", "-", name)


def script(reading: Reading, condition: Condition, possible: bool) -> Iterator[str]:
    """One condition: its premises hold together, and each goal follows from them."""
    from model.parametric.smtlib import comment, text

    yield comment(f"{reading.program.name}, {condition.name}")
    yield "(set-logic UF)"
    yield from condition.preamble(reading)
    if possible:
        yield "; the premises do not contradict each other"
        yield from ("(set-info :status sat)", "(check-sat)")
    else:
        yield "; no state of a small instance allows this step, so nothing is claimed about the premises"
    for name, goal in condition.goals.items():
        yield comment(name)
        yield from ("(push 1)", f"(assert (not {text(goal)}))", "(set-info :status unsat)", "(check-sat)", "(pop 1)")


def answers(text: str) -> list[str]:
    """The answers that a script states to expect, in order."""
    from model.parametric.smtlib import queries

    return [expected for expected, _ in queries(text)]


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=1, ensure_ascii=False) + "\n"
