"""Whether what a report says of a run is true, asked of the run again: one row a kind of claim.

Written apart from what makes the claims. Shared is only what a write of a page is (`model.verify.stake`).
"""

from model.expr import PAGES, walk
from model.verify import claims
from model.verify.stake import writes, writes_page

MOST = 20_000


def false_claims(story, trace, prefix):
    """The claims of a story that do not hold on its run.

    Args:
        trace: the whole run that the story tells.
        prefix: its trace up to the violation, which knows the property.
    """
    known = {}
    return [c for c in story.claims if not CHECKS[type(c)](_Run(trace, prefix, c.page, c.owed, known), c)]


class _Run:
    def __init__(self, trace, prefix, page, owed, known):
        self.trace, self.prefix, self.instance, self.page, self.owed = trace, prefix, trace.instance, page, owed
        self.bit, self.where, self.known = 1 << page, trace.instance.position[owed], known
        self.end = len(trace)
        variable = self.instance.program.variable
        self.records = [
            (i, f.key)
            for i, f in enumerate(self.instance.fields)
            if f.sort == PAGES and f.role in ("part", "register") and not variable[f.name].at_stake
        ]

    def has(self, key, at):
        return bool(self.trace.states[at][self.instance.position[key]] & self.bit)

    def holding(self, at):
        return tuple(k for _, k in self.records if self.has(k, at))

    def gains(self, at):
        return [k for _, k in self.records if self.has(k, at) and not self.has(k, at - 1)]

    def after_with(self, at, changes):
        """The state after move `at`, had the fields been as `changes` says before it."""
        state = list(self.trace.states[at - 1])
        for key, value in changes.items():
            state[self.instance.position[key]] = value
        return self.instance.apply(self.trace.moves[at - 1], tuple(state))

    def owes(self, at):
        return bool(self.trace.states[at][self.where] & self.bit)

    def marks(self, at):
        without = self.trace.states[at - 1][self.where] & ~self.bit
        touches = any(i == self.where for i, _ in self.trace.moves[at - 1].ground.updates)
        return touches and bool(self.after_with(at, {self.owed: without})[self.where] & self.bit)

    def takes(self, at):
        owing = self.trace.states[at - 1][self.where] | self.bit
        return not self.after_with(at, {self.owed: owing})[self.where] & self.bit

    def written(self):
        return [at for at in range(1, self.end + 1) if writes_page(self.trace, at, self.page)]

    def promised(self, state):
        owing = self._with(state, self.where, state[self.where] | self.bit)
        roles = [f.role for f in self.instance.fields]
        idle = tuple(0 if r in ("location", "register") else v for r, v in zip(roles, owing, strict=True))
        return self.delivers(owing) or self.delivers(idle)

    def delivers(self, start):
        key = (start, self.where, self.page)
        if key not in self.known:
            self.known[key] = self._delivers(start)
        return self.known[key]

    def _delivers(self, start):
        seen, todo = {start}, [start]
        while todo:
            state = todo.pop()
            if not state[self.where] & self.bit:
                return True
            assert len(seen) <= 4 * MOST, "a claim was made where nothing can be determined"
            for number, after in self.instance.successors(state):
                if after not in seen and not writes(self.instance, state, self.instance.moves[number], self.page):
                    seen.add(after)
                    todo.append(after)
        return False

    @staticmethod
    def _with(state, where, value):
        return (*state[:where], value, *state[where + 1 :])

    def without(self, state, keys):
        for i, key in self.records:
            if key in keys:
                state = self._with(state, i, state[i] & ~self.bit)
        return state

    def thread(self, at):
        ground = self.trace.moves[at - 1].ground
        return ground.sort, ground.thread

    def role(self, key):
        return self.instance.fields[self.instance.position[key]].role

    def own(self):
        """The fields of whom the page is owed."""
        per = self.instance.fields[self.where].per
        mine = [f.key for f in self.instance.fields if f.sort == PAGES and (f.per, f.number) == (per, self.owed[1])]
        return [k for k in mine if per is not None and k != self.owed]

    def named(self):
        case = dict(self.prefix.instance.cases(self.prefix.invariant))[self.prefix.number]
        return {e.args for e in walk(case) if e.op == "field"}


def never_written(run, claim):
    return run.owes(0) and not any(run.marks(at) for at in range(1, run.end + 1))


def last_mark(run, claim):
    later = any(run.marks(at) for at in range(claim.at + 1, run.end + 1))
    return run.marks(claim.at) and not later and claim.write == writes_page(run.trace, claim.at, run.page)


def set_nothing(run, claim):
    return claim.at in run.written() and not run.promised(run.trace.states[claim.at])


def missed(run, claim):
    return claim.holds == run.has(claim.key, claim.at - 1)


def took(run, claim):
    return run.takes(claim.at)


def only_promised(run, claim):
    state = run.trace.states[claim.at - 1]
    holding = run.holding(claim.at - 1)
    enough = tuple(k for k in holding if run.promised(run.without(state, [h for h in holding if h != k])))
    others = run.promised(run.without(state, claim.keys))
    return claim.keys == enough and not others and _since(run, claim)


def _since(run, claim):
    return claim.written is None or (claim.written < claim.at and run.written()[-1] == claim.written)


def named_only(run, claim):
    holding = tuple(k for k in run.holding(claim.at - 1) if k in run.named())
    return claim.keys == holding and _since(run, claim)


def removed(run, claim):
    return all(run.has(k, claim.at - 1) and not run.has(k, claim.at) for k in claim.keys)


def cut_off(run, claim):
    before = not claim.at or run.promised(run.trace.states[claim.at - 1])
    return before and not run.promised(run.trace.states[claim.at])


def took_everything(run, claim):
    after = run.after_with(claim.at, dict.fromkeys(claim.keys, run.instance.full))
    return all(after[run.instance.position[k]] == 0 for k in claim.keys)


def not_copied(run, claim):
    return not any(run.gains(at) for at in range(claim.after + 1, claim.at + 1))


def relied_on(run, claim):
    return any(run.has(claim.key, at) for at in range(claim.at))


def dates_from(run, claim):
    held = any(run.has(claim.key, at) for at in range(claim.report, claim.at))
    earlier = [w for w in run.written() if w < claim.report]
    order = claim.report < claim.written < claim.at and run.written()[-1] == claim.written
    return held and order and claim.older == max(earlier, default=0) and bool(run.holding(claim.report - 1))


def not_merged(run, claim):
    ends = [
        at
        for at in range(claim.report, run.end + 1)
        if run.thread(at) == run.thread(claim.report) and run.trace.moves[at - 1].ground.step.last
    ]
    return (not claim.merge or claim.merge > claim.at) and claim.merge == (ends[0] if ends else 0)


def not_reached(run, claim):
    return not any(run.has(k, at) for k in run.own() for at in range(claim.report, claim.at + 1))


def standing(run, claim):
    marked = max((at for at in range(1, run.end + 1) if run.marks(at)), default=0)
    brought = any(not run.owes(at) for at in range(marked, run.end + 1))
    return claim.keys == run.holding(run.end) and run.owes(run.end) and not brought


def has_version(run, claim):
    return not run.owes(claim.at) and claim.version == sum(w <= claim.at for w in run.written())


def promise_broken(run, claim):
    if run.prefix.invariant.name == "promise_kept" and claim.at == len(run.prefix):
        return True
    later = any(run.promised(run.trace.states[at]) for at in range(claim.at, run.end + 1))
    first = claim.at in run.written() or run.promised(run.trace.states[claim.at - 1])
    return first and not later


def reported_by(run, claim):
    return run.has(claim.key, claim.at) and claim.report < claim.at and bool(run.holding(claim.report - 1))


def delivered(run, claim):
    got = [k for at in range(claim.begun, run.end + 1) for k in run.gains(at) if k in run.own()]
    lasting = [k for k in got if run.role(k) != "register"]  # a register is empty when the operation has ended
    return not (lasting if claim.held else got) and run.trace.moves[claim.begun - 1].ground.step.first


def versions(run, claim):
    brought = [at for at in range(1, run.end + 1) if run.owes(at - 1) and not run.owes(at)]
    count = sum(w <= brought[-1] for w in run.written()) if brought else 0
    return claim.source == len(run.written()) and claim.copied in (None, count)


CHECKS = {
    claims.NeverWritten: never_written,
    claims.LastMark: last_mark,
    claims.SetNothing: set_nothing,
    claims.Missed: missed,
    claims.Took: took,
    claims.OnlyPromised: only_promised,
    claims.NamedOnly: named_only,
    claims.Removed: removed,
    claims.CutOff: cut_off,
    claims.TookEverything: took_everything,
    claims.NotCopied: not_copied,
    claims.ReliedOn: relied_on,
    claims.DatesFrom: dates_from,
    claims.NotMerged: not_merged,
    claims.NotReached: not_reached,
    claims.Standing: standing,
    claims.HasVersion: has_version,
    claims.PromiseBroken: promise_broken,
    claims.ReportedBy: reported_by,
    claims.Delivered: delivered,
    claims.Versions: versions,
}
