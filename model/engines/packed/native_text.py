"""The C text of an instance's steps and conditions, around the part that is the same for every design (`native.c`).

It reads the same recorded steps through the same writer as the NumPy functions (`packed.kernel`).
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path

from model.engines.packed.kernel import Kernel, Writer, grouped, parameters
from model.engines.store.bitset import LANES, LOW, Digit, Visited
from model.engines.store.packing import Packing
from model.expr import Expr
from model.expr.algebra import c_source
from model.expr.names import word
from model.instance.ground_step import GroundStep
from model.program.step import Param

SOURCE = Path(__file__).with_name("native.c")


class CWriter(Writer):
    """Expressions over one state whose words are x0, x1, …"""

    def number(self, value: int) -> str:
        return f"{value}ULL"

    def named(self, text: str) -> str:
        self.fresh += 1
        self.line(f"const word t{self.fresh} = {text};")
        return f"t{self.fresh}"

    def truth(self, expr: Expr) -> str:
        return f"(word)({self.value(expr)})"

    def group(self, here: Expr | None, steps: Sequence[GroundStep], last: bool = False) -> None:
        """Steps that begin at one location; the last of what is done for a state, or not."""
        self.over("x", [here] if here is not None else [])
        self.opened(f"if ({self.value(here)})" if here is not None else "")
        for step in steps:
            self.opened("")
            self.step(step, step.guards[here is not None :])
            self.closed()
        if last:
            self.line("return 1;")
        self.closed()

    def step(self, step: GroundStep, guards: Sequence[Expr]) -> None:
        """Guards as soon as what they mention is chosen, a loop for each parameter, and the visit innermost."""
        self.over("x", [*guards, *(value for _, value in step.updates)])
        outside, left, chosen = self.indent, list(guards), set[str]()
        left = self.where(left, chosen)
        for param in step.params:
            within = next((g for g in left if _bounds(g, param.name, chosen)), None)
            left = [g for g in left if g is not within]
            chosen.add(param.name)
            self.choose(param, self.value(within.args[1]) if within is not None else None)
            left = self.where(left, chosen)
        self.line("++*count;")
        self.line(f"if (!visit(set, call, {', '.join(self.after(step, 'x'))}))")
        self.line("    return 0;")
        while self.indent > outside:
            self.closed()

    def where(self, guards: Sequence[Expr], chosen: set[str]) -> list[Expr]:
        """Go on where the guards hold whose parameters are chosen; the others are left."""
        for guard in guards:
            if parameters(guard) <= chosen:
                self.opened(f"if ({self.value(guard)})")
        return [g for g in guards if not parameters(g) <= chosen]

    def choose(self, param: Param, within: str | None) -> None:
        """A loop over what the parameter can be; where a guard says that it lies within a set, over its parts."""
        name, every = word("p", param.name), self.number(self.kernel.instance.full)
        where = every if within is None else within
        if param.kind == "page":
            self.opened(f"for (word left = {where}, {name}; {name} = left & -left, left; left &= left - 1)")
        elif param.kind == "some":
            self.opened(f"for (word within = {where}, {name} = within; {name}; {name} = ({name} - 1) & within)")
        else:
            self.opened(
                f"for (word within = {where}, {name} = within, last = 0; !last; last = !{name}, "
                f"{name} = ({name} - 1) & within)"
            )

    def opened(self, head: str) -> None:
        self.line(f"{head} {{".lstrip())
        self.indent += 1

    def closed(self) -> None:
        self.indent -= 1
        self.line("}")


def _bounds(guard: Expr, name: str, chosen: set[str]) -> bool:
    """Whether the guard says that this parameter lies within a set that is known already."""
    if guard.op != "subset" or guard.args[0].op != "param" or guard.args[0].args[0] != name:
        return False
    return parameters(guard.args[1]) <= chosen


def source(packing: Packing, invariants: Sequence[Expr], visited: Visited, alone: Sequence[Expr] = ()) -> str:
    """The whole C text for an instance, the ground conditions that must hold, and the shape of its set of states.

    Args:
        alone: locations at which only the moves that begin there are taken (`packed.partial_order`).
    """
    kernel = Kernel(packing, c_source(packing.instance.pages))
    parts = _shape(packing.words, visited), [SOURCE.read_text()], _moves(kernel, alone), _broken(kernel, invariants)
    return "\n".join(line for part in parts for line in part)


def _shape(words: int, visited: Visited) -> Iterator[str]:
    """Macros that spell a state's words and the digits of a block's name."""
    tree, names = visited.directory, [f"x{k}" for k in range(words)]
    yield f"enum {{ WORDS = {words}, LOW = {LOW}, LANES = {LANES}, ROOT = {tree.root}, DIGITS = {len(tree.digits)} }};"
    yield f"#define STATE {', '.join(f'word {x}' for x in names)}"
    yield f"#define GIVEN {', '.join(names)}"
    fetched = ", ".join(f"x{k} = (in)[(i) + {k} * (stride)]" for k in range(words))
    yield f"#define FETCH(in, stride, i) word {fetched}"
    yield f"#define NAME {{ {', '.join(['x0 >> LOW', *names[1:]])} }}"
    digits = (_digit(k, d) for k, d in enumerate(tree.digits))
    yield f"#define digit(k, ...) ({' : '.join(digits)} : 0)"
    widths = (f"(k) == {k} ? {d.bits}" for k, d in enumerate(tree.digits))
    yield f"#define width(k) ({' : '.join(widths)} : 0)"


def _digit(k: int, digit: Digit) -> str:
    shift = digit.shift + (LOW if digit.word == 0 else 0)
    shifted = f"x{digit.word} >> {shift}" if shift < 64 else "0"
    return f"(k) == {k} ? (int64_t)({shifted} & {(1 << digit.bits) - 1}ULL)"


def _moves(kernel: Kernel, alone: Sequence[Expr]) -> Iterator[str]:
    writer, groups = CWriter(kernel), dict(grouped(kernel.instance.steps))
    for here in alone:
        writer.group(here, groups.pop(here), last=True)
    for located, steps in groups.items():
        writer.group(located, steps)
    yield "static int moves(struct set *set, struct call *call, int64_t *count, STATE)\n{"
    yield from writer.lines
    yield "    return 1;\n}"


def _broken(kernel: Kernel, invariants: Sequence[Expr]) -> Iterator[str]:
    writer = CWriter(kernel)
    for case in invariants:
        writer.over("x", [case])
        writer.line(f"if (!{writer.value(case)})")
        writer.line("    return 1;")
    yield "static int broken(STATE)\n{"
    yield from writer.lines
    yield "    return 0;\n}"
