"""TLA+: the recorded steps as actions over constant sets of pages and clients, for TLC and Apalache.

The module is parametric: the sizes stand in the configuration, which is a comment at its end. A lock is not a
variable here either: it is free where no other thread stands at a location that holds it.

Source: Lamport, "Specifying Systems", 2002, part I and section 14.7 (the configuration file).
"""

from __future__ import annotations

from collections.abc import Iterator
from functools import cached_property

from model.export.identifiers import unique
from model.export.problem import Claim, header, paragraphs, plain
from model.export.reserved import MODULES, TLA_LIKE
from model.export.tla_terms import EXISTS, RESERVED, Terms
from model.expr import PAGES
from model.instance.locations import at
from model.program.step import Param, Step

DOMAIN = {"page": "Page", "some": "NonEmpty", "any": "SUBSET Page", "truth": "BOOLEAN"}


def text(claim: Claim) -> str:
    """The claim as a TLA+ module, its configuration for TLC in a comment at the end.

    Raises:
        CannotSay: the design uses an operator that has no row in the table.
    """
    return "\n".join(_Module(claim).lines()) + "\n"


def module_name(claim: Claim) -> str:
    """What the module is called, and the file `name.tla` that TLC expects it in."""
    return str(
        unique({"module": claim.program.title}, (*RESERVED, *MODULES), like=TLA_LIKE, cases_differ=True)["module"]
    )


class _Module(Terms):
    def lines(self) -> Iterator[str]:
        name = module_name(self.claim)
        yield f"---- MODULE {name} ----"
        yield from paragraphs(
            self._header(name),
            self._constants(),
            self._variables(),
            self._init(),
            *map(self._action, self.program.steps),
            self._next(),
            self._property(),
            self._config(),
        )
        yield "===="

    def _header(self, name: str) -> Iterator[str]:
        yield "(*"
        yield from (f"  {line}".rstrip() for line in header(self.claim, self._commands(name)))
        yield "*)"
        yield "EXTENDS Naturals, Sequences"

    def _commands(self, name: str) -> list[str]:
        return [
            f"sed -n '/^  SPECIFICATION/,/^$/p' {name}.tla > {name}.cfg",
            f"java -cp tla2tools.jar tlc2.TLC -deadlock -config {name}.cfg {name}.tla",
        ]

    # -- parts of the module

    def _constants(self) -> Iterator[str]:
        yield f"CONSTANTS {', '.join(['Page', *(self.sort(s) for s in sorted(self.sorts))])}"
        if self.constants:
            yield f"CONSTANTS {', '.join(self.index(i) for i in self.constants)}"
            yield from (f"ASSUME {self.index(i)} \\in {self.sort(i.sort)}" for i in self.constants)
        yield "NonEmpty == (SUBSET Page) \\ {{}}"

    @cached_property
    def variables(self) -> list[str]:
        return [
            *(self.names["var", v.name] for v in self.program.variables),
            *(self.names["var", at(s)] for s in self.placed),
        ]

    def _variables(self) -> Iterator[str]:
        docs = [*(v.doc for v in self.program.variables), *(f"where each {s.lower()} stands" for s in self.placed)]
        yield "VARIABLES"
        last = len(docs) - 1
        for i, (word, doc) in enumerate(zip(self.variables, docs, strict=True)):
            declared = word if i == last else f"{word},"
            yield f"  {declared:<16} \\* {plain(doc)}"
        yield f"vars == <<{', '.join(self.variables)}>>"
        yield "TypeOK =="
        for v in self.program.variables:
            values = "SUBSET Page" if v.sort == PAGES else "BOOLEAN"
            domain = values if v.per is None else f"[{self.sort(v.per.name)} -> {values}]"
            yield f"  /\\ {self.names['var', v.name]} \\in {domain}"

    def _init(self) -> Iterator[str]:
        yield "Init =="
        for v in self.program.variables:
            start = self._each(v.per.name if v.per else None, self.text(v.initial))
            yield f"  /\\ {self.names['var', v.name]} = {start}"
        for sort in self.placed:
            idle = self.place(sort, 0)
            yield f"  /\\ {self.names['var', at(sort)]} = {self._each(sort, idle)}"

    def _each(self, sort: str | None, value: str) -> str:
        return value if sort is None else f"[{self.names['each', sort]} \\in {self.sort(sort)} |-> {value}]"

    def arguments(self, step: Step) -> list[tuple[str, str]]:
        """(name, domain) of what an action is about: the thread, then what it chooses or has chosen."""
        found = [("me", self.sort(step.by))] if step.by in self.sorts else []
        carried = self.program.threads[step.by][step.source].carried
        first = next(s for s in self.program.steps if s.operation == step.operation and s.first)
        params = step.params if step.first else [p for p in first.params if p.name in carried]
        return found + [(self.names["param", p.name], self._domain(p)) for p in params]

    def _domain(self, param: Param) -> str:
        return self.sort(param.sort) if param.kind == "index" else DOMAIN[param.kind]

    def _head(self, step: Step) -> str:
        names = [name for name, _ in self.arguments(step)]
        return self.names["action", step.label] + (f"({', '.join(names)})" if names else "")

    def _action(self, step: Step) -> Iterator[str]:
        place = f" \\* {plain(str(step.place))}" if step.place else ""
        yield f"{self._head(step)} =={place}"
        moved = self.names["var", at(step.by)] if step.by in self.placed else ""
        if moved:
            yield f"  /\\ {moved}[me] = {self.place(step.by, step.source)}"
        yield from (f"  /\\ {free}" for held in step.takes for free in self.free(held, but=step.by))
        yield from (f"  /\\ {self.text(guard, step.params)}" for guard in step.guards)
        new = self._new(step)
        if moved and step.source != step.target:
            new[moved] = f"[{moved} EXCEPT ![me] = {self.place(step.by, step.target)}]"
        yield from (f"  /\\ {word}' = {value}" for word, value in new.items())
        rest = [v for v in self.variables if v not in new]
        if rest:
            yield f"  /\\ UNCHANGED <<{', '.join(rest)}>>"

    def _new(self, step: Step) -> dict[str, str]:
        """variable -> its new value; a later update of the same variable wins."""
        new: dict[str, str] = {}
        for update in step.updates:
            word, value = self.names["var", update.variable], self.text(update.value, step.params)
            if update.index is None:
                new[word] = value
            elif update.index.kind == "each":
                new[word] = self._each(update.index.sort, value)
            else:
                new[word] = f"[{new.get(word, word)} EXCEPT ![{self.index(update.index)}] = {value}]"
        return new

    def _next(self) -> Iterator[str]:
        yield "Next =="
        for step in self.program.steps:
            over = ", ".join(f"{name} \\in {domain}" for name, domain in self.arguments(step))
            yield f"  \\/ {EXISTS} {over} : {self._head(step)}" if over else f"  \\/ {self._head(step)}"
        yield "Spec == Init /\\ [][Next]_vars"

    def _property(self) -> Iterator[str]:
        each = self.claim.invariant.each
        over = f"\\A {self.index(each)} \\in {self.sort(each.sort)} : " if each else ""
        yield f"{self.names['holds']} == {over}{self.text(self.claim.invariant.holds)}"

    def _config(self) -> Iterator[str]:
        yield "(*"
        yield from (f"  {line}".rstrip() for line in self.config())
        yield ""
        yield "*)"

    def config(self) -> Iterator[str]:
        """Lines of the file that tells TLC the sizes: every page and thread is a model value."""
        yield "SPECIFICATION Spec"
        yield f"INVARIANTS TypeOK {self.names['holds']}"
        yield f"CONSTANT Page = {{{', '.join(self.names['page', n] for n in range(self.claim.instance.pages))}}}"
        for sort in sorted(self.sorts):
            elements = [self.names["element", sort, n] for n in range(self.size(sort))]
            yield f"CONSTANT {self.sort(sort)} = {{{', '.join(elements)}}}"
        yield from (f"CONSTANT {self.index(i)} = {self.index(i)}" for i in self.constants)


def config(claim: Claim) -> str:
    """The configuration for TLC at the claim's sizes, as a file of its own."""
    return "\n".join(_Module(claim).config()) + "\n"
