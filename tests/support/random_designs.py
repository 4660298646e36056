"""Random small designs and random properties of them, to find where two engines disagree.

A design is drawn as plain data, which a failing example prints, and built into a real `Design` whose operations are
closures that interpret the data. What the recorder refuses is avoided while drawing. Hypothesis draws a tape of bytes,
one choice: drawn piece by piece, four examples of five are mutants of the fifth. A tape shrinks towards zeros, and 0
picks the simplest of what can be picked.
"""

import inspect
from dataclasses import dataclass, replace
from random import Random
from types import SimpleNamespace

from hypothesis import assume
from hypothesis import strategies as st

from model import (
    ALL,
    MIGRATION,
    NONE,
    AnyPages,
    Client,
    Design,
    Flag,
    Guest,
    Lock,
    Page,
    Pages,
    choose,
    every,
    idle,
    record,
    some,
    wait_for,
)
from model.errors import DesignError
from model.expr import Operation, Property
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.instance.sizes import used_sorts
from model.program.observers import invariant

SIZES = ((1, 2), (2, 1))  # (pages, clients)
PARAMETERS = {"page": Page, "want": Pages, "extra": AnyPages, "really": bool, "client": Client}
PARAMETERS |= {f"guest_{name}": kind for name, kind in PARAMETERS.items()}  # a register belongs to one kind of thread
KINDS = {Page: "pages", Pages: "pages", AnyPages: "pages", bool: "truth", Client: "element"}
STARTS = {"NONE": NONE, "ALL": ALL, "True": True, "False": False, "MIGRATION": {MIGRATION: ALL}}


# ---------------------------------------------------------------- a design as data


@dataclass(frozen=True)
class PartData:
    name: str
    kind: str  # "pages", "truth" or "lock"
    per_client: bool
    start: str


@dataclass(frozen=True)
class StepData:
    guards: tuple
    assigns: tuple  # of (target, value); a target is ("part", name, element) or ("register", name)
    name: str = ""
    takes: tuple = ()
    frees: tuple = ()


@dataclass(frozen=True)
class OperationData:
    name: str
    by_guest: bool
    parameters: tuple
    steps: tuple


@dataclass(frozen=True)
class DesignData:
    parts: tuple
    operations: tuple
    holds: tuple
    each_client: bool


# ---------------------------------------------------------------- from data to a Design


def design(data):
    """The data as a subclass of Design, as if a user had written it."""
    members = {p.name: part(p) for p in data.parts}
    members |= {o.name: Operation(function(o), Guest if o.by_guest else Client) for o in data.operations}
    return type("Random", (Design,), {"__module__": "generated", **members})  # no source to look for


def part(data):
    cls = {"pages": Pages, "truth": Flag, "lock": Lock}[data.kind]
    start = None if data.kind == "lock" else STARTS[data.start]
    return cls(f"a random {data.kind}", per=Client if data.per_client else None, initially=start)


def function(data):
    """The operation as the recorder runs it."""

    def run(s, me, **given):
        here = {"me": me, "MIGRATION": MIGRATION, "every": Client.every, **given}
        for step in data.steps:
            for lock in step.takes:
                say.lock_of(lock, s, here).acquire()
            for condition in step.guards:
                wait_for(say.value(condition, s, here))
            for target, new in step.assigns:
                say.assign(target, say.value(new, s, here), s, here)
            if step.name:
                yield step.name
            for lock in step.frees:
                say.lock_of(lock, s, here).release()

    usual = inspect.Parameter.POSITIONAL_OR_KEYWORD
    names = {"s": inspect.Parameter.empty, "me": inspect.Parameter.empty} | {p: PARAMETERS[p] for p in data.parameters}
    run.__signature__ = inspect.Signature([inspect.Parameter(n, usual, annotation=a) for n, a in names.items()])
    run.__name__ = data.name
    return run


class Interpreter:
    """A helper that looks at data, not at the state, so that it is not read as part of the operation."""

    def __init__(self, function):
        self.function = function

    def __call__(self, *arguments):
        return self.function(*arguments)


@Interpreter
def lock_of(data, s, here):
    name, element = data
    return getattr(s, name) if element is None else getattr(s, name)[here[element]]


@Interpreter
def assign(target, new, s, here):
    if target[0] == "register":
        setattr(here["me"], target[1], new)
    elif target[2] is None:
        setattr(s, target[1], new)
    else:
        getattr(s, target[1])[here[target[2]]] = new


@Interpreter
def value(data, s, here):
    """An expression as data, said in the words of the language."""

    def of(item):
        return value(item, s, here)

    match data:
        case "NONE" | "ALL":
            return NONE if data == "NONE" else ALL
        case ("part", name, None):
            return getattr(s, name)
        case ("part", name, element):
            return getattr(s, name)[here[element]]
        case ("parameter", name):
            return here[name]
        case ("register", name):
            return getattr(here["me"], name)
        case ("idle", element):
            return idle(here[element])
        case ("free", name, element):
            return lock_of((name, element), s, here).free
        case ("is", one, other):
            return here[one] == here[other]
        case ("every" | "some" as which, bound, inside):
            quantifier = every if which == "every" else some
            return quantifier(Client, lambda c: value(inside, s, {**here, bound: c}))
        case ("choose", condition, yes, no):
            return choose(of(condition), of(yes), of(no))
        case ("~", item):
            return ~of(item)
        case (operator, left, right):
            return BINARY[operator](of(left), of(right))
    raise AssertionError(data)


say = SimpleNamespace(value=value, assign=assign, lock_of=lock_of)  # they look at data, as no helper of a design may
BINARY = {
    "|": lambda a, b: a | b,
    "&": lambda a, b: a & b,
    "-": lambda a, b: a - b,
    "<=": lambda a, b: a <= b,
    "==": lambda a, b: a == b,
}


# ---------------------------------------------------------------- strategies


@dataclass(frozen=True)
class Scene:
    """What an expression may name where it stands."""

    parts: tuple
    elements: tuple
    parameters: tuple = ()
    registers: tuple = ()

    def leaves(self, kind):
        """Expressions without operators; of kind "truth" perhaps none."""
        found = [
            ("part", p.name, e)
            for p in self.parts
            if p.kind == kind
            for e in (self.elements if p.per_client else (None,))
        ]
        found += [("parameter", p) for p in self.parameters if KINDS[PARAMETERS[p]] == kind]
        found += [("register", r) for r in self.registers if r.endswith("kept") == (kind == "pages")]
        if kind == "truth":
            found += [("idle", e) for e in self.elements if e != "every"]
            found += [
                ("free", p.name, e)
                for p in self.parts
                if p.kind == "lock"
                for e in ([x for x in self.elements if x != "every"] if p.per_client else (None,))
            ]
            found += [("is", a, b) for a in self.elements for b in self.elements if a < b and "every" not in (a, b)]
        return found

    def within(self, bound):
        return Scene(self.parts, (*self.elements, bound), self.parameters, self.registers)


FORMS = {
    "pages": ("leaf", "leaf", "leaf", "|", "|", "&", "-", "-", "~", "choose", "quantifier", "constant"),
    "truth": ("leaf", "leaf", "<=", "<=", "<=", "==", "|", "&", "~", "choose", "quantifier"),
}


class Tape:
    """A sequence of choices; past its end everything is the simplest."""

    def __init__(self, numbers):
        self.numbers = iter(numbers)

    def pick(self, options):
        return options[next(self.numbers, 0) % len(options)]

    def chance(self, many):
        """True once in so many."""
        return next(self.numbers, 0) % many == many - 1


def expression(tape, scene, kind, depth):
    """A random expression of at most so many operators on top of each other."""
    form = tape.pick(FORMS[kind]) if depth > 0 else "leaf"
    if form == "leaf":
        leaves = scene.leaves(kind)
        if leaves:
            return tape.pick(leaves)
        form = "<="

    def inside(of=kind, scene=scene):
        return expression(tape, scene, of, depth - 1)

    match form:
        case "constant":
            return tape.pick(("NONE", "ALL"))
        case "quantifier":
            bound = f"c{len(scene.elements)}"
            return tape.pick(("every", "some")), bound, inside(scene=scene.within(bound))
        case "choose":
            return "choose", inside("truth"), inside(), inside()
        case "~":
            return "~", inside()
        case "<=" | "==":
            return form, inside("pages"), inside("pages")
    return form, inside(), inside()


def random_parts(tape):
    """Two or three sets of pages, most of them per client, perhaps a flag, perhaps a lock."""
    pages = []
    for name in ("a", "b", "c")[: tape.pick((2, 3, 3))]:
        per = tape.pick((True, False, True))
        starts = ("NONE", "NONE", "NONE", "ALL", *(("MIGRATION",) if per else ()))
        pages.append(PartData(name, "pages", per, tape.pick(starts)))
    flag = [PartData("flag", "truth", tape.pick((False, True)), tape.pick(("False", "False", "True")))]
    lock = [PartData("lock", "lock", tape.pick((False, True)), "")]
    return (*pages, *(flag if tape.chance(2) else []), *(lock if tape.chance(2) else []))


def random_operation(tape, name, parts):
    by_guest = tape.chance(4)
    parameters = random_parameters(tape, by_guest)
    length = tape.pick((1, 2, 3))
    elements = ("MIGRATION", *(() if by_guest else ("me",)), *(p for p in parameters if PARAMETERS[p] is Client))
    first, last, lock = random_scope(tape, parts, elements, length)
    registers, steps = (), []
    for i in range(length):
        scene = Scene(parts, elements, parameters, registers)
        guards, assigns, registers = random_step(tape, scene, by_guest)
        named = f"step {i + 1}" if length > 1 or lock else ""
        steps.append(StepData(guards, assigns, named, lock if i == first else (), lock if i == last else ()))
    return OperationData(name, by_guest, parameters, tuple(steps))


def random_source(tape, parts):
    """An operation that puts pages in, so that something happens."""
    target = tape.pick([("part", p.name, "every" if p.per_client else None) for p in parts if p.kind == "pages"])
    return OperationData("zero", True, ("page",), (StepData((), ((target, ("|", target, ("parameter", "page"))),)),))


def random_parameters(tape, by_guest):
    """Most often one set of pages; another, a truth value and a client now and then."""
    names = [tape.pick(("", "page", "want", "page", "want", "extra"))]
    names += [n for n in ("want", "really", "client") if tape.chance(6)]
    return tuple(f"guest_{n}" if by_guest else n for n in dict.fromkeys(names) if n)


def random_scope(tape, parts, elements, length):
    """(first step, last step, locks) of a lock's scope; no locks where there is none."""
    locks = [p for p in parts if p.kind == "lock"]
    if not locks or not tape.chance(2):
        return -1, -1, ()
    first = tape.pick(range(length))
    last = tape.pick(range(first, length))
    return first, last, ((locks[0].name, tape.pick(elements) if locks[0].per_client else None),)


def random_step(tape, scene, by_guest):
    """(guards, assignments, registers that are set after it) of a step with one or two assignments."""
    guards = (random_guard(tape, scene),) if tape.chance(3) else ()
    assigns, registers = [], scene.registers
    for _ in range(tape.pick((1, 2))):
        scene = replace(scene, registers=registers)
        target, kind = random_target(tape, scene, by_guest)
        within = scene.within("every") if target[-1] == "every" else scene
        assigns.append((target, random_value(tape, within, target, kind)))
        if target[0] == "register":
            registers = tuple(dict.fromkeys((*registers, target[1])))
    return guards, tuple(assigns), registers


def random_guard(tape, scene):
    """Often `parameter <= part`, which real designs wait for."""
    sets = [("parameter", p) for p in scene.parameters if KINDS[PARAMETERS[p]] == "pages"]
    if sets and tape.chance(2):
        return "<=", tape.pick(sets), expression(tape, replace(scene, parameters=()), "pages", 0)
    return expression(tape, scene, "truth", 2)


def random_value(tape, scene, target, kind):
    """What is assigned: most often a change of what was there, for a run that forgets everything ends soon."""
    readable = target[0] == "part" or target[1] in scene.registers
    how = tape.pick(("=", "|", "-", "|", "-", "=")) if readable and kind == "pages" else "="
    if how == "=":
        return expression(tape, scene, kind, 2)
    return how, target, expression(tape, scene, kind, tape.pick((0, 0, 1)))


def random_target(tape, scene, by_guest):
    prefix = "guest_" if by_guest else ""
    targets = [
        (("part", p.name, e), p.kind)
        for p in scene.parts
        if p.kind != "lock"
        for e in ((*scene.elements, "every") if p.per_client else (None,) * 3)
    ]
    targets += [(("register", f"{prefix}kept"), "pages"), (("register", f"{prefix}noted"), "truth")]
    return tape.pick(targets)


def random_property(tape, parts, each_client):
    """A promise, `... <= ... | ...`; or that some coincidence never happens, which is most often refuted late."""
    scene = Scene(parts, ("client", "MIGRATION") if each_client else ("MIGRATION",))
    if tape.chance(2):
        return "~", random_coincidence(tape, scene)
    left, *right = (expression(tape, scene, "pages", tape.pick((0, 0, 1))) for _ in range(3))
    promise = ("<=", left, ("|", *right))
    return ("|", expression(tape, scene, "truth", 1), promise) if tape.chance(2) else promise


def random_coincidence(tape, scene):
    """Three to five things at once: a set of pages that is empty or full, or a truth value."""
    things = [("==", leaf, full) for leaf in scene.leaves("pages") for full in ("NONE", "ALL")]
    things += [t for leaf in scene.leaves("truth") for t in (leaf, ("~", leaf))]
    found = tape.pick(things)
    for _ in range(tape.pick((2, 3, 4))):
        found = ("&", found, tape.pick(things))
    return found


PROMISES = 6


@st.composite
def designs(draw):
    """Data of a design that the recorder accepts, with a few properties to ask of it."""
    data = random_design(Tape(draw(st.binary(min_size=300, max_size=300))))
    assume(data)
    return data


def numbered(number):
    """The design of that number, always the same; nothing where one of its operations can never run."""
    return random_design(Tape(Random(number).randbytes(300)))


def random_design(tape):
    """The same as the tape has it, or nothing where one of its operations can never run."""
    parts = random_parts(tape)
    names = ("one", "two", "three")[: tape.pick((1, 2, 3))]
    operations = (random_source(tape, parts), *(random_operation(tape, name, parts) for name in names))
    each_client = tape.chance(2)
    holds = tuple(random_property(tape, parts, each_client) for _ in range(PROMISES))
    data = DesignData(parts, operations, holds, each_client)
    try:
        record(design(data))
    except DesignError as refused:
        if "can never run" in refused.message:  # a guard that is never true is not worth avoiding
            return None
        raise
    return data


def questions(data, pages, clients):
    """The promises asked of one instance of these sizes; sizes of sorts that the design does not use are dropped."""
    program = record(design(data))
    made = Instance(program, pages, {"Client": clients} if "Client" in used_sorts(program) else None)
    return [Problem.on(made, invariant(program, asked(promise, data.each_client))) for promise in data.holds]


def asked(promise, each_client):
    """The promise as a property."""

    def of_each(s, client):
        return say.value(promise, s, {"MIGRATION": MIGRATION, "client": client})

    def of_all(s):
        return say.value(promise, s, {"MIGRATION": MIGRATION})

    return Property("promise", "always", "A random promise.", of_each if each_client else of_all)
