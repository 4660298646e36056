"""Is every behaviour that a client can see of one design possible in another?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace

from model.expr import TRUE
from model.instance.instance import Instance
from model.instance.trace import Trace, smaller_sizes
from model.limits import Limits
from model.program.design import Design, record
from model.program.program import Invariant
from model.program.store_buffer import SIZE
from model.verdict import Proved, Refuted, Verdict
from model.verify.narration import narrated
from model.verify.result import Evidence, Result, any_scope, counted, finite_scope, sizes_for
from model.verify.vacuity import SMALL


def refines(
    concrete: type[Design],
    abstract: type[Design],
    *,
    pages: int = 2,
    sizes: Mapping[str, int] | None = None,
    limits: Limits | None = None,
) -> Result:
    """Is every behaviour that a client can see of the one design possible in the other?

    First for any size, by a choice of the other's parameters that makes it do the same step by step; else on finite
    instances, smallest first, up to the size asked for.
    """
    from model.engines import refinement

    limits = limits or Limits(states=SMALL)
    entries = (sizes or {}).get(SIZE)
    programs = record(concrete, buffer=entries), record(abstract, buffer=entries)
    given = sizes_for(programs[0], sizes or {})
    whole = Instance(programs[0], pages, given)
    free = whole.free_sizes
    name = f"refines {programs[1].name}"
    chosen = refinement.mapping(*programs)
    if chosen is not None:
        scope = any_scope(whole)
        how = ", ".join(f"{extra} as {own}" for extra, own in chosen.items()) or "nothing"
        note = f"every step is a step of {programs[1].name}, which chooses {how}"
        verdict: Verdict = Proved(engine="refinement", detail=chosen)
        evidence = (Evidence("refinement", verdict, scope),)
        return Result(programs[0].name, name, verdict, scope, programs[0], evidence, notes=(note,))
    found: list[Evidence] = []
    for size in (*smaller_sizes(pages, free), (pages, free)):
        lower, upper = (Instance(p, *size) for p in programs)
        found.insert(0, Evidence("refinement", refinement.search(lower, upper, limits), finite_scope(lower)))
        if not isinstance(found[0].verdict, Proved):
            break
    decided = found[0]
    base = Result(programs[0].name, name, decided.verdict, decided.scope, programs[0], tuple(found))
    if not isinstance(decided.verdict, Refuted):
        return base
    run = decided.verdict.detail
    instance = Instance(programs[0], int(decided.scope["pages"]), {s: int(decided.scope[counted(s)]) for s in free})
    trace = Trace(instance, run.moves, run.states, Invariant(name, TRUE), None)
    title = f"{programs[0].name} does what {programs[1].name} cannot: after the same visible steps, the last one"
    return replace(base, trace=trace, story=replace(narrated(trace, programs[0].name), title=title))
