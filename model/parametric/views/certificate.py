"""A proof by views as files: the protocol as numbers and trees, the table of views, and the clauses that it comes to.

Two proofs of the same: the table, which `checker` tries every rule on, and the clauses, whose conditions stand in
SMT-LIB (`conditions`). That the protocol is the design's is checked by writing it again (`commands.certify`).
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Any

from model.expr import PAGES, Expr
from model.expr.algebra import OPERATORS, fold
from model.instance.locations import at
from model.instance.state import Field
from model.limits import Limits
from model.parametric.views.clauses import few_clauses
from model.parametric.views.codegen import roles
from model.parametric.views.conditions import as_json, conditions, scripts
from model.parametric.views.protocol import Protocol
from model.parametric.views.relevant import rules_and_violations
from model.parametric.views.rule import Key, Rule
from model.parametric.views.situations import Situations
from model.parametric.views.table import Safe, Table
from model.parametric.vocabulary import place
from model.program.store_buffer import SIZE

MANIFEST, PROTOCOL, VIEWS, CLAUSES = "manifest.json", "protocol.json", "views.json", "clauses.json"
SECONDS = 60.0  # to look for clauses
VERSION = 2
TREE = {op: (lambda *a, op=op: [op, *a]) for op in (*OPERATORS, "these")}


def contents(found: Safe, design: str, properties: Sequence[str]) -> dict[str, str]:
    """name of the file -> text."""
    from model.parametric.inference.certificate import answers

    written: dict[str, dict[str, Any]] = {}
    scripts_of: dict[str, str] = {}
    impossible: list[str] = []
    for part in (*found.fewer, found):
        data = data_of(part)
        protocol, views = data[PROTOCOL], data[VIEWS]
        clauses = few_clauses(protocol, views, Limits(seconds=SECONDS))
        asked = conditions(Situations.of_views(protocol, views), tuple(clauses))
        end = ending(part.pages, found.pages)
        written |= {named(name, end): content for name, content in data.items()}
        written[named(CLAUSES, end)] = {"clauses": as_json(tuple(clauses))}
        scripts_of |= {named(name, end): script for name, script in scripts(asked).items()}
        impossible += [named(name, end) for name, condition in asked.items() if not condition.possible]
    manifest = {
        "version": VERSION,
        "kind": "views",
        "design": design,
        "environment": found.program.environment or "none",
        "properties": list(properties),
        "digest": found.digest,
        "sizes": {**found.sizes, **({SIZE: found.program.buffer} if found.program.buffer else {})},
        "pages": found.pages,
        "all_pages": found.whole,
        "impossible": impossible,
        "files": {name: answers(script) for name, script in scripts_of.items()},
    }
    return {name: _json(content) for name, content in {MANIFEST: manifest, **written}.items()} | scripts_of


def ending(pages: int, most: int) -> str:
    """What the names of files about so many pages end with, where up to so many are looked at."""
    return "" if pages == most else f".of-{pages}"


def named(name: str, end: str) -> str:
    """`protocol.json` as `protocol.of-1.json`."""
    stem, dot, kind = name.rpartition(".")
    return f"{stem}{end}{dot}{kind}"


def data_of(found: Safe) -> dict[str, dict[str, Any]]:
    """The protocol and the table, by the name of the file."""
    made = protocol_of(Protocol(found.program, found.invariants, found.sizes, found.pages))
    return {PROTOCOL: made, VIEWS: views_of(found.table)}


def protocol_of(protocol: Protocol) -> dict[str, Any]:
    """Everything that the checker needs to know of the design."""
    layout, sorts = protocol.layout, protocol.cast.sorts
    rules, violations = rules_and_violations(protocol)
    return {
        "pages": protocol.instance.pages,
        "shared": [[f.name, f.number, f.initial, _sort(protocol, f)] for f in layout.shared],
        "local": {s: [[f.name, f.initial, _sort(protocol, f)] for f in layout.local[s]] for s in sorts},
        "named": dict(protocol.cast.named),
        "holding": {s: [protocol.place_of(s), _holding(protocol, s)] for s in sorts},
        "rules": [_rule(protocol, r) for r in rules],
        "violations": [_rule(protocol, r) for r in violations],
    }


def _sort(protocol: Protocol, field: Field) -> str | list[str]:
    """What the field can hold: "pages", "truth", or a list of places."""
    if field.role != "location":
        return "pages" if field.sort == PAGES else "truth"
    sort = field.name.removeprefix(at(""))
    return [_place(protocol, sort, code) for code in range(len(protocol.instance.codes[sort]))]


def _place(protocol: Protocol, sort: str, code: int) -> str:
    """`is at sync.reported`, with the elements that the operation was given."""
    location, carried = protocol.instance.codes[sort][code]
    where = protocol.program.threads[sort][location]
    given = ", ".join(f"{n} {k}" for n, k in zip(where.carried, carried, strict=True))
    word = place(sort, where).partition(" ")[2]
    return f"{word if word.startswith('is') else f'is {word}'}{f' ({given})' if given else ''}"


def _holding(protocol: Protocol, sort: str) -> list[int]:
    codes = range(len(protocol.instance.codes.get(sort, ())))
    return [c for c in codes if protocol.holds_shared_lock(sort, c)]


def _rule(protocol: Protocol, rule: Rule) -> dict[str, Any]:
    """A rule over ["S", i], the shared part, ["R", role, i], who takes part, and ["O", i], a bystander."""
    where: dict[Key, list[Any]] = {f.key: ["S", i] for i, f in enumerate(protocol.layout.shared)}
    for sort in protocol.cast.sorts:
        for i, f in enumerate(protocol.layout.local[sort]):
            where[f.name, protocol.cast.other(sort)] = ["O", sort, i]
    for number, sort, who in roles(protocol, rule):
        for i, f in enumerate(protocol.layout.local[sort]):
            where[f.name, who] = ["R", number, i]

    def leaf(e: Expr) -> Any:
        match e.op:
            case "field":
                return where[e.args]
            case "located":
                return ["in", where[e.args[:2]], sorted(e.args[2])]
            case "place":
                return ["is", e.args[0]]
        return ["chosen", rule.pages.index(e.args[0])]

    guards = [fold(g, TREE, leaf) for g in rule.guards]
    if rule.source is not None:
        guards.insert(0, ["in", where[rule.source[0]], [rule.source[1]]])
    return {
        "label": rule.label,
        "roles": list(rule.roles),
        "choices": [list(choices) for choices in rule.choices],
        "guards": guards,
        "updates": [[where[k], fold(v, TREE, leaf)] for k, v in rule.updates.items() if k in where],
        "others": {s: fold(e, TREE, leaf) for s, e in rule.others.items()},
    }


def views_of(found: Table) -> dict[str, Any]:
    """The table, rows sorted, so that the same set is the same text."""
    return {
        "kind": found.kind,
        "locals": [[s, list(v)] for s, v in found.locals],
        "shared": [[list(v), list(h)] for v, h in found.shared],
        "rows": sorted([s, sorted(map(list, beside))] for s, beside in found.rows),
    }


def _json(value: Mapping[str, Any]) -> str:
    return json.dumps(value, indent=None, ensure_ascii=False, separators=(",", ":")) + "\n"
