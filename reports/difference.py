"""Two designs side by side: the recorded steps of each, operation by operation, and the lines that differ."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from difflib import SequenceMatcher
from itertools import groupby, pairwise, zip_longest

from model.program.program import Program
from reports.formats.text import steps

PARTS = "parts"


@dataclass(frozen=True)
class Pair:
    """One line of the comparison; None where a side has nothing there."""

    left: str | None
    right: str | None

    @property
    def same(self) -> bool:
        return self.left == self.right


@dataclass(frozen=True)
class Difference:
    """How two designs differ.

    Attributes:
        same: operations that are recorded alike.
        groups: (operation, its lines side by side) for each one that is not; "parts" are the declarations.
    """

    left: str
    right: str
    same: tuple[str, ...]
    groups: tuple[tuple[str, tuple[Pair, ...]], ...]

    @property
    def lines(self) -> int:
        """Lines that differ."""
        return sum(not pair.same for _, pairs in self.groups for pair in pairs)


def blocks(program: Program) -> dict[str, list[str]]:
    """The lines of `reports.formats.text.steps`, by operation; the declarations are under "parts"."""
    found: dict[str, list[str]] = {PARTS: []}
    names = iter([PARTS, *(s.operation for s in program.steps)])
    current = found[next(names)]
    for line in (text.plain for text in steps(program, width=100_000)):
        if line:
            current.append(line)
        else:
            current = found.setdefault(next(names), [])
    found[PARTS] = found[PARTS][1:]  # the first line is the design's own name
    return found


def difference(left: Program, right: Program) -> Difference:
    """Compare what was recorded, not how it was written: comments, order of classes and C names do not count."""
    one, other = blocks(left), blocks(right)
    operations = [*one, *(name for name in other if name not in one)]
    differing = [n for n in operations if one.get(n) != other.get(n)]
    return Difference(
        left.name,
        right.name,
        tuple(n for n in operations if n not in differing and n != PARTS),
        tuple((n, tuple(aligned(one.get(n, ()), other.get(n, ())))) for n in differing),
    )


def aligned(left: Sequence[str], right: Sequence[str]) -> Iterator[Pair]:
    """Lines beside each other, equal ones in one row."""
    for tag, a, b, c, d in SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if tag == "equal":
            yield from (Pair(line, line) for line in left[a:b])
        else:
            yield from (Pair(one, other) for one, other in zip_longest(left[a:b], right[c:d]))


def pairs(programs: Mapping[str, Program]) -> list[tuple[Program, Program]]:
    """Which designs are compared: every two of up to four, else each with the next."""
    listed = list(programs.values())
    if len(listed) > 4:
        return list(pairwise(listed))
    return [(a, b) for i, a in enumerate(listed) for b in listed[i + 1 :]]


def as_text(found: Difference) -> str:
    """The comparison as a unified-diff-like text: `-` only left, `+` only right."""
    lines = [f"--- {found.left}", f"+++ {found.right}", f"same: {', '.join(found.same) or 'nothing'}"]
    for name, rows in found.groups:
        lines += ["", f"@@ {name} @@"]
        lines += [f"{sign} {line}" for sign, line in signed(rows)]
    return "\n".join(lines) + "\n"


def signed(rows: Sequence[Pair]) -> Iterator[tuple[str, str]]:
    """(" ", line) of what both have; where they differ every ("-", line) of the left, then every ("+", line)."""
    for same, run in groupby(rows, key=lambda row: row.same):
        found = list(run)
        if same:
            yield from ((" ", str(row.left)) for row in found)
            continue
        yield from (("-", row.left) for row in found if row.left is not None)
        yield from (("+", row.right) for row in found if row.right is not None)
