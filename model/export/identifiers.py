"""Identifiers of other languages for the parts of a design, which may be any Python identifiers."""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping

from model.expr import bare
from model.instance.ground_step import GroundStep
from model.instance.instance import Instance
from model.instance.state import Field


def spelled(text: str) -> str:
    """`text` in the letters, digits and underscores that every target language allows, a letter first.

    Other letters are written by their number, so that `é` is `uE9_` and names that differ stay readable.
    """
    safe = re.sub(r"[^A-Za-z0-9_]", lambda m: "_" if m[0] in ".- []'" else f"u{ord(m[0]):X}_", text)
    return safe if safe[:1].isalpha() else f"x{safe}"


LONGEST = 60  # letters of an identifier; Spin stops at some longer ones


def unique(
    wanted: Mapping[object, str], reserved: Collection[str] = (), *, like: str = "", cases_differ: bool = False
) -> dict[object, str]:
    """key -> identifier: the wanted text spelled, with a number after it where that word is taken or reserved.

    Args:
        like: a pattern of words that are reserved too; these get an `x` in front.
        cases_differ: `page` and `Page` are two words; by default they are one, for files and tools that mix them up.
    """
    same = str if cases_differ else str.lower
    taken = {same(word) for word in reserved}
    found = {}
    for key, text in wanted.items():
        base, number = _unlike(like, spelled(text)[:LONGEST]), 1
        word = base
        while same(word) in taken:
            number += 1
            word = f"{base}_{number}"
        taken.add(same(word))
        found[key] = word
    return found


def _unlike(pattern: str, word: str) -> str:
    return f"x{word}" if re.fullmatch(pattern, word) else word


# ---------------------------------------------------------------- words for the parts of an instance


def thread_word(instance: Instance, ground: GroundStep) -> str:
    """`MIGRATION`, `the guest`."""
    return instance.program.sorts[ground.sort].call(ground.thread)


def field_word(instance: Instance, field: Field) -> str:
    """`kernel`, `user_MIGRATION`, `at_VGA`: what a field wants to be called."""
    name = "at" if field.role == "location" else bare(field.name)
    if field.number is None or field.per is None:
        return name
    return f"{name}_{instance.program.sorts[field.per].call(field.number)}"


def place_word(instance: Instance, sort: str, code: int) -> str:
    """`after_sync_reported`, with the index parameters that the location carries."""
    number, values = instance.codes[sort][code]
    location = instance.program.threads[sort][number]
    return "_".join(["after", location.operation, location.after, *map(str, values)])


def step_word(instance: Instance, ground: GroundStep) -> str:
    """`clear_cleared_by_VGA`, with the index and truth parameters that were chosen."""
    chosen = [f"{name}_{value}" for name, value in ground.indices.items()]
    return "_".join(
        [ground.step.operation, *filter(None, [ground.step.name]), *chosen, "by", thread_word(instance, ground)]
    )
