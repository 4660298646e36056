"""Every `Source:` says of which code it speaks: a version, a commit, or a dated mail or numbered thread."""

import ast
import re

import pytest

from tests.support.paths import ROOT

COMMIT = r"\b[0-9a-f]{9,}\b"
VERSION = r"\b(QEMU|Linux|Xen|Firecracker) v?\d+\.\d+"
THREAD = r"\d{4}-\d{2}-\d{2}|pull request \d+|issue \d+"
DATED = re.compile(f"{COMMIT}|{VERSION}|{THREAD}")


def sources(text):
    """The `Source:` paragraphs of the docstrings of a module, its classes and its functions."""
    named = (ast.Module, ast.ClassDef, ast.FunctionDef)
    docs = [ast.get_docstring(node) or "" for node in ast.walk(ast.parse(text)) if isinstance(node, named)]
    paragraphs = [" ".join(p.split()) for doc in docs for p in doc.split("\n\n")]
    return [p for p in paragraphs if p.startswith("Source:")]


def test_every_source_of_designs_and_properties_names_a_version_or_a_commit():
    """What it says of today's code is wrong one day, and nobody could tell."""
    files = [*(ROOT / "model" / "designs").rglob("*.py"), *(ROOT / "properties").glob("*.py")]
    found = [(f.relative_to(ROOT).as_posix(), s) for f in sorted(files) for s in sources(f.read_text())]
    assert len(found) > 110
    assert [] == [(file, source) for file, source in found if not DATED.search(source)]


@pytest.mark.parametrize(
    "said",
    ["QEMU migration/ram.c, ram_save_complete().", "Linux virt/kvm/kvm_main.c; api.rst 4.117.", "our reasoning."],
)
def test_a_source_without_one_is_found(said):
    """A section of a manual is no version."""
    assert [f"Source: {said}"] == [s for s in sources(f'"""A.\n\nSource: {said}\n"""') if not DATED.search(s)]
