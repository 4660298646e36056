"""How many elements each index sort of a program has, and whether what it names is among them."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Mapping

from model.errors import UsageError
from model.expr import Client, Guest, Index, Machine, indices
from model.program.program import Program
from model.program.store_buffer import HARDWARE, SIZE, Drainer, entries_told

ONE_OF_EACH = {(s.name, s.doc) for s in (Guest, Machine, Drainer)}  # also where a program came from another process


def used_sorts(program: Program) -> set[str]:
    """Index sorts that a part, a thread, a parameter or a quantifier of the program ranges over."""
    used = {v.per.name for v in program.variables if v.per} | set(program.threads)
    used |= {p.sort for s in program.steps for p in s.params if p.kind == "index"}
    used |= {index.sort for index in every_index(program) if index.kind == "bound"}
    return used | {lock.per.name for lock in program.locks if lock.per}


def sizes_of(program: Program, given: Mapping[str, int]) -> dict[str, int]:
    """The size of every sort that the program uses: the sort's own, else the given one, else 2.

    Raises:
        UsageError: a size is below 1, or of a sort that the program does not use, or the program names an element
            beyond it.
    """
    used = used_sorts(program)
    for sort, size in given.items():
        if sort == SIZE and program.buffer:
            check_buffer(program, size)
        elif sort not in used:
            raise UsageError(f"{program.name} has no {sort}; it has {known_sorts(program)}.")
        if size < 1:
            raise UsageError(f"an instance has at least 1 {sort.lower()}, not {size}.")
        if sort != Client.name:  # whoever asks of any design says how many clients, also where there is but one
            refuse_size(program, sort, size)
    sizes = {s: program.sorts[s].size or given.get(s, 2) for s in sorted(used)}
    check_constants(program.name, every_index(program), sizes)
    return sizes


def known_sorts(program: Program) -> str:
    """What can be given a size, for messages: `Client, Vcpu`."""
    named = used_sorts(program) - set(HARDWARE) | ({SIZE} if program.buffer else set())
    return ", ".join(sorted(named)) or "none"


def check_buffer(program: Program, entries: int) -> None:
    """Refuse a size of store buffers that the program was not recorded with."""
    if entries != program.buffer:
        raise UsageError(
            f"{program.name} was recorded with {entries_told(program.buffer)}; write record(design, buffer={entries})."
        )


def refuse_size(program: Program, sort: str, size: int) -> None:
    """Refuse a size of a sort that has another one of its own."""
    own = program.sorts[sort].size if sort in program.sorts else None  # a store buffer's is none
    if own is not None and own != size:
        raise UsageError(
            f"{program.name} has exactly {own} {sort.lower()}{'' if own == 1 else 's'}, not {size}: its Sort says "
            f"size={own}. Take that away to choose how many there are: --size {sort}={size}."
        )


def scope_sizes(program: Program, sizes: Mapping[str, int]) -> dict[str, int]:
    """The sizes that a scope names; the guest and the machine are one of each by what they are."""
    return {s: n for s, n in sizes.items() if (s, program.sorts[s].doc) not in ONE_OF_EACH}


def fixed_sizes(program: Program, sizes: Mapping[str, int]) -> dict[str, int]:
    """Those of them that belong to the design: a verdict for any number of the others is for so many of these."""
    return {s: n for s, n in scope_sizes(program, sizes).items() if program.sorts[s].size is not None}


def check_constants(name: str, named: Iterable[Index], sizes: Mapping[str, int]) -> None:
    """Refuse what `name` names beyond the sizes."""
    for index in named:
        if index.kind == "const" and index.number >= sizes.get(index.sort, 1):
            sort = index.sort.lower()
            raise UsageError(
                f"{name} names {index}, {sort} number {index.number}, and needs at least "
                f"{index.number + 1} of them: --{sort}s {index.number + 1}."
            )


def every_index(program: Program) -> Iterator[Index]:
    """Every index term that stands somewhere in the program."""
    for variable in program.variables:
        yield from indices(variable.initial)
    for step in program.steps:
        for guard in step.guards:
            yield from indices(guard)
        for update in step.updates:
            yield from indices(update.value)
            if update.index is not None:
                yield update.index
        yield from (held.index for held in step.takes if held.index is not None)
