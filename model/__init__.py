"""The words that a design imports: parts, index sorts, operations, and what an operation may say."""

from model.design import Design, record
from model.expr import (
    ALL,
    MIGRATION,
    NONE,
    Client,
    Flag,
    Guest,
    Lock,
    Pages,
    Slot,
    Sort,
    Vcpu,
    choose,
    every,
    every_client,
    idle,
    operation,
    some,
    wait_for,
)
from model.record import AnyPages, Page, SomePages

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
    "Page",
    "Pages",
    "Slot",
    "SomePages",
    "Sort",
    "Vcpu",
    "choose",
    "every",
    "every_client",
    "idle",
    "operation",
    "record",
    "some",
    "wait_for",
]
