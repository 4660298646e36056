"""Words that every report shares: threads, fields, sets of pages and counts by their names."""

from __future__ import annotations

from collections.abc import Sequence

from model.expr import bare
from model.instance.instance import Instance
from model.instance.state import Field
from model.verify.stake import Key


def plural(count: int, word: str) -> str:
    """`1 page`, `2 pages`."""
    return f"{count:,} {word}" if count == 1 else f"{count:,} {word}s"


def thread_name(instance: Instance, sort: str, number: int | None) -> str:
    """`MIGRATION`, `VGA`, `the guest`, `vCPU 1`."""
    return instance.program.sorts[sort].call(number or 0)


def field_name(instance: Instance, key: Key) -> str:
    """`kernel`, `VGA's mine`."""
    name, number = key
    per = instance.fields[instance.position[key]].per
    if number is None or per is None:
        return f"`{name}`"
    return f"{thread_name(instance, per, number)}'s `{bare(name)}`"


def field_names(instance: Instance, keys: Sequence[Key]) -> str:
    """`kernel` and MIGRATION's `user`."""
    return listed([field_name(instance, k) for k in keys])


def listed(words: Sequence[str]) -> str:
    """`a`, `a and b`, `a, b and c`."""
    return f"{', '.join(words[:-1])} and {words[-1]}" if len(words) > 1 else "".join(words)


def change_name(instance: Instance, changed: Field) -> str:
    """`kernel`, `user[VGA]`."""
    if changed.number is None or changed.per is None:
        return changed.name
    return f"{changed.name}[{thread_name(instance, changed.per, changed.number)}]"


def page_set(value: int) -> str:
    """`{0, 2}`."""
    return "{" + ", ".join(str(i) for i in members(value)) + "}"


def members(value: int) -> list[int]:
    """The pages of a bitmap."""
    return [i for i in range(value.bit_length()) if value >> i & 1]


def lowest(bitmap: int) -> int:
    """The first page of a bitmap that is not empty."""
    return (bitmap & -bitmap).bit_length() - 1


def pages_text(value: int) -> str:
    """`page 0`, `pages 0 and 2`."""
    shown = [str(i) for i in members(value)]
    return f"page{'s' if len(shown) > 1 else ''} {listed(shown)}" if shown else "no page"
