"""The words that a design imports: parts, index sorts, operations, and what an operation may say."""

import sys
from typing import TYPE_CHECKING, Any

# `python -m model.check` looks for modules in the working directory first, so that a user's queue.py would stand for
# Python's. sys.argv is ["-m", …] only while Python looks for the module to run: an import by a program moves nothing.
if sys.argv[:1] == ["-m"] and not sys.flags.safe_path and sys.path:
    _after = max((n for n, p in enumerate(sys.path) if p.endswith("lib-dynload")), default=len(sys.path) - 1)
    sys.path.insert(_after, sys.path.pop(0))

# A command may be interrupted while it still imports: that ends it like any Ctrl-C, without a traceback.
if sys.argv[:1] == ["-m"] or (sys.argv and sys.argv[0].endswith("/clearorder")):
    _told = sys.excepthook
    sys.excepthook = lambda kind, wrong, trace: None if kind is KeyboardInterrupt else _told(kind, wrong, trace)

from model.expr import (
    ALL,
    MIGRATION,
    NONE,
    Client,
    Flag,
    Guest,
    Lock,
    Machine,
    Pages,
    Queue,
    Slot,
    Sort,
    Vcpu,
    choose,
    every,
    every_client,
    fence,
    hole,
    idle,
    operation,
    shifted,
    some,
    wait_for,
    whole,
)

if TYPE_CHECKING:
    from model.program.design import Design, record
    from model.program.tracing import AnyPages, Page, SomePages

__version__ = "0.1.0"
__all__ = [
    "ALL",
    "MIGRATION",
    "NONE",
    "AnyPages",
    "Client",
    "Design",
    "Flag",
    "Guest",
    "Lock",
    "Machine",
    "Page",
    "Pages",
    "Queue",
    "Slot",
    "SomePages",
    "Sort",
    "Vcpu",
    "choose",
    "every",
    "every_client",
    "fence",
    "hole",
    "idle",
    "operation",
    "record",
    "shifted",
    "some",
    "wait_for",
    "whole",
]

# what needs the recorder, which is imported with the first of these words: half of the time that --help would take
_RECORDED = {
    "AnyPages": "model.program.tracing",
    "Design": "model.program.design",
    "Page": "model.program.tracing",
    "SomePages": "model.program.tracing",
    "record": "model.program.design",
}


def __getattr__(name: str) -> Any:
    if name not in _RECORDED:
        raise AttributeError(f"module 'model' has no attribute '{name}'")
    from importlib import import_module

    found = globals()[name] = getattr(import_module(_RECORDED[name]), name)
    return found
