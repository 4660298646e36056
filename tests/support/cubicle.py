"""A small reader and searcher of Cubicle models that shares nothing with the export: what a text says, at n processes.

It takes the part of the language that `parser.mly` and `lexer.mll` of Cubicle have and that exports use, refuses
everything else, and refuses what Cubicle's typing refuses. Processes are alike, so that states that differ only in
their order are one.
"""

import re
from dataclasses import dataclass, field
from itertools import permutations, product

KEYWORDS = {"why3", "array", "case", "const", "exists", "else", "exists_other", "false", "forall", "forall_other", "if"}
KEYWORDS |= {"in", "init", "invariant", "let", "not", "number_procs", "predicate", "requires", "then", "transition"}
KEYWORDS |= {"true", "type", "universal_unsafe", "unsafe", "var"} | {"uguard", "assign", "good"}  # the last of old ones
TOKEN = re.compile(r"\s+|(\(\*|[A-Z][a-zA-Z0-9_]*|[a-z][a-zA-Z0-9_]*|:=|<>|&&|\|\||[=|:;,_(){}\[\]])")
BUILT_IN = {"bool": ("True", "False")}


class Refused(Exception):
    """Cubicle would not take this."""


def tokens(text):
    """The words of a model, comments left out; a comment may hold another."""
    found, at = [], 0
    while at < len(text):
        match = TOKEN.match(text, at)
        if match is None:
            raise Refused(f"illegal character at {text[at : at + 20]!r}")
        at = match.end()
        if match[1] == "(*":
            at = _after_comment(text, at)
        elif match[1]:
            found.append(match[1])
    return found


def _after_comment(text, at):
    depth = 1
    while depth:
        match = re.compile(r"\(\*|\*\)").search(text, at)
        if match is None:
            raise Refused("unterminated comment")
        depth += 1 if match[0] == "(*" else -1
        at = match.end()
    return at


@dataclass
class Update:
    name: str
    bound: str | None  # the bystander's variable, of an array
    cases: list  # of (literals, term); the last has none


@dataclass
class Transition:
    name: str
    procs: list
    guard: list
    updates: list


@dataclass
class Model:
    types: dict = field(default_factory=lambda: dict(BUILT_IN))
    globals: dict = field(default_factory=dict)
    arrays: dict = field(default_factory=dict)
    init: list = field(default_factory=list)
    unsafe: list = field(default_factory=list)
    transitions: list = field(default_factory=list)

    def type_of(self, term, procs):
        """The type of a term; Refused where it has none."""
        match term:
            case (array, index):
                if array not in self.arrays or index not in procs:
                    raise Refused(f"{array}[{index}]")
                return self.arrays[array]
            case word if word[0].islower():
                if word not in procs:
                    raise Refused(f"unknown name {word}")
                return "proc"
            case word if word in self.globals:
                return self.globals[word]
        found = [t for t, values in self.types.items() if term in values]
        if not found:
            raise Refused(f"unknown name {term}")
        return found[0]

    def symbols(self):
        return [*self.globals, *self.arrays, *(v for values in self.types.values() for v in values)]


class Parser:
    def __init__(self, text):
        self.words, self.at, self.model = tokens(text), 0, Model()

    # -- words

    @property
    def next(self):
        return self.words[self.at] if self.at < len(self.words) else ""

    def take(self, *expected):
        word = self.next
        if expected and word not in expected:
            raise Refused(f"syntax error at {word!r}, expected {expected}")
        self.at += 1
        return word

    def accept(self, word):
        if self.next == word:
            self.at += 1
            return True
        return False

    def small(self):
        if not self.next[:1].islower() or self.next in KEYWORDS:
            raise Refused(f"syntax error: {self.next!r} is no name of a type, process or transition")
        return self.take()

    def large(self):
        if not self.next[:1].isupper():
            raise Refused(f"syntax error: {self.next!r} is no name of a variable")
        return self.take()

    # -- declarations

    def parse(self):
        while self.accept("type"):
            self.type_()
        while self.next in ("var", "array"):
            self.variable(self.take())
        if len(names := self.model.symbols()) != len(set(names)):
            raise Refused("duplicate name")
        while self.next:
            {"init": self.init, "unsafe": self.unsafe, "transition": self.transition}.get(self.next, self.take)()
        if not self.model.init or not self.model.unsafe:
            raise Refused("no init or no unsafe")
        return self.model

    def type_(self):
        name, values = self.small(), []
        self.take("=")
        while not values or self.accept("|"):
            values.append(self.large())
        if name in (*self.model.types, "proc", "int", "real", "mbool"):
            raise Refused(f"duplicate type name {name}")
        self.model.types[name] = tuple(values)

    def variable(self, kind):
        name = self.large()
        if kind == "array":
            for word in ("[", "proc", "]"):
                self.take(word)
        self.take(":")
        if (type_ := self.small()) not in self.model.types:
            raise Refused(f"unknown type {type_}")
        if name in (*self.model.globals, *self.model.arrays):
            raise Refused(f"duplicate name {name}")
        (self.model.arrays if kind == "array" else self.model.globals)[name] = type_

    # -- formulas

    def procs(self):
        found = []
        while self.next != ")":
            found.append(self.small())
        self.take(")")
        if len(found) != len(set(found)):
            raise Refused("duplicate name")
        return found

    def term(self, procs):
        word = self.small() if self.next[:1].islower() else self.large()
        if word[0].isupper() and self.accept("["):
            index = self.small()
            self.take("]")
            word = word, index
        self.model.type_of(word, procs)
        return word

    def literals(self, procs):
        """A conjunction: (left, whether equal, right) each; `true` says nothing."""
        found = []
        while True:
            if not self.accept("true"):
                left, sign, right = self.term(procs), self.take("=", "<>"), self.term(procs)
                if self.model.type_of(left, procs) != self.model.type_of(right, procs):
                    raise Refused(f"types of {left} and {right} are not compatible")
                found.append((left, sign == "=", right))
            if not self.accept("&&"):
                return found

    def formula(self, procs):
        self.take("{")
        found = self.literals(procs)
        self.take("}")
        return found

    def init(self):
        self.take("init")
        if self.model.init:
            raise Refused("only one initial formula allowed")
        self.model.init = self.formula(self.procs() if self.accept("(") else [])

    def unsafe(self):
        self.take("unsafe")
        procs = self.procs() if self.accept("(") else []
        self.model.unsafe.append((procs, self.formula(procs)))

    # -- transitions

    def transition(self):
        self.take("transition")
        name = self.small()
        self.take("(")
        procs = self.procs()
        guard = self.formula(procs) if self.accept("requires") else []
        self.take("{")
        updates = []
        while self.next != "}":
            updates.append(self.update(procs))
            if not self.accept(";"):
                break
        self.take("}")
        if len({u.name for u in updates}) != len(updates):
            raise Refused(f"{name}: duplicate assignment")
        self.model.transitions.append(Transition(name, procs, guard, updates))

    def update(self, procs):
        name, bound = self.large(), None
        if self.accept("["):
            bound = self.small()
            self.take("]")
            if bound in procs:
                raise Refused(f"{bound} already used as a transition's parameter")
        known = [*procs, bound] if bound else procs
        type_ = self.model.type_of((name, bound) if bound else name, known)
        self.take(":=")
        cases = self.cases(known) if self.accept("case") else [([], self.term(known))]
        if bound and len(cases) == 1 and cases[0][0]:
            raise Refused("an array is updated by cases")
        if any(self.model.type_of(term, known) != type_ for _, term in cases):
            raise Refused(f"{name}: types are not compatible")
        return Update(name, bound, cases)

    def cases(self, procs):
        found = []
        while self.accept("|"):
            last = self.accept("_")
            asked = [] if last else self.literals(procs)
            self.take(":")
            found.append((asked, self.term(procs)))
            if last:
                return found
        raise Refused("a case without a default")


# ---------------------------------------------------------------- running it


class Runner:
    """A model with so many processes: (globals, sorted tuples of what each process has)."""

    def __init__(self, text, number):
        self.model, self.number = Parser(text).parse(), number
        self.value = {v: i for values in self.model.types.values() for i, v in enumerate(values)}
        self.place = {g: i for i, g in enumerate(self.model.globals)}
        self.column = {a: i for i, a in enumerate(self.model.arrays)}
        scope = {"permutations": permutations}
        exec("\n".join([*self.step_source(), *self.bad_source()]), scope)
        self.successors, self.bad = scope["successors"], scope["bad"]

    def term(self, term, procs):
        if isinstance(term, tuple):
            return f"P[{procs[term[1]]}][{self.column[term[0]]}]"
        if term in procs:
            return procs[term]
        return f"G[{self.place[term]}]" if term in self.place else str(self.value[term])

    def asked(self, literals, procs):
        said = [f"{self.term(a, procs)} {'==' if same else '!='} {self.term(b, procs)}" for a, same, b in literals]
        return " and ".join(said) or "True"

    def case(self, cases, procs):
        (*others, (_, last)) = cases
        text = self.term(last, procs)
        for literals, term in reversed(others):
            text = f"({self.term(term, procs)} if {self.asked(literals, procs)} else {text})"
        return text

    def step_source(self):
        yield "def successors(G, P):"
        for t in self.model.transitions:
            procs = {p: f"q{i}" for i, p in enumerate(t.procs)}
            yield f"    for {self.chosen(procs)} in permutations(range({self.number}), {len(procs)}):"
            yield f"        if {self.asked(t.guard, procs)}:"
            new = {u.name: u for u in t.updates}
            shared = [self.case(new[g].cases, procs) if g in new else f"G[{i}]" for g, i in self.place.items()]
            own = [
                self.case(new[a].cases, {**procs, new[a].bound: "z"}) if a in new else f"P[z][{i}]"
                for a, i in self.column.items()
            ]
            rows = f"tuple(sorted(({''.join(f'{o}, ' for o in own)}) for z in range({self.number})))"
            yield f"            yield ({''.join(f'{s}, ' for s in shared)}), {rows}"
        yield "    return; yield"

    def bad_source(self):
        yield "def bad(G, P):"
        for names, literals in self.model.unsafe:
            procs = {p: f"q{i}" for i, p in enumerate(names)}
            yield f"    for {self.chosen(procs)} in permutations(range({self.number}), {len(procs)}):"
            yield f"        if {self.asked(literals, procs)}: return True"
        yield "    return False"

    @staticmethod
    def chosen(procs):
        return f"({''.join(f'{q}, ' for q in procs.values())})" if procs else "()"

    def starts(self):
        """What is not said may be anything."""
        said = {}
        for left, same, right in self.model.init:
            name = left[0] if isinstance(left, tuple) else left
            if not same or name in said:
                raise Refused(f"init of {name}")
            said[name] = self.value[right]
        shared = [[said[g]] if g in said else range(len(self.model.types[t])) for g, t in self.model.globals.items()]
        own = [[said[a]] if a in said else range(len(self.model.types[t])) for a, t in self.model.arrays.items()]
        for g in product(*shared):
            for rows in product(list(product(*own)), repeat=self.number):
                yield g, tuple(sorted(rows))


def search(text, number, most=200_000):
    """Moves of a shortest run to an unsafe state with so many processes; None where there is none.

    Raises:
        MemoryError: more states than that.
    """
    run = Runner(text, number)
    here = set(run.starts())
    seen, depth = set(here), 0
    while here:
        if any(run.bad(*state) for state in here):
            return depth
        here = {after for state in here for after in run.successors(*state)} - seen
        seen |= here
        depth += 1
        if len(seen) > most:
            raise MemoryError
    return None
