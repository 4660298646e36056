"""Who may import whom: the chain of packages in docs/design.md, held by reading every file's imports."""

import ast
import functools
from graphlib import CycleError, TopologicalSorter

import pytest

from tests.support.paths import ROOT

parsed = functools.cache(ast.parse)  # a file is read by several tests, and none changes its tree

# Bottom up. A file imports its own package and floors below it, and no other package of its own floor.
# "model" is model/__init__.py, the words that a design imports; it and model.__main__ are files, not packages.
LAYERS = (
    ("model.errors", "model.verdict", "model.limits", "model.printing"),
    ("model.expr",),
    ("model.program", "properties"),
    ("model", "model.instance"),
    ("model.designs", "model.parametric", "model.engines"),
    ("model.verify", "model.cli"),
    ("model.liveness", "model.kvm", "model.monitor", "model.studies"),
    ("model.reproduce", "model.conformance"),
    ("model.export", "reports"),
    ("model.check", "model.commands", "model.explorer"),
    ("model.__main__",),
)
FLOOR = {package: number for number, packages in enumerate(LAYERS) for package in packages}


def modules(*folders):
    """module -> file, of every file below these folders."""
    return {
        ".".join((f.parent if f.name == "__init__.py" else f.with_suffix("")).relative_to(ROOT).parts): f
        for folder in folders
        for f in sorted((ROOT / folder).rglob("*.py"))
    }


FILES = modules("model", "properties", "reports")
TESTS = {name: file for name, file in modules("tests").items() if file.stem.startswith("test_")}
PACKAGES = sorted(name for name, file in FILES.items() if file.name == "__init__.py")


def package(module):
    """The entry of LAYERS that a module belongs to; every module but `model` itself needs one of its own."""
    parts = module.split(".")
    names = [".".join(parts[:n]) for n in range(len(parts), 0, -1)]
    return next(n for n in names if n in FLOOR and (n != "model" or module == "model"))


def imports(text, files=FILES):
    """Those of `files` that a text imports, anywhere in it: in functions and `__main__` blocks too."""
    found = set()
    for node in ast.walk(parsed(text)):
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            found |= {n if (n := f"{node.module}.{a.name}") in files else node.module for a in node.names}
    return {m for m in found if m in files}


def graph():
    """module -> modules that it imports."""
    return {name: imports(file.read_text()) - {name} for name, file in FILES.items()}


def upward(arrows):
    """Arrows against LAYERS, as `a -> b`: to a higher floor, or to another package of the same floor."""

    def wrong(a, b):
        return a != b and FLOOR[a] <= FLOOR[b]

    return [f"{a} -> {b}" for a, found in arrows.items() for b in sorted(found) if wrong(package(a), package(b))]


def circle(arrows):
    """Modules that import each other in a circle, or nothing."""
    try:
        TopologicalSorter(arrows).prepare()
    except CycleError as found:
        return found.args[1]
    return []


def test_every_arrow_runs_down_and_there_is_no_circle():
    """Between files, not only between packages."""
    arrows = graph()
    assert [] == upward(arrows)
    assert [] == circle(arrows)


@pytest.mark.parametrize(
    ("module", "line", "found"),
    [
        ("model.expr.nodes", "from model.program.step import Step", "model.expr.nodes -> model.program.step"),
        ("model.cli.app", "def f():\n    import model.check.command", "model.cli.app -> model.check.command"),
        ("model.engines.explicit", "if __name__ == '__main__':\n    from reports.formats import mail", "reports"),
    ],
)
def test_a_seeded_upward_import_is_found(module, line, found):
    """At the top of a file, in a function and in a `__main__` block."""
    arrows = graph()
    arrows[module] = imports(f"{FILES[module].read_text()}\n\n{line}\n")
    assert found in str(upward(arrows))


def test_a_seeded_circle_is_found():
    arrows = graph()
    arrows["model.expr.tree"] = imports("from model.expr import nodes")
    assert "model.expr.tree" in circle(arrows)


def borrowed(text):
    """Test modules that a text imports; what several tests share has its place in tests/support."""
    return imports(text, TESTS)


def test_no_test_module_imports_another():
    assert {} == {name: found for name, file in TESTS.items() if (found := borrowed(file.read_text()))}


@pytest.mark.parametrize(
    "line",
    [
        "from tests.verify.test_api import Lossy",
        "from tests.verify import test_api",
        "def f():\n    import tests.verify.test_api",
    ],
)
def test_a_seeded_import_of_a_test_module_is_found(line):
    """Whatever its form, in a function too."""
    assert {"tests.verify.test_api"} == borrowed(line)


def literal(node):
    """Whether a node is a constant, or a list, tuple, set or dictionary of constants."""
    return all(
        isinstance(n, ast.Constant | ast.List | ast.Tuple | ast.Set | ast.Dict | ast.Load) for n in ast.walk(node)
    )


def backwards(text):
    """Lines of `assert actual == expected`, where only what is on the right is a literal."""
    compared = (n.test for n in ast.walk(parsed(text)) if isinstance(n, ast.Assert))
    return [
        test.lineno
        for test in compared
        if isinstance(test, ast.Compare)
        and isinstance(test.ops[0], ast.Eq)
        and literal(test.comparators[0])
        and not literal(test.left)
    ]


def test_asserts_say_what_is_expected_first():
    assert {} == {name: lines for name, file in TESTS.items() if (lines := backwards(file.read_text()))}
    assert [2] == backwards("assert 1 == f()\nassert f() == (1, 'a')\nassert g() == f()")


def test_the_root_of_the_package_holds_five_files():
    """Everything else has a room."""
    assert ["__init__", "__main__", "errors", "limits", "verdict"] == sorted(
        p.stem for p in (ROOT / "model").glob("*.py")
    )


@pytest.mark.parametrize("name", PACKAGES)
def test_every_package_says_its_purpose_in_one_line(name):
    doc = ast.get_docstring(parsed(FILES[name].read_text()))
    assert doc is not None
    assert 1 == len(doc.split("\n\n")[0].splitlines())


def test_the_design_document_draws_the_chain():
    """The drawing has a line a floor, the highest first, with the packages of LAYERS."""
    drawing = (ROOT / "docs" / "design.md").read_text().partition("```text\n")[2].partition("```")[0]
    drawn = [line.partition("  ")[0].split(", ") for line in drawing.splitlines()]
    assert [[name.replace(".", "/") for name in floor] for floor in reversed(LAYERS)] == drawn


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("properties.")])
def test_properties_import_the_expression_language_only(name):
    """A property is one idea a file."""
    assert imports(FILES[name].read_text()) <= {"model.expr"}


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith("reports")])
def test_reports_never_call_an_engine(name):
    """They are handed verdicts and traces."""
    assert [] == [m for m in imports(FILES[name].read_text()) if m.startswith("model.engines")]


@pytest.mark.parametrize("name", [n for n in FILES if n.startswith(("model.engines", "model.parametric"))])
def test_engines_import_no_design_and_no_property(name):
    """They are handed a program and expressions."""
    never = ("properties", "model.designs", "model.program.design", "model.program.observers")
    assert [] == [m for m in imports(FILES[name].read_text()) if m.startswith(never)]


def test_only_command_faces_print():
    """Engines, proofs and reports return; commands print."""
    faces = ("model.check", "model.commands", "model.cli", "model.explorer")
    printing = [
        name
        for name, file in FILES.items()
        if not name.startswith(faces)
        and any(
            isinstance(n, ast.Call) and isinstance(n.func, ast.Name) and n.func.id == "print"
            for n in ast.walk(parsed(file.read_text()))
        )
    ]
    assert [] == printing


def declared(tree):
    """Nodes that may write a sort's name out: `__all__`, and the name of a sort that a design declares as its own."""
    for node in ast.walk(tree):
        if isinstance(node, ast.Assign) and "__all__" in {t.id for t in node.targets if isinstance(t, ast.Name)}:
            yield from ast.walk(node.value)
        elif isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id == "Sort":
            yield from node.args[:1]


def raised(tree):
    """Nodes of what is raised: the texts of errors."""
    return (part for node in ast.walk(tree) if isinstance(node, ast.Raise) for part in ast.walk(node))


def written_out(text, wanted, allowed):
    """Lines of a file with a string constant that is `wanted`, but for those that are `allowed`."""
    tree = parsed(text)
    free = {id(node) for node in allowed(tree)}
    strings = (n for n in ast.walk(tree) if isinstance(n, ast.Constant) and isinstance(n.value, str))
    return [n.lineno for n in strings if wanted(n.value) and id(n) not in free]


def client(value):
    """The name of the sort of clients."""
    return value == "Client"


def prefixed(value):
    """The name of a register among the variables of a program, or the start of one."""
    return value.startswith("me.")


@pytest.mark.parametrize(
    ("home", "wanted", "allowed"),
    [("model.expr.sorts", client, declared), ("model.expr.registers", prefixed, raised)],
)
def test_a_name_is_written_out_where_it_is_defined(home, wanted, allowed):
    """Everybody else says `Client.name` and `register(name)`."""
    found = {name: written_out(file.read_text(), wanted, allowed) for name, file in FILES.items() if name != home}
    assert {} == {name: lines for name, lines in found.items() if lines}
    assert [] != written_out(FILES[home].read_text(), wanted, lambda tree: ())


@pytest.mark.parametrize(
    ("text", "wanted", "allowed", "lines"),
    [
        ("ok = step.by == Client.name\nbad = step.by == 'Client'", client, declared, [2]),
        ("__all__ = ['Client']\nOne = Sort('Client', 'one', size=1)\nsizes = {'Client': 2}", client, declared, [3]),
        ("raise error(f'me.{name} is no register')\nname = f'me.{name}'", prefixed, raised, [2]),
    ],
)
def test_a_seeded_name_is_found(text, wanted, allowed, lines):
    """In a comparison, as a key, and in the pieces of an f-string."""
    assert lines == written_out(text, wanted, allowed)


@pytest.mark.parametrize(
    "name",
    [
        name
        for name in FILES
        if name.startswith(("model.expr", "model.program", "model.instance", "model.check", "model.cli"))
        or name in ("model", "model.errors", "model.verdict", "model.limits", "model.verify.portfolio")
    ],
)
def test_heavy_libraries_are_imported_where_they_are_used(name):
    """z3, NumPy, networkx and rich are not loaded at the top of what every command imports."""
    heavy = {"z3", "numpy", "networkx", "cvc5", "rich", "scipy"}
    top = [n for n in parsed(FILES[name].read_text()).body if isinstance(n, ast.Import | ast.ImportFrom)]
    loaded = {a.name for n in top if isinstance(n, ast.Import) for a in n.names}
    loaded |= {n.module or "" for n in top if isinstance(n, ast.ImportFrom)}
    assert set() == {m.split(".")[0] for m in loaded} & heavy
