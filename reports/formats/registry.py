"""The formats of results by name; a module is imported when its format is asked for."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from importlib import import_module
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from model.verify.result import Result

REPORTS: Mapping[str, tuple[str, str]] = {  # name -> (module, function from results to text)
    "json": ("registry", "json"),
    "mail": ("mail", "document"),
    "mail-columns": ("mail", "in_columns"),
    "markdown": ("markdown", "document"),
    "html": ("html", "document"),
    "itf": ("itf", "document"),
    "tlc": ("tlc", "document"),
    "mermaid": ("mermaid", "document"),
    "svg": ("svg", "document"),
    "junit": ("junit", "document"),
    "sarif": ("sarif", "document"),
    "github": ("github", "document"),
    "ktap": ("ktap", "document"),
}
PROGRAMS: Mapping[str, tuple[str, str]] = {  # a counterexample as a program
    "kselftest": ("registry", "kselftest"),
    "kselftest-tree": ("registry", "kselftest_tree"),
}
SINGLE = frozenset({"itf", "mermaid", "svg", *PROGRAMS})  # formats whose files hold one property of one design


def json(results: Sequence[Result]) -> str:
    """Version 1 of our own format, whose document names the tool."""
    from reports.formats.json_v1 import document
    from reports.formats.phrases import tool

    return document(results, tool(), counted=True)


def kselftest(results: Sequence[Result]) -> str:
    """A C program that performs the counterexample with raw ioctls."""
    from model.kvm.selftest import document

    return document(results[0])


def kselftest_tree(results: Sequence[Result]) -> str:
    """The same for the kernel's tree, with its kvm_util.h."""
    from model.kvm.selftest import document

    return document(results[0], "tree")


def render(name: str, results: Sequence[Result]) -> str:
    """The results in the format `name` of REPORTS or PROGRAMS.

    Raises:
        UsageError: the format shows one result, and there are several.
    """
    module, function = {**REPORTS, **PROGRAMS}[name]
    return str(getattr(import_module(f"reports.formats.{module}"), function)(results))
