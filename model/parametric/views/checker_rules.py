"""Rules of protocol.json as functions of plain integers, for `checker`: a tree becomes Python text.

In the text S is the shared part, R those who take part, O a bystander, and C what is chosen.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

Local = tuple[str, tuple[int, ...]]
MEANS: Mapping[str, str] = {
    "none": "0",
    "all": "{full}",
    "these": "({0} & {full})",
    "union": "({0} | {1})",
    "meet": "({0} & {1})",
    "minus": "({0} & ~{1})",
    "subset": "({0} & ~{1} == 0)",
    "equal": "({0} == {1})",
    "true": "True",
    "false": "False",
    "both": "({0} and {1})",
    "either": "({0} or {1})",
    "negate": "(not {0})",
    "choose": "({1} if {0} else {2})",
}


class PlainRule:
    """A rule as functions of integers.

    Attributes:
        guard: (S, R, C) -> whether it can fire.
        name: tells rules apart that bystanders hear; None where they hear nothing.
        hears: (S, R, C) -> all that what bystanders hear depends on.
    """

    def __init__(self, data: Mapping[str, Any], full: int) -> None:
        self.label, self.roles, self.choices = data["label"], tuple(data["roles"]), data["choices"]
        texts = [_text(g, full) for g in data["guards"]]
        self.guard = _function("S, R, C", " and ".join(texts) or "True")
        self.changes: dict[tuple[Any, ...], list[tuple[int, Callable[..., Any]]]] = {}
        heard: set[str] = set()
        for where, tree in data["updates"]:
            self.changes.setdefault(tuple(where[:-1]), []).append(
                (where[-1], _function("S, R, C, O", _text(tree, full)))
            )
            heard |= _leaves(tree) if where[0] == "O" else set()
        self.others = {s: _function("S, R, C, O", _text(tree, full)) for s, tree in data["others"].items()}
        heard |= {leaf for tree in data["others"].values() for leaf in _leaves(tree)}
        self.name = id(self) if self.others or any(whose[0] == "O" for whose in self.changes) else None
        self.hears = _function("S, R, C", f"({' '.join(f'{x},' for x in sorted(heard))})")

    def after(
        self, old: Sequence[int], whose: tuple[Any, ...], given: tuple[Any, ...], other: Sequence[int] | None = None
    ) -> tuple[int, ...]:
        """Someone's fields after it."""
        new = list(old)
        for field, change in self.changes.get(whose, ()):
            new[field] = int(change(*given, other))
        return tuple(new)

    def heard(self, m: Local, given: tuple[Any, ...]) -> Local | None:
        """A bystander after it; None where it stands in the way."""
        asked = self.others.get(m[0])
        if asked is not None and not asked(*given, m[1]):
            return None
        return m[0], self.after(m[1], ("O", m[0]), given, m[1])


def _leaf(tree: Sequence[Any]) -> str:
    kind, *where = tree
    numbers = where[-2:] if kind == "R" else where[-1:]
    return ("C" if kind == "chosen" else kind) + "".join(f"[{_number(n)}]" for n in numbers)


def _number(value: Any) -> str:
    return str(int(value))


def _text(tree: Sequence[Any], full: int) -> str:
    op = tree[0]
    if op in ("S", "R", "O", "chosen"):
        return _leaf(tree)
    if op == "is":
        return _number(tree[1])
    if op == "in":
        return f"({_leaf(tree[1])} in ({' '.join(f'{_number(c)},' for c in tree[2])}))"
    return MEANS[op].format(*(_number(a) if isinstance(a, int) else _text(a, full) for a in tree[1:]), full=full)


def _leaves(tree: Any) -> set[str]:
    """What a tree reads of those who take part."""
    if not isinstance(tree, list):
        return set()
    if tree and tree[0] in ("S", "R", "O", "chosen"):
        return set() if tree[0] == "O" else {_leaf(tree)}
    return {leaf for part in tree[1:] for leaf in _leaves(part)}


def _function(arguments: str, text: str) -> Callable[..., Any]:
    made: Callable[..., Any] = eval(f"lambda {arguments}: {text}", {"__builtins__": {}})  # noqa: S307 - numbers and MEANS only
    return made
