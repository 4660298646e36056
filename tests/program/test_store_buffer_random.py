"""Random programs for two processors: every outcome that the paper's abstract machine has, and no other.

The machine below is written by hand from the rules of x86-TSO and shares nothing with the checker.
Source: Sewell, Sarkar, Owens, Zappa Nardelli, Myreen, "x86-TSO", CACM 53(7), 2010, section 3.1.
"""

import random

import pytest

from model.designs.catalogue import load
from model.instance.instance import Instance
from model.program.design import record

VARIABLES = ("x", "y")


def program(seed):
    """Two threads of up to four instructions: ("store" or "locked", v, bit), ("load", v, register), ("fence",)."""
    chance, registers = random.Random(seed), iter("abcdefgh")

    def instruction():
        kind = chance.choice(["store", "store", "store", "load", "load", "locked", "fence"])
        if kind == "fence":
            return (kind,)
        last = next(registers) if kind == "load" else chance.random() < 0.7
        return kind, chance.choice(VARIABLES), last

    return [[instruction() for _ in range(chance.randint(2, 4))] for _ in range(2)]


def machine(threads, entries):
    """Every (registers, memory) with which both threads can end and both buffers be empty."""
    start = ((0, 0), ((), ()), (False, False), ())
    seen, todo, ends = {start}, [start], set()
    while todo:
        state = todo.pop()
        after = list(moves(threads, entries, state))
        places, buffers, memory, registers = state
        if not any(buffers) and all(p == len(t) for p, t in zip(places, threads, strict=True)):
            ends.add((registers, memory))
        todo += [s for s in dict.fromkeys(after) if s not in seen]
        seen |= set(after)
    return ends


def moves(threads, entries, state):
    places, buffers, memory, registers = state
    for n, thread in enumerate(threads):
        own = buffers[n]
        if own:
            yield places, put(buffers, n, own[1:]), stored(memory, *own[0]), registers
        if places[n] == len(thread):
            continue
        kind, *rest = thread[places[n]]
        next_places = put(places, n, places[n] + 1)
        if kind == "store" and len(own) < entries:
            yield next_places, put(buffers, n, (*own, tuple(rest))), memory, registers
        elif kind == "load":
            mine = [bit for variable, bit in own if variable == rest[0]]
            value = mine[-1] if mine else memory[VARIABLES.index(rest[0])]
            yield next_places, buffers, memory, tuple(sorted({**dict(registers), rest[1]: value}.items()))
        elif kind == "fence" and not own:
            yield next_places, buffers, memory, registers
        elif kind == "locked" and not own:
            yield next_places, buffers, stored(memory, *rest), registers


def put(values, place, value):
    return (*values[:place], value, *values[place + 1 :])


def stored(memory, variable, bit):
    return put(memory, VARIABLES.index(variable), bit)


KINDS = {  # how a variable of one bit is declared, and what is stored to it
    "flag": ('Flag("{0}", memory="tso")', "s.{1}{0} = {2}", {True: "True", False: "False"}),
    "word": ('Pages("{0}", memory="tso", cell=ALL)', "s.{1}{0} = {2}", {True: "ALL", False: "NONE"}),
    "bytes": ('Pages("{0}", memory="tso")', "s.{1}{0} {2} ALL", {True: "|=", False: "-="}),
}


def written(threads, kind):
    """The same program as a design."""
    declared, store, values = KINDS[kind]
    own = "Flag" if kind == "flag" else "Pages"
    lines = ["from model import ALL, NONE, Design, Flag, Pages, Sort, fence, operation, wait_for", ""]
    lines += [f'P{n} = Sort("P{n}", "processor {n}", size=1)' for n in range(2)]
    lines += ["class Random(Design):", '    """A random program."""']
    lines += [f"    {v} = {declared.format(v)}" for v in VARIABLES]
    lines += [f'    {i[2]} = {own}("a register", ghost=True)' for t in threads for i in t if i[0] == "load"]
    lines += [f'    ran{n} = Flag("processor {n} has run")' for n in range(2)]
    for n, thread in enumerate(threads):
        lines += [f"    @operation(by=P{n})", f"    def p{n}(s, me):", f"        wait_for(~s.ran{n})"]
        for number, (what, *rest) in enumerate(thread):
            if what == "fence":
                lines.append("        fence()")
            elif what == "load":
                lines.append(f"        s.{rest[1]} = s.{rest[0]}")
            else:
                where = "locked." if what == "locked" else ""
                lines.append(f"        {store.format(rest[0], where, values[rest[1]])}")
            lines.append(f'        yield "step {number}"')
        lines += ["        fence()", f"        s.ran{n} = True", '        yield "end"']
    return "\n".join(lines) + "\n"


def outcomes(instance, threads):
    """The same of every reachable state of the design in which both threads have run."""
    seen, todo, ends = {instance.initial}, [instance.initial], set()
    names = sorted(i[2] for t in threads for i in t if i[0] == "load")
    while todo:
        state = todo.pop()
        value = {f.name: bool(v) for f, v in zip(instance.fields, state, strict=True) if f.number is None}
        if value["ran0"] and value["ran1"]:
            ends.add((tuple((n, value[n]) for n in names), tuple(value[v] for v in VARIABLES)))
        after = {s for _, s in instance.successors(state)} - seen
        seen |= after
        todo += after
    return ends


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("entries", [1, 2, 3])
def test_random_programs_have_the_outcomes_of_the_abstract_machine(kind, entries, tmp_path):
    """40 programs for each kind of cell and each size of buffer."""
    for seed in range(40):
        threads = program(f"{kind} {entries} {seed}")
        file = tmp_path / f"random_{seed}.py"
        file.write_text(written(threads, kind))
        instance = Instance(record(load(str(file)), buffer=entries), 1)
        assert machine(threads, entries) == outcomes(instance, threads), threads


def test_the_machine_knows_store_buffering():
    """It has the outcome that x86 allows, and a fence on both sides takes it away."""
    fences = [
        [("store", "x", True), ("fence",), ("load", "y", "a")],
        [("store", "y", True), ("fence",), ("load", "x", "b")],
    ]
    plain = [[i for i in thread if i != ("fence",)] for thread in fences]
    both_old = ((("a", False), ("b", False)), (True, True))
    assert (True, False) == (both_old in machine(plain, 2), both_old in machine(fences, 2))
