"""Expressions: sets of pages and truth values over the parts of a design, and the words to declare those parts.

An expression is a tree of immutable, shared nodes. Python's `| & - ~ <= ==` build nodes; `if`, `and`, `or` and
`not` raise, because a design is recorded once, before there is any state to look at.

Inside, arrows point one way:
tree <- showing <- nodes <- sorts <- walking <- words; simplify <- nodes; sorts <- parts, operations <- properties.
"""

from model.errors import DesignError
from model.expr.declarations import Flag, Lock, Pages, Part, Queue
from model.expr.nodes import ALL, FALSE, NONE, STALE, TRUE, Expr, lift, make, node
from model.expr.operations import Operation, fence, operation, recorders, wait_for
from model.expr.printer import show
from model.expr.properties import INFINITE, Property, always, eventually, leads_to, sometimes
from model.expr.registers import bare, is_register, register
from model.expr.sorts import MIGRATION, Client, Element, Guest, Index, Machine, Slot, Sort, Vcpu, every_client
from model.expr.traversal import children, indices, operators, replace_index, rewrite, walk
from model.expr.tree import PAGES, PLACE, TRUTH
from model.expr.vocabulary import choose, every, hole, idle, shifted, some, stuck, whole

__all__ = [
    "ALL",
    "FALSE",
    "INFINITE",
    "MIGRATION",
    "NONE",
    "PAGES",
    "PLACE",
    "STALE",
    "TRUE",
    "TRUTH",
    "Client",
    "DesignError",
    "Element",
    "Expr",
    "Flag",
    "Guest",
    "Index",
    "Lock",
    "Machine",
    "Operation",
    "Pages",
    "Part",
    "Property",
    "Queue",
    "Slot",
    "Sort",
    "Vcpu",
    "always",
    "bare",
    "children",
    "choose",
    "eventually",
    "every",
    "every_client",
    "fence",
    "hole",
    "idle",
    "indices",
    "is_register",
    "leads_to",
    "lift",
    "make",
    "node",
    "operation",
    "operators",
    "recorders",
    "register",
    "replace_index",
    "rewrite",
    "shifted",
    "show",
    "some",
    "sometimes",
    "stuck",
    "wait_for",
    "walk",
    "whole",
]
