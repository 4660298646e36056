"""A grammar of design files with slips: most lines are as they should be, now and then one is not.

Drawn without slips only, every second design is accepted; drawn with slips everywhere, none is, and nothing behind the
first refusal is reached.
"""

from hypothesis import strategies as st

SETS = ("s.log", "s.user[me]", "page", "NONE", "ALL", "s.log | page", "s.user[me] - page")
ODD_SETS = ("s.user", "s.lock", "me", "s.ring", "None", "3", "'x'", "s.nothing", "Client", "Pages", "me.index")
ODD_SETS += ("object()", "me.kept", "s.user[Client.every]", "s.ring.head")
TRUTHS = ("s.flag", "page <= s.log", "s.user[me] <= s.log", "~s.flag", "idle(me)", "s.log == NONE")
ODD_TRUTHS = ("True", "s.lock.free", "me == MIGRATION", "every(Client, idle)", "fails", "s.log", "3", "s.ring.empty")
TARGETS = ("s.log", "s.user[me]", "me.kept", "s.log", "s.user[Client.every]")
ODD_TARGETS = ("s.nothing", "log", "page", "s.lock", "s.user", "me.index", "s._x", "s.flag")
OPERATORS, ODD_OPERATORS = ("|", "&", "-", "^"), ("+", "<=", "==", "<", "is", "in", "and")
PLAIN = ("s.flag = True", "s.flag = False", "s.ring.push(page)", "s.ring.pop()", "me.kept = page", "s.log |= page")
ODD_LINES = ("yield", "yield 3", "return", "return s.log", "fence()", "exit()", "s.ring.clear", "helper(s)", "1/0")
ODD_LINES += ("Mine.again(s, me, page)", "s.log", "raise ValueError", "import os", "del s.log", "assert s.flag", "pass")
HEADS, ODD_HEADS = ("with s.lock:",), ("if s.flag:", "for n in range(2):", "while s.flag:", "try:", "for p in s.log:")
ODD_HEADS += ("def inner():", "if True:", "with s.log:", "class X:", "lambda:", "match s.log:")
SLIP = 24  # one choice of so many is a slip


def seldom(usual, odd):
    """One of the usual things, and one time in twenty-four an odd one."""
    return st.integers(0, SLIP - 1).flatmap(lambda n: st.sampled_from(odd if n == SLIP - 1 else usual))


def _set(inner):
    joined = st.tuples(inner, seldom(OPERATORS, ODD_OPERATORS), inner).map(lambda t: f"({t[0]} {t[1]} {t[2]})")
    chosen = st.tuples(truths, inner, inner).map(lambda t: f"choose({t[0]}, {t[1]}, {t[2]})")
    return st.one_of(joined, inner.map(lambda t: f"~({t})"), chosen)


truths = seldom(TRUTHS, ODD_TRUTHS)
sets = st.recursive(seldom(SETS, ODD_SETS), _set, max_leaves=4)
guards = st.one_of(truths, st.tuples(sets, sets).map(lambda t: f"{t[0]} <= {t[1]}"))
assigned = st.tuples(seldom(TARGETS, ODD_TARGETS), seldom(("=", "|=", "-=", "&="), ("+=", ":=", "==", "%=")), sets).map(
    " ".join
)
lines = st.one_of(assigned, assigned, seldom(PLAIN, ODD_LINES), guards.map(lambda t: f"wait_for({t})"))


def indented(head, inner):
    return "\n".join([head, *("    " + line for one in inner for line in one.split("\n"))])


@st.composite
def steps(draw, named):
    """A step or two under a lock, with the names of steps as they should be, or nearly."""
    body = draw(st.lists(lines, min_size=1, max_size=2))
    body += draw(seldom(([f"yield '{named}'"],), ([], ["yield"], ["yield 'a'"])))
    if draw(st.integers(0, 3)):
        return "\n".join(body)
    return indented(draw(seldom(HEADS, ODD_HEADS)), body)


@st.composite
def operation(draw, name):
    mark = draw(
        seldom(("@operation", "@operation", "@operation(by=Vcpu)"), ("@operation(by='x')", "", "@operation(3)"))
    )
    usual = ("s, me, page", "s, me, page: SomePages", "s, me, page, fails: bool")
    given = draw(seldom(usual, ("s, me", "s", "me, s, page", "s, me, *page", "", "s, me, page=3", "s, me, page: int")))
    body = [draw(steps(f"step {n}")) for n in range(draw(st.integers(1, 3)))]
    return "\n".join([mark, indented(f"def {name}({given}):", body)]).strip()


@st.composite
def designs(draw):
    """The text of a file with one design and one rule."""
    kinds = ("Pages()", "set()", "Pages", "Pages('x', per=3)", "Pages('x', initially=7)", "Pages('')", "Flag('x')", "3")
    parts = [f"log = {draw(seldom(('Pages(' + repr('log') + ')',), kinds))}", "user = Pages('u', per=Vcpu)"]
    parts += ["flag = Flag('f')", "lock = Lock('l')", "ring = Queue('q', length=1)"]
    names = ("again", "write", "sync")[: draw(st.integers(1, 3))]
    body = [*parts, *(draw(operation(name)) for name in names)]
    rules = ("s.log <= ALL", "~(s.log == ALL)", "every(Vcpu, lambda v: s.user[v] <= s.log)", "~s.flag | (s.log == ALL)")
    odd = ("s.log", "s.user <= s.log", "True", "s.nothing", "s.flag.x", "1/0", "None", "(s.flag := 3)")
    rule = indented("def rule(s):", ["'''A rule.'''", f"return {draw(seldom(rules, odd))}"])
    helper = indented("def helper(s):", ["return s.log <= NONE"])
    head = "from model import *\nfrom model import Machine, MIGRATION, Vcpu\nfrom model.expr import always\n"
    return "\n\n".join(
        [head, helper, indented("class Mine(Design):", ["'''A design.'''", *body]), "@always\n" + rule, ""]
    )
