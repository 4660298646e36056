"""Expressions: sets of pages and truth values over the parts of a design, and the words to declare those parts.

An expression is a tree of immutable, shared nodes. Python's `| & - ~ <= ==` build nodes; `if`, `and`, `or` and
`not` raise, because a design is recorded once, before there is any state to look at.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from itertools import count
from typing import Any, ClassVar

from model.errors import DesignError, here

PAGES, TRUTH, PLACE = "pages", "truth", "place"

IF_ON_STATE = (
    "`if`, `and`, `or` and `not` cannot look at the state: an operation runs once, while it is recorded, and its "
    "answer would be frozen into every run. Write `wait_for(...)` for a guard, `&`, `|`, `~` for logic, "
    "`choose(cond, a, b)` for data."
)
STALE = (
    "a value read before a yield is used after it, and another thread may have changed it in between. "
    "Keep it in the thread: me.known = ... before the yield, me.known after it."
)


# ---------------------------------------------------------------- index sorts


@dataclass(frozen=True)
class Index:
    """A term that names one element of an index sort: `me`, a constant, a parameter, or a bound variable."""

    kind: str  # "me", "each", "const", "param", "bound"
    sort: str
    name: str = ""
    number: int = 0

    def __str__(self) -> str:
        return {"me": "me", "each": f"every {self.sort.lower()}"}.get(self.kind, self.name)


class Element:
    """An element of an index sort as a design writes it; `==` gives a truth value of the model."""

    __slots__ = ("index",)
    index: Index

    def __init__(self, index: Index) -> None:
        object.__setattr__(self, "index", index)

    def __eq__(self, other: object) -> Any:
        return _same_element(self, other)

    def __ne__(self, other: object) -> Any:
        return ~_same_element(self, other)

    def __hash__(self) -> int:
        return hash(self.index)

    def __bool__(self) -> bool:
        raise DesignError(IF_ON_STATE, here())


def _same_element(left: Element, right: object) -> Expr:
    if not isinstance(right, Element):
        raise DesignError(
            f"{left.index} can only be compared with another {left.index.sort}, such as {left.index.sort}[0].", here()
        )
    if left.index.sort != right.index.sort:
        raise DesignError(f"{left.index} is a {left.index.sort}, {right.index} a {right.index.sort}.", here())
    return make("is", left.index, right.index)


class Sort:
    """A kind of thread or object that a design has several of: clients, vCPUs, slots.

    Args:
        name: a capitalised singular noun; `--clients N` and the like are derived from it.
        doc: one line for `--show`.
        names: what the first elements are called in a trace.
    """

    def __init__(self, name: str, doc: str, names: tuple[str, ...] = (), size: int | None = None) -> None:
        if not name.isidentifier() or not name[0].isupper():
            raise DesignError(f"an index sort is named by a capitalised word such as Vcpu, not {name!r}.", here())
        self.name, self.doc, self.names, self.size = name, doc, names, size

    def __getitem__(self, number: int) -> Element:
        if not isinstance(number, int) or number < 0:
            raise DesignError(f"{self.name}[...] takes a number from 0, such as {self.name}[0].", here())
        return Element(Index("const", self.name, self.call(number), number))

    @property
    def every(self) -> Element:
        """All elements at once, as the index of an assignment."""
        return Element(Index("each", self.name))

    def call(self, number: int) -> str:
        """The name of element `number` in traces."""
        return self.names[number] if number < len(self.names) else f"{self.name.lower()} {number}"

    def __repr__(self) -> str:
        return f"Sort({self.name})"


Client = Sort("Client", "a reader of the dirty log with a bitmap of its own", ("MIGRATION", "VGA", "DIRTY_RATE"))
Guest = Sort("Guest", "whoever writes pages: all vCPUs taken together", ("the guest",), size=1)
Machine = Sort(
    "Machine", "hardware that acts by itself: queues that drain, buffers that empty", ("the machine",), size=1
)
Vcpu = Sort("Vcpu", "one virtual processor", tuple(f"vCPU {n}" for n in range(8)))
Slot = Sort("Slot", "one memory slot of the VM")
MIGRATION = Client[0]
every_client = Client.every


# ---------------------------------------------------------------- nodes


class Expr:
    """One node of an expression over the state before a step.

    `op` is a row of every table in `model.algebra`; `sort` is "pages" or "truth"; `when` is the serial number of
    the atomic step whose state the node reads while a design is being recorded, else None.
    """

    __slots__ = ("__weakref__", "args", "op", "sort", "when")
    op: str
    args: tuple[Any, ...]
    sort: str
    when: int | None

    def __or__(self, other: object) -> Expr:
        return _join("union", "either", self, other)

    def __and__(self, other: object) -> Expr:
        return _join("meet", "both", self, other)

    def __sub__(self, other: object) -> Expr:
        return make("minus", *_pages("-", self, other))

    def __xor__(self, other: object) -> Expr:
        return (self | other) & ~(self & other)

    def __le__(self, other: object) -> Expr:
        return make("subset", *_pages("<=", self, other))

    def __ge__(self, other: object) -> Expr:
        return make("subset", *reversed(_pages(">=", self, other)))

    def __invert__(self) -> Expr:
        return make("negate", self) if self.sort == TRUTH else make("minus", ALL, self)

    def __eq__(self, other: object) -> Any:
        left, right = self, lift(other)
        if left.sort != right.sort:
            raise DesignError(f"{left.sort} cannot equal {right.sort}: {show(left)} == {show(right)}.", here())
        return make("equal", left, right) if left.sort == PAGES else (left & right) | (~left & ~right)

    def __ne__(self, other: object) -> Any:
        return ~(self == other)

    __ror__, __rand__ = __or__, __and__

    def __rsub__(self, other: object) -> Expr:
        return lift(other) - self

    def __hash__(self) -> int:
        return id(self)

    def __bool__(self) -> bool:
        raise DesignError(IF_ON_STATE, here())

    def _no_order(self, other: object) -> Expr:
        raise DesignError("sets of pages are compared with `<=` (is contained in) and `==`, not `<` or `>`.", here())

    def _no_sum(self, other: object) -> Expr:
        raise DesignError("sets of pages are joined with `|`, cut with `&` and taken away with `-`, not `+`.", here())

    def _no_python(self, *_: object) -> Any:
        raise DesignError(
            "a loop or a count over the state cannot be recorded; make the set of pages a parameter of the operation, "
            "which the checker chooses in every possible way.",
            here(),
        )

    def __getitem__(self, index: object) -> Expr:
        raise DesignError(f"{show(self)} is one for all and takes no [...]; write it without an index.", here())

    __lt__ = __gt__ = _no_order
    __add__ = __radd__ = _no_sum
    __iter__ = __len__ = __contains__ = __int__ = __index__ = _no_python

    def __repr__(self) -> str:
        return show(self)

    def __reduce__(self) -> tuple[Any, ...]:
        return node, (self.op, self.args, self.sort)


_nodes: dict[tuple[Any, ...], Expr] = {}


def node(op: str, args: tuple[Any, ...], sort: str, when: int | None = None) -> Expr:
    """The one node with this operator and these arguments; equal trees are the same object."""
    key = (op, sort, when, *(id(a) if isinstance(a, Expr) else a for a in args))
    found = _nodes.get(key)
    if found is None:
        found = _nodes[key] = object.__new__(Expr)
        found.op, found.args, found.sort, found.when = op, args, sort, when
    return found


RESULT = {
    "subset": TRUTH,
    "equal": TRUTH,
    "both": TRUTH,
    "either": TRUTH,
    "negate": TRUTH,
    "is": TRUTH,
    "at": TRUTH,
    "free": TRUTH,
}


def make(op: str, *args: Any) -> Expr:
    """Build a node, folding what is constant; raises DesignError when it mixes two atomic steps."""
    folded = _fold(op, args)
    if folded is not None:
        return folded
    parts = [a for a in args if isinstance(a, Expr)]
    steps = {a.when for a in parts} - {None}
    if len(steps) > 1:
        raise DesignError(STALE, here())
    sort = RESULT.get(op) or parts[-1].sort
    return node(op, args, sort, *steps)


NONE = node("none", (), PAGES)
ALL = node("all", (), PAGES)
TRUE = node("true", (), TRUTH)
FALSE = node("false", (), TRUTH)


def _fold(op: str, args: tuple[Any, ...]) -> Expr | None:
    """What `op(*args)` is when that is plain from the constants in it, else None."""
    a, b = (*args, None, None)[:2]
    match op:
        case "negate" if a is TRUE or a is FALSE:
            return FALSE if a is TRUE else TRUE
        case "negate" if a.op == "negate":
            return a.args[0]
        case "both" | "either":
            unit, zero = (TRUE, FALSE) if op == "both" else (FALSE, TRUE)
            if a is zero or b is zero:
                return zero
            if a is unit or a is b:
                return b
            if b is unit:
                return a
        case "union" | "meet":
            unit, zero = (ALL, NONE) if op == "meet" else (NONE, ALL)
            if a is zero or b is zero:
                return zero
            if a is unit or a is b:
                return b
            if b is unit:
                return a
        case "minus":
            if a is NONE or b is ALL or a is b:
                return NONE
            if b is NONE:
                return a
        case "subset" if a is b or a is NONE or b is ALL:
            return TRUE
        case "equal" if a is b:
            return TRUE
        case "spread" | "shift" if a is NONE:
            return NONE
        case "spread" if a is ALL or b == 1:
            return a
        case "shift" if b == 0:
            return a
        case "choose":
            if a is TRUE or a is FALSE:
                return args[1] if a is TRUE else args[2]
            if args[1] is args[2]:
                return args[1]
        case "is":
            if a == b:
                return TRUE
            if a.kind == b.kind == "const":
                return FALSE
    return None


def lift(value: object) -> Expr:
    """A Python value as an expression; raises DesignError for what is neither pages nor a truth value."""
    if isinstance(value, Expr):
        return value
    if isinstance(value, bool):
        return TRUE if value else FALSE
    if hasattr(value, "complain"):
        value.complain()
    what = "None: use NONE for the empty set" if value is None else repr(value)
    raise DesignError(f"a set of pages or a truth value is needed here, not {what}.", here())


def _pages(symbol: str, *values: object) -> list[Expr]:
    lifted = [lift(v) for v in values]
    for value in lifted:
        if value.sort != PAGES:
            raise DesignError(f"`{symbol}` works on sets of pages, and {show(value)} is a truth value.", here())
    return lifted


def _join(on_pages: str, on_truth: str, left: Expr, right: object) -> Expr:
    other = lift(right)
    if left.sort != other.sort:
        raise DesignError(
            f"{show(left)} is {_kind(left)} and {show(other)} is {_kind(other)}; `|` and `&` take two of one kind.",
            here(),
        )
    return make(on_pages if left.sort == PAGES else on_truth, left, other)


def _kind(expr: Expr) -> str:
    return "a set of pages" if expr.sort == PAGES else "a truth value"


def choose(condition: object, then: object, otherwise: object) -> Expr:
    """`then` where `condition` holds, else `otherwise`: the data branch of the language."""
    test, yes, no = lift(condition), lift(then), lift(otherwise)
    if test.sort != TRUTH:
        raise DesignError(f"choose(cond, a, b): cond is a truth value, and {show(test)} is a set of pages.", here())
    if yes.sort != no.sort:
        raise DesignError(f"choose(cond, a, b): a and b are of one kind, not {yes.sort} and {no.sort}.", here())
    return make("choose", test, yes, no)


def whole(pages: object, size: int) -> Expr:
    """All pages of every run of `size` pages that has one in `pages`: whole words, whole chunks."""
    return make("spread", *_pages("whole(...)", pages), _count(size, 1))


def shifted(pages: object, by: int) -> Expr:
    """Page p as page p + `by`: the same memory in a bitmap with another offset; what leaves the bitmap is dropped."""
    return make("shift", *_pages("shifted(...)", pages), _count(by, -1 << 16))


def hole(name: str, *inputs: object) -> Expr:
    """A set of pages that is yet to be found: page by page some Boolean function of the inputs.

    Args:
        name: what the synthesiser calls it; the same name twice is the same function.
        inputs: sets of pages, or truth values, which are the same for every page. `python -m model.synthesize` fills
            it; everything else refuses a design that has one.
    """
    if not isinstance(name, str) or not inputs:
        raise DesignError('a hole has a name and what it may look at: hole("mask", s.cache, s.mine[me], want).', here())
    given = [lift(value) for value in inputs]
    return make("hole", name, *(g if g.sort == PAGES else choose(g, ALL, NONE) for g in given))


def _count(number: object, least: int) -> int:
    if isinstance(number, bool) or not isinstance(number, int) or number < least:
        raise DesignError(f"a number of pages is needed here, at least {least}, not {number!r}.", here())
    return number


def every(sort: Sort, body: Callable[[Element], Expr]) -> Expr:
    """True for every element of the sort; of sets of pages: the pages that are in all of them."""
    return _quantify("for_all", sort, body)


def some(sort: Sort, body: Callable[[Element], Expr]) -> Expr:
    """True for some element of the sort; of sets of pages: the pages that are in any of them."""
    return _quantify("exists", sort, body)


_fresh = count()


def _quantify(op: str, sort: Sort, body: Callable[[Element], Expr]) -> Expr:
    if not isinstance(sort, Sort):
        raise DesignError("every(...) and some(...) take an index sort first: every(Client, lambda c: ...).", here())
    fresh = Index("bound", sort.name, "?", next(_fresh))  # of its own: the body may hold another quantifier
    inside = lift(body(Element(fresh)))
    taken = {i.name for i in indices(inside)}
    names = (f"{sort.name[0].lower()}{n or ''}" for n in count())
    bound = Index("bound", sort.name, next(n for n in names if n not in taken))
    inside = replace_index(inside, fresh, bound)
    return node(op, (bound, inside), inside.sort, inside.when)


def idle(who: Element) -> Expr:
    """The thread is between two operations."""
    return make("at", element(who).index, frozenset({0}))


def element(who: object) -> Element:
    """`who` checked to be a thread or object of an index sort."""
    if isinstance(who, Element):
        return who
    raise DesignError(f"a client, vCPU or slot is needed here, such as me or MIGRATION, not {who!r}.", here())


# ---------------------------------------------------------------- walking


def children(expr: Expr) -> Iterator[Expr]:
    """The direct sub-expressions."""
    return (a for a in expr.args if isinstance(a, Expr))


def walk(*roots: Expr) -> Iterator[Expr]:
    """Every node below the roots once, each after its children."""
    seen: set[int] = set()
    stack = [(r, False) for r in reversed(roots)]
    while stack:
        expr, done = stack.pop()
        if done:
            yield expr
        elif id(expr) not in seen:
            seen.add(id(expr))
            stack.append((expr, True))
            stack += [(c, False) for c in children(expr)]


def rewrite(expr: Expr, leaf: Callable[[Expr], Expr | None], memo: dict[int, Expr] | None = None) -> Expr:
    """The same tree with each node replaced for which `leaf` returns one; `when` is dropped."""
    memo = {} if memo is None else memo
    for each in walk(expr):
        new = leaf(each)
        if new is None:
            args = tuple(memo[id(a)] if isinstance(a, Expr) else a for a in each.args)
            folded = _fold(each.op, args) if each.args else None
            new = folded if folded is not None else node(each.op, args, each.sort)
        memo[id(each)] = new
    return memo[id(expr)]


def replace_index(expr: Expr, old: Index, new: Index) -> Expr:
    """The same tree with one index term replaced wherever it stands free; keeps `when`."""
    if not any(isinstance(a, Index) and a == old for e in walk(expr) for a in e.args):
        return expr
    memo: dict[int, Expr] = {}
    for each in walk(expr):
        args = tuple(memo[id(a)] if isinstance(a, Expr) else new if a == old else a for a in each.args)
        folded = _fold(each.op, args) if each.args else None
        memo[id(each)] = folded if folded is not None else node(each.op, args, each.sort, each.when)
    return memo[id(expr)]


def indices(expr: Expr) -> set[Index]:
    """Every index term in the tree."""
    return {a for e in walk(expr) for a in e.args if isinstance(a, Index)}


INFIX = {"union": "|", "meet": "&", "minus": "-", "subset": "<=", "equal": "==", "both": "&", "either": "|"}


def show(expr: Expr) -> str:
    """The expression in the words of the design language."""
    match expr.op:
        case "var" | "field":
            name, index = expr.args
            return name if index is None else name if name.startswith("me.") else f"{name}[{index}]"
        case "param":
            return str(expr.args[0])
        case "negate":
            return f"~{_inner(expr.args[0])}"
        case "spread" | "shift":
            return f"{'whole' if expr.op == 'spread' else 'shifted'}({show(expr.args[0])}, {expr.args[1]})"
        case "choose":
            return f"choose({', '.join(show(a) for a in expr.args)})"
        case "hole":
            return f"hole({', '.join([repr(expr.args[0]), *map(show, expr.args[1:])])})"
        case "for_all" | "exists":
            bound, inside = expr.args
            return f"{'every' if expr.op == 'for_all' else 'some'} {bound.sort.lower()} {bound}: {_inner(inside)}"
        case "is":
            return f"{expr.args[0]} == {expr.args[1]}"
        case "free":
            return f"{expr.args[0]} is free" if expr.args[1] is None else f"{expr.args[0]}[{expr.args[1]}] is free"
        case "at":
            where = expr.args[-1]
            return f"{expr.args[0]} is idle" if where == frozenset({0}) else f"{expr.args[0]} is at {sorted(where)}"
        case op if op in INFIX:
            return f"{_inner(expr.args[0])} {INFIX[op]} {_inner(expr.args[1])}"
        case op:
            return op.upper()


def _inner(expr: Expr) -> str:
    text = show(expr)
    return f"({text})" if expr.op in INFIX or expr.op in ("for_all", "exists", "is") else text


# ---------------------------------------------------------------- declarations


@dataclass(eq=False)
class Part:
    """A piece of state that a design declares; shared, or one per element of an index sort.

    Args:
        doc: which field of the real program this is.
        per: the index sort that it has one of each for, or None.
        initially: the value before the first move: NONE, ALL, True, False, or a dictionary
            {MIGRATION: ALL} with one entry a constant (all others start empty).
        memory: "sc": a store is seen at once; "tso": a plain store waits in the thread's store buffer, one at a time,
            until the machine drains it, and the thread alone sees it meanwhile (x86's total store order).
    """

    doc: str = ""
    per: Sort | None = None
    initially: object = None
    memory: str = "sc"
    sort: ClassVar[str] = ""
    name: str = field(default="", init=False)

    def __set_name__(self, owner: type, name: str) -> None:
        self.name = name


class Pages(Part):
    """A set of guest pages: one bit a page in a bitmap engine, a predicate in a parametric one."""

    sort = PAGES


class Flag(Part):
    """A truth value."""

    sort = TRUTH


class Lock(Part):
    """A mutual exclusion lock: at most one thread is between taking and freeing it."""

    sort = "lock"


@dataclass(eq=False)
class Queue(Part):
    """A queue of pages of bounded length, first in first out: a PML buffer, a dirty ring.

    `s.ring[me].push(page)` waits for room; `.pop()` waits for an entry; `.head`, `.everything`, `.full` and `.empty`
    are expressions. Each entry is kept in a set of pages of its own, `ring.0` the oldest, so every reader has it.
    """

    length: int = 2
    sort: ClassVar[str] = "queue"


@dataclass(frozen=True)
class Operation:
    """What `@operation` leaves on a class: the function, and whose threads run it."""

    function: Callable[..., Any]
    by: Sort

    def __get__(self, instance: object, owner: type) -> Operation:
        return self

    def __call__(self, *args: Any, **kwargs: Any) -> Any:
        return self.function(*args, **kwargs)


def operation(function: Callable[..., Any] | None = None, *, by: Sort | None = None) -> Any:
    """Mark a method as an operation: every thread of `by` may run it at any moment while it is idle.

    Without `by`, an operation called `write` is the guest's and every other one is a client's.
    """
    if function is None:
        return lambda f: operation(f, by=by)
    if not callable(function):
        raise DesignError("@operation stands in front of a method: @operation, then def sync(s, me): ...", here())
    owner = by or (Guest if function.__name__ == "write" else Client)
    return Operation(function, owner)


recorders: list[Any] = []


def fence() -> None:
    """The step that is being recorded waits until the thread's store buffer is empty (`memory="tso"`)."""
    if not recorders:
        raise DesignError("fence() only has a meaning inside an @operation.", here())
    recorders[-1].fence()


def wait_for(condition: object) -> None:
    """The step that is being recorded can only be taken while `condition` holds."""
    if not recorders:
        raise DesignError("wait_for(...) is a guard of a step and only has a meaning inside an @operation.", here())
    recorders[-1].guard(lift(condition))


# ---------------------------------------------------------------- properties


@dataclass(frozen=True)
class Property:
    """Something that must hold of a design, with the ghost state that is needed to say it.

    Attributes:
        kind: "always" (in every reachable state), "sometimes" (in some reachable state: a check against vacuity), or
            of infinite runs, "eventually" and "leads_to" (see those).
        holds: `holds(s)` or `holds(s, client)`: a truth value; with a second argument it must hold for each client.
        cases: of kind "sometimes": `cases(program)` lists what has to happen, one search each; `observe` and `holds`
            are then handed the case as their argument `case`. Of kind "eventually": what must hold for each case.
        parts: ghost parts that the property adds to the design.
        operations: operations it adds, such as `stop`.
        needs, lacks: parts and operations that a design must have, or must not have, for the property to say anything
            of it; without them it would hold because what it is about never happens.
        observe: `observe(step, before, s, me)`, called for every step of the design: changes the ghosts in the same
            atomic step; `before` is the state before the step and `s` the state after it. It may add guards.
        goal, premise: of infinite runs, in place of `holds`: truth values, or sets of pages, which are asked of every
            page.
        writers: of infinite runs: "stop", the runs in which writes begin finitely often, or "go on", all runs.
    """

    name: str
    kind: str
    doc: str
    holds: Callable[..., Any]
    parts: dict[str, Part] = field(default_factory=dict)
    operations: dict[str, Operation] = field(default_factory=dict)
    observe: Callable[..., None] | None = None
    cases: Callable[[Any], list[str]] | None = None
    needs: tuple[str, ...] = ()
    lacks: tuple[str, ...] = ()
    goal: Callable[..., Any] | None = None
    premise: Callable[..., Any] | None = None
    writers: str = "stop"

    @property
    def summary(self) -> str:
        """The first sentence of the docstring."""
        return self.doc.strip().split("\n\n")[0].replace("\n", " ")


def always(body: Any) -> Property:
    """A property that must hold in every reachable state; stands in front of a function or of a class with ghosts."""
    return _property(body, "always")


def sometimes(body: Any) -> Property:
    """A property that must hold in some reachable state, so that nothing passes because nothing happens."""
    return _property(body, "sometimes")


def eventually(body: Any) -> Property:
    """A property that holds for ever in the end, once nobody begins a write: F & <>[]quiet -> <>[]goal.

    Over infinite runs. F: the run is fair (`model.lasso.Fairness`); quiet: this move begins no write; goal: what the
    function, or `holds` of the class, says, for all clients, cases and pages at once. With `writers = "go on"` the
    runs on which writes begin for ever count too, and the formula is F -> <>[]goal.
    """
    return _of_runs(body, "eventually", ("holds",))


def leads_to(body: Any) -> Property:
    """A property of infinite runs, a class with `premise` and `goal`: F & <>[]quiet -> [](premise -> <>goal).

    F and quiet as in `eventually`; each time the premise holds, the goal holds then or later, for each client and,
    where the two are sets, for each page by itself. With `writers = "go on"`: F -> [](premise -> <>goal).
    """
    return _of_runs(body, "leads_to", ("premise", "goal"))


INFINITE = ("eventually", "leads_to")  # kinds that speak of infinite runs
WRITERS = ("stop", "go on")


def _of_runs(body: Any, kind: str, needed: tuple[str, ...]) -> Property:
    own = vars(body).items() if isinstance(body, type) else [("holds", body)]
    words = {n: w for n, w in own if not n.startswith("__")}
    for word in needed:
        if word not in words:
            raise DesignError(f"property {body.__name__} has no `def {word}(s, client): ...`; @{kind} asks it.", here())
    if kind == "leads_to" and "cases" in words:
        raise DesignError(f"property {body.__name__}: @leads_to has one premise and one goal and no cases.", here())
    writers = words.get("writers", "stop")
    if writers not in WRITERS:
        raise DesignError(f'property {body.__name__}: writers = "stop" or "go on", not {writers!r}.', here())

    def holds(s: Any) -> Any:
        raise DesignError(
            f"it speaks of infinite runs, not of states; `python -m model.liveness DESIGN --property {body.__name__}` "
            f"asks it."
        )

    made = _property(type(body.__name__, (), {**words, "__doc__": body.__doc__, "holds": holds}), kind)
    return replace(made, goal=words[needed[-1]], premise=words.get("premise"), writers=writers)


def _property(body: Any, kind: str) -> Property:
    doc = (body.__doc__ or "").strip()
    if not doc:
        raise DesignError(f"property {body.__name__} has no docstring; say in one sentence what must hold.", here())
    if not isinstance(body, type):
        return Property(body.__name__, kind, doc, body)
    words = vars(body)
    if "holds" not in words:
        raise DesignError(f"property {body.__name__} has no `def holds(s, client): ...` that says what holds.", here())
    return Property(
        name=body.__name__,
        kind=kind,
        doc=doc,
        holds=words["holds"],
        parts={n: p for n, p in words.items() if isinstance(p, Part)},
        operations={n: o for n, o in words.items() if isinstance(o, Operation)},
        observe=words.get("observe"),
        cases=words.get("cases"),
        needs=tuple(words.get("needs", ())),
        lacks=tuple(words.get("lacks", ())),
    )
