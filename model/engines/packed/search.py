"""Breadth-first search over packed words, a whole frontier at a time: the same search as `explicit`, fast."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic
from typing import Any, Unpack

from model.engines.packed.native import compilation
from model.engines.packed.partial_order import ample
from model.engines.packed.sweep import How, Search
from model.engines.packed.symmetry import symmetry
from model.engines.store.packing import Packing
from model.errors import UsageError
from model.expr import show
from model.instance.problem import Problem
from model.limits import Limits
from model.program.program import Invariant
from model.verdict import Refuted, Undetermined, Verdict

REDUCTIONS = ("symmetry", "order")


def search(
    asked: Problem,
    limits: Limits | None = None,
    *,
    reductions: Sequence[str] = (),
    checkpoint: Path | None = None,
    kernel: str = "auto",
    **how: Unpack[How],
) -> Verdict:
    """Visit every reachable state, nearest first, a whole depth at a time.

    Args:
        asked: a program, what must hold of it, and its sizes; nothing asked is undetermined. A state
            takes as many words of 64 bits as it needs.
        limits: states and seconds after which to give up; looked at between parts of a level, so that a few
            more may have been added.
        reductions: of REDUCTIONS; verdict and depth are the same with them. "symmetry" keeps one state of those that
            differ in the order of what is alike only (`packed.symmetry`); states and transitions are still those of
            the whole space (`packed.orbits`), `orbits` how many were kept, and `detail` is of kept states. "order" is
            partial order (`packed.partial_order`): what it finds violated is searched again without it, so that
            `depth` is the least; else states are those that it visits, of both together the orbits, and
            transitions None. With a limit of depth there is no "order".
        checkpoint: a file in which the search is saved between levels now and then and when it is stopped, and from
            which it goes on; it is removed when there is a verdict.
        kernel: "numpy"; "c", the same steps compiled (`packed.native`); or "auto", which is C from the moment
            that there is enough to do, where there is a C compiler and no symmetry.
        how: the answer depends on none of it, see `How`.

    Returns:
        Proved(states, depth); Refuted(states, depth, detail=[(state, invariant, number), ...]) where states counts
        the complete levels before the violating one, whose violating states are in `detail` (10,000 at most for each
        invariant and number); or Undetermined(reason) with what was covered. All count transitions, but of "order".
        A limit of states is one of states that are kept.

    Raises:
        UsageError: a field is wider than a word, there is no such reduction or kernel, the memory is too little to
            start, or the checkpoint is of another search.
        CannotSay: the table has no row for an operator.
        NoCompiler: kernel "c", and there is no C compiler.
    """
    if unknown := set(reductions) - set(REDUCTIONS):
        raise UsageError(f"there is no reduction '{min(unknown)}'; there are {', '.join(REDUCTIONS)}.")
    begin = monotonic()
    run = Search(asked, limits, **how)
    if "order" in reductions and run.limits.depth is None:
        run.alone = ample(asked)
    if "symmetry" in reductions and (alike := symmetry(asked)):
        run.keep_one_of(alike)
    run.compiling = compilation(kernel, able=how.get("table") is None and run.least is None)
    if checkpoint is not None:
        in_force = [r for r in reductions if r == "symmetry" or (r == "order" and run.alone)]
        in_force += ["counted out"] if run.orbits else []
        run.save_in = checkpoint, described(run.packing, asked.invariants, in_force)
    found, limits, again = run.run(), run.limits, bool(run.alone)
    if isinstance(found, Refuted) and again:
        del run  # what it has seen takes memory
        again_by = {**how, "reductions": [r for r in reductions if r == "symmetry"], "kernel": kernel}
        found = _nearest(asked, limits.after(begin), found.depth, again_by)
    return replace(found, seconds=monotonic() - begin)


def _nearest(asked: Problem, limits: Limits, depth: int, how: Mapping[str, Any]) -> Verdict:
    """The refutation of least depth, where one is known to be within so many moves; a limit of states has been kept."""
    found = search(asked, replace(limits, depth=depth, states=None, cancelled=None), **how)
    if not isinstance(found, Undetermined):
        return found
    return replace(found, reason=f"violated within {depth} moves, and the shortest trace was not found: {found.reason}")


def described(packing: Packing, invariants: Sequence[Invariant], reductions: Sequence[str]) -> str:
    """What a search is of, as text: equal where one may go on with what another has found."""
    instance, places = packing.instance, sorted(packing.places.items())
    asked = [f"{i.name} {i.each}: {show(i.holds)}" for i in invariants]
    return f"{instance.program.digest} {instance.pages} {instance.sizes} {asked} {sorted(reductions)} {places}"
