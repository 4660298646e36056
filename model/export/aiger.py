"""AIGER: the finite instance as a circuit of and-gates and latches, for hardware model checkers such as ABC.

Free inputs choose a step and its sets of pages; where they choose what is not possible, nothing changes, which adds
no state. The one output is true where the property is violated, so frame k is the state after at most k moves. A
latch of a field that starts as one holds its complement, for latches of the first AIGER format start as zero.

Source: Biere, "The AIGER And-Inverter Graph (AIG) Format Version 20071012".
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from functools import cached_property, reduce
from typing import Any

from model.export.identifiers import field_word, spelled
from model.export.problem import Claim, header
from model.expr import PAGES, PLACE, Expr
from model.expr.algebra import fold, gates
from model.instance.ground_step import GroundStep
from model.instance.state import Field


def text(claim: Claim) -> str:
    """The circuit in the ASCII form, `aag`.

    Raises:
        CannotSay: the design uses an operator that has no row in the table.
    """
    circuit = _Circuit(claim)
    graph, latches = circuit.graph, circuit.latches
    lines = [_sizes("aag", graph, len(latches))]
    lines += [str(2 * (i + 1)) for i in range(graph.inputs)]
    lines += [f"{now} {then}" for now, then in latches]
    lines += [str(circuit.bad)]
    lines += [f"{2 * (graph.leaves + 1 + i)} {a} {b}" for i, (a, b) in enumerate(graph.gates)]
    return "\n".join([*lines, *circuit.symbols(), *circuit.comment("model.aag")]) + "\n"


def binary(claim: Claim) -> bytes:
    """The circuit in the binary form, `aig`, which ABC reads.

    Raises:
        CannotSay: the design uses an operator that has no row in the table.
    """
    circuit = _Circuit(claim)
    graph, latches = circuit.graph, circuit.latches
    head = [_sizes("aig", graph, len(latches)), *(str(then) for _, then in latches), str(circuit.bad)]
    body = bytearray()
    for i, (a, b) in enumerate(graph.gates):
        gate = 2 * (graph.leaves + 1 + i)
        body += _varint(gate - a) + _varint(a - b)
    tail = [*circuit.symbols(), *circuit.comment("model.aig")]
    return ("\n".join(head) + "\n").encode() + bytes(body) + ("\n".join(tail) + "\n").encode()


def _sizes(kind: str, graph: Graph, latches: int) -> str:
    """`M I L O A`: the greatest variable, inputs, latches, outputs, gates."""
    return f"{kind} {graph.leaves + len(graph.gates)} {graph.inputs} {latches} 1 {len(graph.gates)}"


def _varint(number: int) -> bytes:
    """Seven bits a byte, the least first; all but the last byte have the top bit set."""
    found = bytearray()
    while number >= 128:
        found.append(number & 127 | 128)
        number >>= 7
    return bytes([*found, number])


@dataclass
class Graph:
    """And-gates over inputs and latches; a literal is twice a variable, plus one where it is negated."""

    inputs: int
    latches: int

    def __post_init__(self) -> None:
        self.leaves = self.inputs + self.latches
        self.gates: list[tuple[int, int]] = []
        self.known: dict[tuple[int, int], int] = {}

    def both(self, a: int, b: int) -> int:
        """The literal of `a and b`; equal gates are one."""
        a, b = max(a, b), min(a, b)
        if b == 0 or a == b ^ 1:
            return 0
        if b == 1 or a == b:
            return a
        if (a, b) not in self.known:
            self.gates.append((a, b))
            self.known[a, b] = 2 * (self.leaves + len(self.gates))
        return self.known[a, b]


class _Circuit:
    """Literals of the instance: state bits now, their next values, and the violation."""

    def __init__(self, claim: Claim) -> None:
        self.claim, self.instance = claim, claim.instance
        self.most = max((len(g.params) for g in self.instance.steps), default=0)
        self.chooser = max(1, (len(self.instance.steps) - 1).bit_length())
        self.graph = Graph(self.chooser + self.most * self.instance.pages, self.instance.width)
        self.table = gates(self.instance.pages, self.graph.both)
        next_literals = self._next()
        self.latches = list(zip(self._raw, next_literals, strict=True))
        self.bad = self._all(self._truth(case, {}) for _, case in claim.cases) ^ 1

    # -- leaves

    @cached_property
    def _raw(self) -> list[int]:
        """The literals of the latches, in the order of the fields and their bits."""
        return [2 * (self.graph.inputs + i + 1) for i in range(self.graph.latches)]

    @cached_property
    def state(self) -> list[tuple[int, ...]]:
        """For each field the literals of its bits now, the least first."""
        raw, found = iter(self._raw), []
        for field in self.instance.fields:
            found.append(tuple(next(raw) ^ (field.initial >> bit & 1) for bit in range(field.width)))
        return found

    @cached_property
    def sets(self) -> list[tuple[int, ...]]:
        """For each set that a step may choose the literals of its pages."""
        first, pages = self.chooser, self.instance.pages
        return [tuple(2 * (first + i * pages + page + 1) for page in range(pages)) for i in range(self.most)]

    # -- logic

    def _all(self, literals: Any) -> int:
        return reduce(self.graph.both, literals, 1)

    def _pick(self, condition: int, yes: Sequence[int], no: Sequence[int]) -> tuple[int, ...]:
        return tuple(self.table["choose"](condition, a, b) for a, b in zip(yes, no, strict=True))

    def _equals(self, bits: Sequence[int], number: int) -> int:
        return self._all(bit ^ (number >> i & 1 ^ 1) for i, bit in enumerate(bits))

    def _next(self) -> list[int]:
        """The next value of every latch."""
        following = list(self.state)
        choice = [2 * (i + 1) for i in range(self.chooser)]
        for number, ground in enumerate(self.instance.steps):
            chosen = {p.name: literals for p, literals in zip(ground.params, self.sets, strict=False)}
            taken = self.graph.both(self._equals(choice, number), self._enabled(ground, chosen))
            for position, value in ground.updates:
                new = self._value(value, self.instance.fields[position], chosen)
                following[position] = self._pick(taken, new, following[position])
        pairs = zip(self.instance.fields, following, strict=True)
        return [bit ^ (field.initial >> i & 1) for field, bits in pairs for i, bit in enumerate(bits)]

    def _enabled(self, ground: GroundStep, chosen: dict[str, tuple[int, ...]]) -> int:
        domains = [self._domain(p.kind, chosen[p.name]) for p in ground.params]
        return self._all([*domains, *(self._truth(g, chosen) for g in ground.guards)])

    def _domain(self, kind: str, bits: tuple[int, ...]) -> int:
        some = self._all(bit ^ 1 for bit in bits) ^ 1
        pairs = [self.graph.both(a, b) ^ 1 for i, a in enumerate(bits) for b in bits[:i]]
        return {"some": some, "page": self._all([some, *pairs]), "any": 1}[kind]

    def _value(self, value: Expr, field: Field, chosen: dict[str, tuple[int, ...]]) -> tuple[int, ...]:
        if field.sort == PLACE:
            return tuple(value.args[0] >> bit & 1 for bit in range(field.width))
        found = fold(value, self.table, self._leaf(chosen))
        return tuple(found) if field.sort == PAGES else (found,)

    def _truth(self, expr: Expr, chosen: dict[str, tuple[int, ...]]) -> int:
        return int(fold(expr, self.table, self._leaf(chosen)))

    def _leaf(self, chosen: dict[str, tuple[int, ...]]) -> Callable[[Expr], Any]:
        def leaf(e: Expr) -> Any:
            match e.op:
                case "field":
                    bits = self.state[self.instance.position[e.args]]
                    return bits if e.sort == PAGES else bits[0]
                case "located":
                    place = self.state[self.instance.position[e.args[:2]]]
                    return self._all(self._equals(place, code) ^ 1 for code in e.args[2]) ^ 1
                case "param":
                    return chosen.get(e.args[0])
            return None

        return leaf

    # -- what a reader sees

    def symbols(self) -> list[str]:
        """A name for every input, latch and the output."""
        names = [f"choice[{i}]" for i in range(self.chooser)]
        names += [f"set{i}[{page}]" for i in range(self.most) for page in range(self.instance.pages)]
        lines = [f"i{i} {name}" for i, name in enumerate(names)]
        latches = [
            f"{spelled(field_word(self.instance, f))}[{bit}]{'_inverted' if f.initial >> bit & 1 else ''}"
            for f in self.instance.fields
            for bit in range(f.width)
        ]
        return [*lines, *(f"l{i} {name}" for i, name in enumerate(latches)), "o0 violated"]

    def comment(self, file: str) -> list[str]:
        """The claim, after the `c` that ends the circuit."""
        commands = [f'berkeley-abc -c "read_aiger {file}; pdr"']
        return ["c", *header(self.claim, commands, "Frame k of a counterexample is the state after at most k moves.")]
