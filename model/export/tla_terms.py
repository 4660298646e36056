"""TLA+: what each name, location and expression of a program is called in the module of a claim."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property

from model.export.identifiers import spelled, unique
from model.export.problem import Claim
from model.export.reserved import TLA, TLA_LIKE, TLC
from model.expr import PAGES, Expr, Index, bare, indices, walk
from model.expr.algebra import fold, tla
from model.instance.locations import at
from model.instance.sizes import used_sorts
from model.program.program import Location, Variable
from model.program.step import Held, Param, Step

RESERVED = (*TLA, *TLC)
FOR_ALL, EXISTS = "\\A", "\\E"


class Terms:
    """Identifiers and expressions of a claim, as the text of a module says them."""

    def __init__(self, claim: Claim) -> None:
        self.claim = claim
        self.program = claim.instance.program
        self.table = tla()

    @cached_property
    def names(self) -> dict[object, str]:
        """Identifiers of variables, locations, parameters, bound variables, constants, actions and sorts."""
        program = self.program
        wanted: dict[object, str] = {("sort", s): s for s in sorted(self.sorts)}
        elements = [(s, n) for s in sorted(self.sorts) for n in range(self.size(s))]
        wanted |= {("element", s, n): program.sorts[s].call(n) for s, n in elements}
        wanted |= {("var", v.name): variable_word(v) for v in program.variables}
        wanted |= {("var", at(s)): at(s).replace(".", "_") for s in self.placed}
        wanted |= {("action", s.label): action_word(s) for s in program.steps}
        wanted |= {("param", p.name): p.name for s in program.steps for p in s.params}
        wanted |= {("each", s): s[0].lower() for s in sorted(self.sorts)}
        bound = {i for i in self._indices if i.kind == "bound"}
        wanted |= {("bound", i.name): i.name for i in sorted(bound, key=lambda i: i.name)}
        wanted["holds"] = self.claim.invariant.name
        wanted |= {("page of", n): f"x{n or ''}" for n in range(1 + max(map(_nested, self._expressions())))}
        wanted |= {("page", n): f"page {n}" for n in range(self.claim.instance.pages)}
        return unique(wanted, RESERVED, like=TLA_LIKE, cases_differ=True)

    def _expressions(self) -> Iterator[Expr]:
        for step in self.program.steps:
            yield from step.guards
            yield from (u.value for u in step.updates)
        yield from (v.initial for v in self.program.variables)
        yield self.claim.invariant.holds

    @cached_property
    def _indices(self) -> set[Index]:
        """Every index that the program names; the property's own variable among them."""
        found = {i for e in self._expressions() for i in indices(e)}
        found |= {u.index for s in self.program.steps for u in s.updates if u.index}
        found |= {h.index for s in self.program.steps for h in s.takes if h.index}
        return found | ({self.claim.invariant.each} if self.claim.invariant.each else set())

    @cached_property
    def placed(self) -> list[str]:
        """Kinds of threads that can be somewhere else than idle."""
        return [s for s, locations in self.program.threads.items() if len(locations) > 1]

    @cached_property
    def sorts(self) -> set[str]:
        """Index sorts whose elements the module has to tell apart."""
        owned = {v.per.name for v in self.program.variables if v.per} | {i.sort for i in self._indices}
        params = {p.sort for s in self.program.steps for p in s.params if p.kind == "index"}
        return (owned | params | set(self.placed)) & used_sorts(self.program)

    @cached_property
    def constants(self) -> list[Index]:
        return sorted((i for i in self._indices if i.kind == "const"), key=lambda i: (i.sort, i.number))

    def size(self, sort: str) -> int:
        return self.claim.instance.sizes[sort]

    def sort(self, name: str) -> str:
        return self.names["sort", name]

    def index(self, index: Index) -> str:
        match index.kind:
            case "me":
                return "me"
            case "each":
                return self.names["each", index.sort]
            case "const":
                return self.names["element", index.sort, index.number]
        return self.names[index.kind, index.name]

    # -- locations

    def carries(self, sort: str) -> bool:
        """Some location of these threads remembers an index parameter: a location is then a sequence."""
        return any(location.carried for location in self.program.threads[sort])

    def place(self, sort: str, number: int) -> str:
        """The location as a value, with the index parameters that it carries."""
        name = self._called(sort, number)
        if not self.carries(sort):
            return name
        carried = self.program.threads[sort][number].carried
        return f"<<{', '.join([name, *(self.names['param', n] for n in carried)])}>>"

    def _called(self, sort: str, number: int) -> str:
        return place_text(number, self.program.threads[sort][number])

    def where(self, sort: str, who: str) -> str:
        """The name of the location of thread `who`."""
        return f"{self.names['var', at(sort)]}[{who}]" + ("[1]" if self.carries(sort) else "")

    def _at(self, sort: str, who: str, locations: frozenset[int]) -> str:
        if sort not in self.placed:
            return "TRUE" if 0 in locations else "FALSE"
        found = [self._called(sort, n) for n in sorted(locations)]
        where = self.where(sort, who)
        return f"({where} = {found[0]})" if len(found) == 1 else f"({where} \\in {{{', '.join(found)}}})"

    def free(self, held: Held, but: str = "") -> list[str]:
        """No thread is where it holds the lock, of the threads of sort `but` none other than `me`."""
        found = []
        for sort, number, other in self.program.holders(held):
            holding = f"{self.where(sort, 'who')} = {self._called(sort, number)}"
            if held.index is not None and other.index is not None:
                holding += f" /\\ {self._index_there(sort, number, other.index)} = {self.index(held.index)}"
            others = f"{self.sort(sort)} \\ {{me}}" if sort == but else self.sort(sort)
            found.append(f"\\A who \\in {others} : ~({holding})")
        return found

    def _index_there(self, sort: str, number: int, index: Index) -> str:
        """What a lock's index is for thread `who` at that location."""
        if index.kind == "param":
            carried = self.program.threads[sort][number].carried
            return f"{self.names['var', at(sort)]}[who][{carried.index(index.name) + 2}]"
        return "who" if index.kind == "me" else self.index(index)

    # -- expressions

    def text(self, expr: Expr, params: Iterable[Param] = ()) -> str:
        """The expression as the module says it; `params` are those of the step that it stands in.

        Another operation may have a parameter of that name and of another kind: a page where this one has a set.
        """
        kinds = {p.name: p.kind for p in params}
        memo: dict[int, str] = {}
        leaves: dict[str, Callable[[Expr], str]] = {
            "var": lambda e: self._variable(e.args[0], e.args[1]),
            "param": lambda e: self._param(e.args[0], kinds[e.args[0]]),
            "is": lambda e: f"({self.index(e.args[0])} = {self.index(e.args[1])})",
            "at": lambda e: self._at(e.args[0].sort, self.index(e.args[0]), e.args[1]),
            "free": lambda e: _all(self.free(Held(*e.args))),
            "for_all": lambda e: self._quantified(e, memo),
            "exists": lambda e: self._quantified(e, memo),
        }
        return str(fold(expr, self.table, lambda e: leaves[e.op](e) if e.op in leaves else None, memo))

    def _variable(self, name: str, index: Index | None) -> str:
        word = self.names["var", name]
        return word if index is None else f"{word}[{self.index(index)}]"

    def _param(self, name: str, kind: str) -> str:
        word = self.names["param", name]
        return f"{{{word}}}" if kind == "page" else word

    def _quantified(self, e: Expr, memo: dict[int, str]) -> str:
        bound, inside = e.args
        over, body = f"{self.index(bound)} \\in {self.sort(bound.sort)}", memo[id(inside)]
        if e.sort != PAGES:
            return f"({FOR_ALL if e.op == 'for_all' else EXISTS} {over} : {body})"
        one = self.names["page of", _nested(inside)]
        every = f"{{{one} \\in Page : \\A {over} : {one} \\in {body}}}"
        return every if e.op == "for_all" else f"(UNION {{{body} : {over}}})"


def _nested(expr: Expr) -> int:
    """How many sets of pages that are in all of something the expression says: more than one inside of it says."""
    return sum(e.op == "for_all" and e.sort == PAGES for e in walk(expr))


# ---------------------------------------------------------------- words


def variable_word(variable: Variable) -> str:
    """`kernel`, and `my_known` for a register of a thread."""
    return f"my_{bare(variable.name)}" if variable.role == "register" else variable.name


def action_word(step: Step) -> str:
    """`ClearCleared`."""
    words = f"{step.operation} {step.name}".replace("_", " ").split()
    return "".join(spelled(w)[:1].upper() + spelled(w)[1:] for w in words)


def place_text(number: int, location: Location) -> str:
    """A location as a string of TLA+: `"clear.chosen"`; with its number where its name cannot be written."""
    label = f"{location.operation}.{location.after}" if location.operation else "idle"
    return f'"{label}"' if re.fullmatch(r"[A-Za-z0-9_. -]+", label) else f'"{spelled(label)} {number}"'


def _all(conditions: Iterable[str]) -> str:
    """Their conjunction as one term: what stands before it, such as `~`, is said of the whole."""
    found = [f"({c})" for c in conditions] or ["TRUE"]
    return found[0] if len(found) == 1 else "(" + " /\\ ".join(found) + ")"
