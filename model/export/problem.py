"""What an export says: one property of one design at given sizes, and what is expected of whoever checks it again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping
from dataclasses import dataclass
from textwrap import wrap

from model.errors import ModelError
from model.expr import INFINITE, Expr, Property
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.program.program import Invariant, Program
from model.program.store_buffer import entries_told
from model.verdict import Proved, Refuted, Verdict


@dataclass(frozen=True)
class Claim:
    """A property of a design at given sizes.

    Attributes:
        design: the name in reports.
        program: the recorded design, without the property's ghosts.
        instance: the observed program at the sizes.
        expected: the verdict of an engine of ours, or None where nobody was asked.
        depth: moves of a bounded query, where somebody asked for a number.
    """

    design: str
    rule: Property
    program: Program
    instance: Instance
    invariant: Invariant
    expected: Verdict | None = None
    depth: int | None = None

    @property
    def cases(self) -> list[tuple[int | None, Expr]]:
        """The ground truth values that must hold in every state."""
        return self.instance.cases(self.invariant)


def claim(
    program: Program,
    property: Property,
    pages: int,
    sizes: Mapping[str, int],
    *,
    name: str = "",
    expected: Verdict | None = None,
    depth: int | None = None,
) -> Claim:
    """The claim that `property` holds of `program` at these sizes.

    Raises:
        ModelError: the property cannot be asked of the design, or says what can happen instead of what must hold.
        UsageError: a size does not fit.
    """
    if property.kind in INFINITE:
        raise ModelError(f"{property.name} speaks of infinite runs, not of states; `model.export.ltl` writes it.")
    if property.kind != "always":
        raise ModelError(f"{property.name} says what can happen, not what must hold in every state: no invariant.")
    asked = Problem.of(program, property, pages=pages, sizes=sizes)
    return Claim(name or program.name, property, program, asked.instance, asked.invariant, expected, depth)


def sizes_text(instance: Instance) -> str:
    """`2 pages, 2 clients`."""
    counts = {"page": instance.pages} | {s.lower(): n for s, n in instance.scope_sizes.items()}
    buffers = [entries_told(n) for n in instance.buffer_size.values()]
    return ", ".join([*(f"{n} {word}{'' if n == 1 else 's'}" for word, n in counts.items()), *buffers])


def expectation(claim: Claim) -> str:
    """`proved: 1,505 states, depth 26`, `refuted by 8 moves`, or that nobody was asked."""
    verdict = claim.expected
    if isinstance(verdict, Proved):
        return f"holds: {verdict.states:,} states, depth {verdict.depth}" if verdict.states else "holds"
    if isinstance(verdict, Refuted):
        return f"violated, by {verdict.depth} moves at least"
    where = claim.program.surroundings
    return f"not known; python -m model.check {claim.design}{where} --property {claim.rule.name} asks"


def header(claim: Claim, commands: list[str], *remarks: str) -> list[str]:
    """Lines for the comment at the top: what is claimed, what to expect, what to type. ASCII, without comment signs."""
    claims = [
        f"{claim.design}: {first_line(claim.program.doc)}",
        f"{claim.rule.name}: {claim.rule.summary}",
        f"At {sizes_text(claim.instance)}. Expected: {expectation(claim)}.",
        *remarks,
    ]
    told = [piece for line in claims for piece in wrap(plain(line), 100, subsequent_indent="  ")]
    return [*told, "Run:", *(f"  {command}" for command in commands), f"Design: sha256 {claim.program.digest}"]


def paragraphs(*blocks: Iterable[str]) -> Iterator[str]:
    """The lines of all blocks, with an empty line between two of them."""
    for number, block in enumerate(blocks):
        if number:
            yield ""
        yield from block


def first_line(text: str) -> str:
    """The first line of a docstring."""
    return text.strip().split("\n")[0] if text.strip() else ""


def plain(text: str) -> str:
    """`text` on one line of printable ASCII without what could end a comment or a string in a target language."""
    line = "".join(c if " " <= c <= "~" else " " if c.isspace() else "?" for c in text)
    for sign, instead in {"*/": "* /", "/*": "/ *", "(*": "( *", "*)": "* )", '"': "'", "\\": "/"}.items():
        line = line.replace(sign, instead)
    return line
