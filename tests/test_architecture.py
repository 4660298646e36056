"""Who may import whom: the arrows of the design document, held by reading every file's imports."""

import ast
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
FILES = [p for folder in ("model", "properties", "reports") for p in sorted((ROOT / folder).rglob("*.py"))]


def imports(file, everywhere=True):
    """Modules that a file imports; only those at the top of the file where `everywhere` is false."""
    tree = ast.parse(file.read_text())
    tree.body = [n for n in tree.body if "__main__" not in ast.dump(n)]  # what a module does as a command
    found = set()
    for node in ast.walk(tree) if everywhere else tree.body:
        if isinstance(node, ast.Import):
            found |= {a.name for a in node.names}
        elif isinstance(node, ast.ImportFrom):
            found.add(node.module or "")
    return found


def ours(file):
    return {m for m in imports(file) if m.split(".")[0] in ("model", "properties", "reports")}


def test_verdict_imports_nothing_of_ours():
    """It is the leaf that everything else may use."""
    assert set() == ours(ROOT / "model" / "verdict.py")


@pytest.mark.parametrize("file", sorted((ROOT / "properties").glob("*.py")), ids=lambda p: p.stem)
def test_properties_import_the_expression_language_only(file):
    """A property is one idea a file."""
    assert ours(file) <= {"model.expr"}


@pytest.mark.parametrize("file", sorted((ROOT / "model" / "engines").glob("*.py")), ids=lambda p: p.stem)
def test_engines_import_no_design_and_no_property(file):
    """They are handed a program and expressions."""
    never = ("properties", "model.program.design", "model.program.observers", "reports")
    assert [] == [m for m in ours(file) if m.startswith(never)]


@pytest.mark.parametrize(
    ("file", "allowed"),
    [
        ("step.py", {"model.errors", "model.expr"}),
        ("drafting.py", {"model.errors", "model.expr", "model.program.step"}),
        ("views.py", {"model.errors", "model.expr", "model.program.step", "model.program.builder"}),
        ("settling.py", {"model.expr", "model.program.step", "model.program.builder"}),
        (
            "record.py",
            {
                "model.errors",
                "model.expr",
                "model.program.step",
                "model.program.builder",
                "model.program.lowering",
                "model.program.proxies",
            },
        ),
        ("program.py", {"model.errors", "model.expr", "model.program.step"}),
        (
            "deriving.py",
            {
                "model.errors",
                "model.expr",
                "model.program.step",
                "model.program.program",
                "model.program.builder",
                "model.program.lowering",
            },
        ),
        ("algebra.py", {"model.errors", "model.expr"}),
    ],
)
def test_arrows_of_the_language_point_one_way(file, allowed):
    """expr <- step <- drafting <- views, settling <- record <- design, observing; step <- program <- deriving.

    Tables of `algebra` import what they speak of (z3, a logic) when they are asked for.
    """
    top = imports(ROOT / "model" / file, everywhere=file != "algebra.py")
    assert {m for m in top if m.startswith(("model", "properties", "reports"))} <= allowed


INSTANCE = ("state", "sizes", "places", "grounding", "ground_step", "successors", "instance")


@pytest.mark.parametrize("name", INSTANCE)
def test_arrows_of_an_instance_point_one_way(name):
    """Each file imports the language, the table of operators and files before it in the list."""
    before = {f"model.{n}" for n in INSTANCE[: INSTANCE.index(name)]}
    language = {"model.expr.algebra", "model.errors", "model.expr", "model.program.program", "model.program.step"}
    assert ours(ROOT / "model" / f"{name}.py") <= language | before


INSIDE = ("tree", "showing", "simplify", "nodes", "sorts", "walking", "words", "parts", "operations", "properties")


@pytest.mark.parametrize("file", sorted((ROOT / "model" / "expr").glob("*.py")), ids=lambda p: p.stem)
def test_arrows_inside_the_expressions_point_one_way(file):
    """Each file imports the errors and files before it in the list; the package hands out what they hold."""
    before = INSIDE if file.stem == "__init__" else INSIDE[: INSIDE.index(file.stem)]
    assert ours(file) <= {"model.errors"} | {f"model.expr.{name}" for name in before}


@pytest.mark.parametrize("file", [p for p in FILES if p.parent.name == "reports"], ids=lambda p: p.stem)
def test_reports_never_call_an_engine(file):
    """They are handed verdicts and traces."""
    assert [] == [m for m in ours(file) if m.startswith("model.engines")]


def test_only_command_faces_print():
    """Engines, proofs and reports return; commands print."""
    faces = {"check.py", "cli.py", "certify.py", "replay.py", "monitor.py", "explore.py"}
    printing = []
    for file in FILES:
        calls = [n for n in ast.walk(ast.parse(file.read_text())) if isinstance(n, ast.Call)]
        if any(isinstance(c.func, ast.Name) and c.func.id == "print" for c in calls) and file.name not in faces:
            printing.append(str(file.relative_to(ROOT)))
    assert [] == printing


COMMAND = ("check", "options", "questions", "progress", "writing", "outputs")
LOADED_BY_ALL = (
    *(f"expr/{name}" for name in INSIDE),
    *INSTANCE,
    *COMMAND,
    "record",
    "design",
    "trace",
    "verdict",
    "run",
)


@pytest.mark.parametrize("module", LOADED_BY_ALL)
def test_heavy_libraries_are_imported_where_they_are_used(module):
    """z3, NumPy, networkx and rich are not loaded at the top of what every command imports."""
    heavy = {"z3", "numpy", "networkx", "numba", "cvc5", "rich"}
    assert set() == {m.split(".")[0] for m in imports(ROOT / "model" / f"{module}.py", everywhere=False)} & heavy
