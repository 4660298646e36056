"""Random designs as a user would write them, wider than `random_designs`: several sorts, queues, single pages kept.

Parameters of one name are of different kinds in different operations, registers keep what was chosen, and locks are
one per element. Each is text, so that a failure prints what to run again; what the recorder refuses is drawn anew.
"""

import linecache
from contextlib import suppress
from itertools import count
from random import Random

from model.engines import explicit
from model.errors import ModelError
from model.export.problem import claim
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record

SORTS = ("Client", "Vcpu", "Slot")
WORDS = ("page", "want", "extra", "some_of", "really", "client", "vcpu", "slot")
KINDS = {"page": "Page", "want": "SomePages", "extra": "AnyPages", "really": "bool"}
HEAD = """from model import *
from model.expr import always


class Wide(Design):
    \"\"\"A random design.\"\"\"

"""


class Writer:
    """The text of one design."""

    def __init__(self, seed, buffered=False):
        self.buffered = buffered
        self.random, self.fresh = Random(seed), count()
        self.sorts = self.random.sample(SORTS, self.random.randint(1, 3))
        self.parts = {}  # name -> (kind, sort or None)
        for n in range(self.random.randint(2, 3)):
            self.parts[f"p{n}"] = "pages", self.owner()
        for n in range(self.random.randint(1, 2)):
            self.parts[f"f{n}"] = "flag", self.owner()
        if self.random.random() < 0.5 and not buffered:
            self.parts["queue"] = "queue", self.owner(3)
        if self.random.random() < 0.6 and not buffered:
            self.parts["lock"] = "lock", self.owner()

    def owner(self, chances=2):
        owned = not self.buffered and not self.random.randrange(chances)  # a buffer is before what all threads share
        return self.random.choice(self.sorts) if owned else None

    def body(self):
        """The text of the design, without a property."""
        lines = []
        for name, (kind, sort) in self.parts.items():
            make = {"pages": "Pages", "flag": "Flag", "queue": "Queue", "lock": "Lock"}[kind]
            more = [f"per={sort}"] * bool(sort) + ["length=1"] * (kind == "queue")
            if kind in ("pages", "flag") and self.random.random() < 0.2:
                more.append(f"initially={'ALL' if kind == 'pages' else 'True'}")
            if kind in ("pages", "flag") and self.buffered:
                more.append("memory='tso'")
            lines.append(f"    {name} = {make}({', '.join([repr(f'a {kind}'), *more])})")
        for n in range(self.random.randint(1, 3)):
            lines += ["", *self.operation(n)]
        return HEAD + "\n".join(lines) + "\n"

    def whole(self, body, holds="s.p0 <= ALL"):
        """The text with a property of the design."""
        return f'{body}\n\n@always\ndef holds(s):\n    """Something."""\n    return {holds}\n'

    def operation(self, number):
        by = self.random.choice(self.sorts)
        self.elements = {by: ["me"]}
        self.sets, self.truths, head = [], [], []
        for name in self.random.sample(WORDS, self.random.randint(0, 2)):
            kind = self.random.choice(list(KINDS.values())) if name not in ("client", "vcpu", "slot") else name.title()
            if kind in SORTS and kind not in self.sorts:
                continue
            head.append(f"{name}: {kind}")
            if kind in SORTS:
                self.elements.setdefault(kind, []).append(name)
            else:
                (self.truths if kind == "bool" else self.sets).append(name)
        yield f"    @operation(by={by})"
        yield f"    def op{number}(s, me{''.join(f', {h}' for h in head)}):"
        lock, kept = self.parts.get("lock"), len(self.sets)
        under = lock is not None and self.random.random() < 0.6
        if under:
            yield f"        with s.{self.named('lock')}:"
        for step in range(self.random.randint(1, 3)):
            indent = "            " if under else "        "
            yield from (indent + line for line in self.step())
            if self.random.random() < 0.4 and len(self.sets) < kept + 2:
                register = f"me.kept{number}{step}"
                yield f"{indent}{register} = {self.set()}"
                self.sets.append(register)
            yield f'{indent}yield "step{step}"'

    def step(self):
        found = []
        if self.random.random() < 0.4:
            found.append(f"wait_for({self.truth()})")
        queue = "queue" in self.parts and self.named("queue")
        if queue and self.sets and self.random.random() < 0.4:
            found.append(f"s.{queue}.push({self.random.choice(self.sets)})")
        elif queue and self.random.random() < 0.3:
            found.append(f"s.{queue}.pop()")
        for _ in range(1 if self.buffered else self.random.randint(1, 2)):
            name = self.random.choice([n for n, (kind, _) in self.parts.items() if kind in ("pages", "flag")])
            sort = self.parts[name][1]
            every = f"{name}[{sort}.every]" if sort and self.random.random() < 0.3 else self.named(name)
            found.append(f"s.{every} = {self.set() if self.parts[name][0] == 'pages' else self.truth()}")
        return found

    def named(self, name):
        sort = self.parts[name][1]
        return name if sort is None else f"{name}[{self.random.choice([*self.elements.get(sort, []), f'{sort}[0]'])}]"

    def set(self, depth=2):
        kinds = [n for n, (kind, _) in self.parts.items() if kind == "pages"]
        if not depth or self.random.random() < 0.3:
            return self.random.choice([*(f"s.{self.named(n)}" for n in kinds), *self.sets, "NONE", "ALL"])
        match self.random.randrange(6):
            case 0:
                return f"choose({self.truth(depth - 1)}, {self.set(depth - 1)}, {self.set(depth - 1)})"
            case 1:
                return self.quantified(lambda: self.set(depth - 1))
        return f"({self.set(depth - 1)} {self.random.choice('|&-')} {self.set(depth - 1)})"

    def truth(self, depth=2):
        flags = [n for n, (kind, _) in self.parts.items() if kind == "flag"]
        if not depth or self.random.random() < 0.3:
            return self.random.choice([*(f"s.{self.named(n)}" for n in flags), *self.truths])
        match self.random.randrange(6):
            case 0:
                return f"~{self.truth(depth - 1)}"
            case 1:
                return f"({self.truth(depth - 1)} {self.random.choice('|&')} {self.truth(depth - 1)})"
            case 2:
                return self.quantified(lambda: self.truth(depth - 1))
            case 3:
                sort = self.random.choice([s for s in self.elements if s in self.sorts])
                return f"({self.random.choice(self.elements[sort])} == {sort}[0])"
        return f"({self.set(depth - 1)} {self.random.choice(['<=', '=='])} {self.set(depth - 1)})"

    def quantified(self, inside):
        sort, name = self.random.choice(self.sorts), f"x{next(self.fresh)}"
        self.elements.setdefault(sort, []).append(name)
        body = inside()
        self.elements[sort].remove(name)
        if not self.elements[sort]:
            del self.elements[sort]
        return f"{self.random.choice(['every', 'some'])}({sort}, lambda {name}: {body})"

    def coincidence(self):
        """That two to four things never come together, which most often some run brings about."""
        self.elements = {}
        found = []
        for name in self.random.sample(sorted(self.parts), min(len(self.parts), self.random.randint(2, 4))):
            part = f"s.{self.named(name)}"
            part += ".head" * (self.parts[name][0] == "queue")
            match self.parts[name][0]:
                case "flag":
                    found.append(self.random.choice([part, f"~{part}"]))
                case "lock":
                    found.append(self.random.choice([f"{part}.free", f"~{part}.free"]))
                case _:
                    found.append(f"({part} {self.random.choice(['== NONE', '== ALL', '<= NONE'])})")
        return f"~({' & '.join(found)})"

    def property(self):
        self.elements, self.sets, self.truths = {self.sorts[0]: [f"{self.sorts[0]}[0]"]}, [], []
        return self.truth(3)


fresh = count()


def made(text):
    """(design, property) of a text."""
    scope, file = {"__name__": "generated"}, f"<wide {next(fresh)}>"
    linecache.cache[file] = len(text), None, text.splitlines(True), file  # so that messages show the line
    exec(compile(text, file, "exec"), scope)
    return scope["Wide"], scope["holds"]


def hardest(seed, pages, each, states=3_000):
    """(text, claim, the reference's verdict) of the design of a seed whose property takes longest to decide.

    Of designs with a few states nothing can be learned, so the first of 40 that has some is taken, or the last. An odd
    seed asks for what some run reaches, and takes what is refuted late; every fourth has store buffers where it can.
    """
    found = []
    for attempt in range(40):
        writer = Writer(f"{seed} {attempt}", buffered=seed % 4 == 3 and attempt < 20)
        with suppress(ModelError):
            found += decided(writer, pages, each, states, refuted=seed % 2)
        enough = 10 if seed % 2 else 30  # of a refuted one the levels before are counted
        if any(v.states >= enough and (v.word == "refuted" or not seed % 2) for *_, v in found):
            break
    return max(found, key=lambda f: (f[2].conclusive, seed % 2 == 0 or f[2].word == "refuted", f[2].depth, f[2].states))


def decided(writer, pages, each, states, refuted):
    """(text, claim, the reference's verdict) of a few properties of one design.

    Raises:
        ModelError: the design is refused.
    """
    body = writer.body()
    program = record(made(writer.whole(body))[0])
    for _ in range(12 if refuted else 4):
        text = writer.whole(body, writer.coincidence() if refuted else writer.property())
        with suppress(ModelError):
            asked = claim(program, made(text)[1], pages, dict.fromkeys(SORTS, each))
            problem = Problem(asked.instance.program, (asked.invariant,), pages, asked.instance.sizes)
            yield text, asked, explicit.search(problem, Limits(states=states))
