"""One slip each in the source of a safe design: what somebody forgets, or writes with one sign too many."""

import ast
import copy
import importlib
import inspect
import random
from dataclasses import dataclass

from model.designs.catalogue import load
from model.designs.gallery import entries
from model.program.design import Design

SEED, COUNT = 13, 300
WITH_TWO_CLIENTS = ("no-lock-register",)  # lost with three


@dataclass(frozen=True)
class Slip:
    """A changed design: `text` is the file, `file.py:design` names it, `property` is what is asked."""

    kind: str
    what: str
    origin: str
    design: str
    property: str
    text: str

    @property
    def name(self):
        return f"{self.origin}: {self.what}"


def safe_designs():
    """(name, deciding property) of each recorded design that is safe at the sizes that slips are asked at."""
    return [
        (e.design, e.decided_by)
        for e in entries()
        if e.design in WITH_TWO_CLIENTS or (e.deciding and e.deciding.verdict == "proved")
    ]


def sources(design):
    """The module of the design, with the operations that it inherits written out in its class."""
    tree = ast.parse(inspect.getsource(inspect.getmodule(design)))
    own = class_of(tree, design.__name__)
    names = {n.name for n in own.body if isinstance(n, ast.FunctionDef)}
    for base in design.__mro__[1:]:
        if base in (Design, object) or not issubclass(base, Design):
            continue
        if base.__module__ != design.__module__:
            tree.body.insert(1, ast.ImportFrom(base.__module__, [ast.alias("*")], 0))
        source = inspect.getsource(importlib.import_module(base.__module__))
        for method in operations(class_of(ast.parse(source), base.__name__)):
            if method.name not in names:
                names.add(method.name)
                own.body.append(method)
    return tree


def class_of(tree, name):
    return next(n for n in tree.body if isinstance(n, ast.ClassDef) and n.name == name)


def operations(node):
    """The decorated methods of a class."""
    return [n for n in node.body if isinstance(n, ast.FunctionDef) and n.decorator_list]


def lines(node):
    """(list, index) of each statement of an operation that does something by itself: no words, no `yield`."""
    for parent in ast.walk(node):
        for body in (getattr(parent, "body", None), getattr(parent, "orelse", None)):
            for place, line in enumerate(body if isinstance(body, list) else ()):
                if isinstance(line, ast.Assign | ast.AugAssign) or is_call(line):
                    yield body, place


def is_call(line):
    return isinstance(line, ast.Expr) and isinstance(line.value, ast.Call | ast.YieldFrom)


def drop(body, place):
    body[place] = ast.Pass()


# ---------------------------------------------------------------- kinds: each yields (what, how to do it)


def line_dropped(node):
    for method in operations(node):
        for body, place in lines(method):
            yield f"{method.name} without `{ast.unparse(body[place])}`", [(drop, body, place)]


def lock_not_taken(node):
    for method in operations(node):
        for parent in ast.walk(method):
            body = getattr(parent, "body", ())
            for place, line in enumerate(body if isinstance(body, list) else ()):
                if isinstance(line, ast.With):
                    yield f"{method.name} without `with {ast.unparse(line.items[0])}`", [(unwrap, body, place)]


def unwrap(body, place):
    body[place : place + 1] = body[place].body


def value_thrown_away(node):
    for method in operations(node):
        for body, place in lines(method):
            if isinstance(body[place], ast.Assign | ast.AugAssign):
                yield f"{method.name} with `{ast.unparse(thrown(body[place]))}`", [(throw, body, place)]


def thrown(line):
    """`a == b` for `a = b`, `a - b` for `a -= b`."""
    if isinstance(line, ast.Assign):
        value = ast.Compare(line.targets[0], [ast.Eq()], [line.value])
    else:
        value = ast.BinOp(line.target, line.op, line.value)
    return ast.Expr(value)


def throw(body, place):
    body[place] = thrown(body[place])


def flag_never_set(node):
    found = {}
    for method in operations(node):
        for body, place in lines(method):
            line = body[place]
            if isinstance(line, ast.Assign) and isinstance(line.value, ast.Constant) and line.value.value is True:
                found.setdefault(ast.unparse(line.targets[0]), []).append((drop, body, place))
            elif is_call(line) and ".finish(" in ast.unparse(line):
                found.setdefault("finished", []).append((drop, body, place))
    for name, changes in found.items():
        yield f"{name} is never set", changes


def helper_not_driven(node):
    for method in operations(node):
        if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(method)):
            yield f"{method.name} calls its steps without `yield from`", [(into_helper, node, method)]


def into_helper(node, method):
    """The body becomes a generator that is called, and that nobody drives."""
    words = [a.arg for a in method.args.args]
    helper = copy.deepcopy(method)
    helper.name, helper.decorator_list = f"{method.name}_steps", []
    call = ast.parse(f"{node.name}.{helper.name}({', '.join(words)})").body
    method.body = call
    node.body.append(helper)


def question_lost(node):
    """Nothing is ever at stake, nobody ever reads, or an operation waits for what never comes."""
    raised = [(drop, b, p) for m in operations(node) for b, p in lines(m) if "unread[every" in ast.unparse(b[p])]
    if raised:
        yield "no write is ever unread", raised
    for method in operations(node):
        if method.name not in ("write", "stop"):
            yield f"{method.name} waits for a flag that nothing sets", [(waits, node, method)]


def waits(node, method):
    if not any("never_set" in ast.unparse(n) for n in node.body if isinstance(n, ast.Assign)):
        node.body.insert(0, ast.parse("never_set = __import__('model').Flag('set by nothing')").body[0])
    first = 1 if ast.get_docstring(method) else 0
    wait = ast.parse("__import__('model').wait_for(s.never_set)").body
    if any(isinstance(n, ast.Yield | ast.YieldFrom) for n in ast.walk(method)):
        wait += ast.parse("yield 'waited'").body
    method.body[first:first] = wait


KINDS = {
    "a line dropped": line_dropped,
    "a lock not taken": lock_not_taken,
    "a value thrown away": value_thrown_away,
    "a flag never set": flag_never_set,
    "a helper not driven": helper_not_driven,
    "a question lost": question_lost,
}


def slips_of(name, kind):
    """How many slips of this kind the design has room for, each as (design, kind, number)."""
    design = load(name)
    return [(name, kind, n) for n, _ in enumerate(KINDS[kind](class_of(sources(design), design.__name__)))]


def made(name, kind, number, property):
    """That slip, in a tree of its own."""
    design = load(name)
    tree = sources(design)
    what, changes = list(KINDS[kind](class_of(tree, design.__name__)))[number]
    for change, *place in changes:
        change(*place)
    return Slip(kind, what, name, design.__name__, property, ast.unparse(ast.fix_missing_locations(tree)))


def chosen(count=COUNT):
    """So many of them, the kinds in turn, always the same ones."""
    asked, draw = dict(safe_designs()), random.Random(SEED)
    queues = [[s for name in asked for s in slips_of(name, kind)] for kind in KINDS]
    for queue in queues:
        draw.shuffle(queue)
    found = []
    while len(found) < count and any(queues):
        found += [q.pop() for q in queues if q]
    return [made(*s, asked[s[0]]) for s in found[:count]]
