"""Designs with slips, drawn from a grammar: each is recorded and searched, or refused with a message of ours."""

import tempfile
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from model.designs.catalogue import find_property, load
from model.engines import explicit
from model.errors import ModelError
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record

SETS = ("s.log", "s.user[me]", "s.user[Client.every]", "page", "me.kept", "NONE", "ALL", "s.ring.head")
ODD = ("s.user", "s.lock", "me", "s.ring", "None", "3", "'x'", "s.nothing", "Client", "Pages", "me.index", "object()")
TRUTHS = (
    "s.flag",
    "True",
    "page <= s.log",
    "idle(me)",
    "s.lock.free",
    "me == MIGRATION",
    "every(Client, idle)",
    "fails",
)
TARGETS = (
    "s.log",
    "s.user[me]",
    "s.flag",
    "me.kept",
    "s.nothing",
    "log",
    "page",
    "s.lock",
    "s.user",
    "me.index",
    "s._x",
)
atoms = st.sampled_from(SETS * 3 + ODD)
sets = st.recursive(
    atoms,
    lambda inner: st.one_of(
        st.tuples(inner, st.sampled_from(("|", "&", "-", "^", "+", "<=", "==", "<", "is", "in", "and")), inner).map(
            lambda t: f"({t[0]} {t[1]} {t[2]})"
        ),
        inner.map(lambda t: f"~({t})"),
        st.tuples(st.sampled_from(TRUTHS), inner, inner).map(lambda t: f"choose({t[0]}, {t[1]}, {t[2]})"),
    ),
    max_leaves=4,
)
truths = st.one_of(st.sampled_from(TRUTHS), st.tuples(sets, sets).map(lambda t: f"{t[0]} <= {t[1]}"), sets)
lines = st.one_of(
    st.tuples(st.sampled_from(TARGETS), st.sampled_from(("=", "|=", "-=", "+=")), sets).map(" ".join),
    truths.map(lambda t: f"wait_for({t})"),
    st.sampled_from(("yield 'a'", "yield 'b'", "yield", "yield 3", "return", "return s.log", "fence()", "exit()")),
    st.sampled_from(("s.ring.push(page)", "s.ring.pop()", "s.ring.clear", "Mine.again(s, me, page)", "helper(s)")),
    sets,
)


def indented(drawn):
    head, inner = drawn
    return "\n".join([head, *("    " + line for one in inner for line in one.split("\n"))])


heads = ("with s.lock:", "if s.flag:", "for n in range(2):", "while s.flag:", "try:", "for p in s.log:", "def inner():")
blocks = st.one_of(lines, st.tuples(st.sampled_from(heads), st.lists(lines, min_size=1, max_size=3)).map(indented))
bodies = st.lists(blocks, min_size=1, max_size=5)
marks = st.sampled_from(("@operation", "@operation(by=Guest)", "@operation(by=Machine)", "@operation(by='x')", ""))
arguments = st.sampled_from(
    ("s, me, page", "s, me, page, fails: bool", "s, me", "s", "me, s, page", "s, me, *page", "")
)
kinds = st.sampled_from(
    ("Pages('log')",) * 5 + ("Pages()", "set()", "Pages", "Pages('x', per=3)", "Pages('x', initially=7)")
)


def text(drawn):
    log, operations, holds = drawn
    out = ["from model import *", "from model import Machine, MIGRATION", "from model.expr import always", ""]
    out += [
        "def helper(s):",
        "    return s.log <= NONE",
        "",
        "class Mine(Design):",
        "    '''A design.'''",
        f"    log = {log}",
    ]
    out += [
        "    user = Pages('u', per=Client)",
        "    flag = Flag('f')",
        "    lock = Lock('l')",
        "    ring = Queue('q')",
    ]
    for name, (mark, given_to, body) in zip(("again", "write", "sync"), operations, strict=False):
        out += [f"    {mark}" if mark else "", f"    def {name}({given_to}):"]
        out += ["        " + line for one in body for line in one.split("\n")]
    out += ["@always", "def rule(s):", "    '''A rule.'''", f"    return {holds}"]
    return "\n".join(out) + "\n"


designs = st.tuples(kinds, st.lists(st.tuples(marks, arguments, bodies), min_size=1, max_size=3), truths).map(text)


def run(design):
    """Write it, record it, ask its rule; whatever is wrong with it is said by one of our errors."""
    with tempfile.TemporaryDirectory() as folder:
        file = Path(folder) / "mine.py"
        file.write_text(design)
        try:
            found = load(str(file))
            problem = Problem.of(record(found), find_property("rule", found), pages=1, sizes={})
            explicit.search(problem, Limits(states=300))
        except ModelError as wrong:
            assert " at 0x" not in wrong.shown()
            assert "Traceback" not in wrong.shown()


@given(designs)
@settings(max_examples=200, deadline=30_000, derandomize=True, suppress_health_check=list(HealthCheck))
def test_a_design_with_slips_is_answered_or_refused(design):
    """No traceback, and no address in memory."""
    run(design)


@pytest.mark.slow
@given(designs)
@settings(max_examples=10_000, deadline=30_000, suppress_health_check=list(HealthCheck))
def test_ten_thousand_designs_with_slips(design):
    """The same for longer."""
    run(design)
