"""Why a page is still owed, computed from the run: which record promised it, which move took that away, and on what.

Nothing here looks at a name. Whether a record promises a page is asked of the runs that follow (`delivery`), where a
bit comes from of the run itself (`origin`). Where an answer is not found, the argument says what is known and stops.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import cached_property

from model.expr import PAGES, Expr, is_register, walk
from model.instance.trace import Trace
from model.verify import claims
from model.verify.claims import Claim, Note, NoteKind
from model.verify.delivery import Delivery
from model.verify.origin import Origin, Origins
from model.verify.stake import Key, assigned, at_stake, marks_page, reader, records, takes_page, writes_page
from model.verify.wording import field_name, field_names, lowest, thread_name


@dataclass(frozen=True)
class Loss:
    """A page that a field at stake still holds at the end of a trace."""

    page: int
    key: Key


@dataclass(frozen=True)
class Argument:
    """Why: sentences of one or more claims each, and notes on the moves that they speak of."""

    sentences: tuple[tuple[Claim, ...], ...] = ()
    notes: dict[int, list[Note]] = field(default_factory=dict)


def loss(trace: Trace) -> Loss | None:
    """The page that the violated property finds to be owed, or None where it does not speak of what is at stake."""
    case = dict(trace.instance.cases(trace.invariant)).get(trace.number)
    if case is None:  # a run that nothing is said of yet
        return None
    named = {e.args for e in walk(case) if e.op == "field"}
    last = trace.states[-1]
    for owed in at_stake(trace.instance):
        where = trace.instance.position[owed.key]
        if owed.key in named and last[where]:
            alone = [p for p in range(trace.instance.pages) if last[where] >> p & 1 and _alone(trace, case, where, p)]
            return Loss(alone[0] if alone else lowest(last[where]), owed.key)
    return None


def _alone(trace: Trace, case: Expr, where: int, page: int) -> bool:
    """With this page alone at stake, the property is violated as well."""
    state = list(trace.states[-1])
    state[where] = 1 << page
    return not trace.instance.value(case, tuple(state))


def owed_to(trace: Trace, key: Key) -> str:
    """Who the pages of a field at stake are owed to: its owner, or the one thread that takes them; "" for nobody."""
    per = trace.instance.fields[trace.instance.position[key]].per
    if per is not None:
        return thread_name(trace.instance, per, key[1])
    who = reader(trace.instance, key)
    return thread_name(trace.instance, *who) if who else ""


def argue(trace: Trace, lost: Loss, broken: int | None = None) -> Argument:
    """The argument for a loss.

    Args:
        broken: the move that breaks the property, where the property is the promise itself (`promise_kept`).
    """
    return _Inquiry(trace, lost, broken).argument()


class _Inquiry:
    def __init__(self, trace: Trace, lost: Loss, broken: int | None) -> None:
        self.trace, self.instance, self.page, self.key, self.named = trace, trace.instance, lost.page, lost.key, broken
        self.origins = Origins(trace, lost.page)
        self.delivery = Delivery(self.instance, lost.key, lost.page)
        self.who = owed_to(trace, lost.key)

    @cached_property
    def marked(self) -> int:
        """The last move after which the page is owed, whatever was before; 0 where there is none."""
        moves = range(len(self.trace), 0, -1)
        return next((at for at in moves if marks_page(self.trace, at, self.key, self.page)), 0)

    @cached_property
    def written(self) -> int | None:
        """The last move that changed the page's content."""
        moves = range(len(self.trace), 0, -1)
        return next((at for at in moves if writes_page(self.trace, at, self.page)), None)

    def argument(self) -> Argument:
        if self.named is not None and self.named != self.written:
            return self._taken_away(self.named, self._named_keys(self.named), claims.NamedOnly)
        broken = self._broken()
        if broken is None:
            return Argument(self._known())
        if broken == (self.written or 0):
            return self._never_told()
        keys = self.delivery.carriers(self.trace.states[broken - 1])
        if not keys:
            return Argument((*self._known(), (self._cut_off(broken),)), self._broken_note(broken))
        return self._taken_away(broken, keys, claims.OnlyPromised)

    def _broken(self) -> int | None:
        """The move after which no record promises the page; None where one does, or where it was not determined."""
        for at in range(len(self.trace), (self.written or 0) - 1, -1):
            promised = self.delivery.promised(self.trace.states[at])
            if promised is None or (promised and at == len(self.trace)):
                return None
            if promised:
                return at + 1
        return self.written or 0

    def _named_keys(self, broken: int) -> tuple[Key, ...]:
        """The records that the property names and that hold the page before the move."""
        case = dict(self.instance.cases(self.trace.invariant)).get(self.trace.number)
        named = {e.args for e in walk(case) if e.op == "field"} if case is not None else set()
        return tuple(f.key for f in records(self.instance) if f.key in named and self.origins.has(f.key, broken - 1))

    # -- what is known in any case

    def _known(self) -> tuple[tuple[Claim, ...], ...]:
        page, key = self.page, self.key
        if not self.marked:
            text = f"page {page} is unread from the start"
            first: Claim = claims.NeverWritten(text, page, key)
        else:
            what = f"the write at {self.marked} is the last of page {page}"
            other = f"page {page} is unread since the {self._operation(self.marked)} at {self.marked}"
            text = what if self.marked == self.written else other  # a later write may owe the page to others only
            first = claims.LastMark(text, page, key, self.marked, writes_page(self.trace, self.marked, page))
        keys = tuple(f.key for f in records(self.instance) if self.origins.has(f.key, len(self.trace)))
        held = f"{field_names(self.instance, keys) or 'no bitmap'} {'hold' if len(keys) > 1 else 'holds'} the page"
        rest = f"at the end {held}, and nothing has brought it {f'to {self.who}' if self.who else 'out'} since"
        return (first,), (claims.Standing(rest, page, key, keys),)

    def _operation(self, at: int) -> str:
        return self.trace.moves[at - 1].ground.step.operation

    def _broken_note(self, broken: int) -> dict[int, list[Note]]:
        text = f"the promise{self._to_whom()} is broken here"
        return {broken: [Note(NoteKind.BROKEN, claims.PromiseBroken(text, self.page, self.key, broken))]}

    def _to_whom(self) -> str:
        return f" to {self.who}" if self.who else ""

    def _brings(self) -> str:
        return f"brings it{self._to_whom()}" if self.who else "takes it out"

    # -- nothing ever promised it

    def _never_told(self) -> Argument:
        if not self.written:
            return Argument((*self._known(), (self._cut_off(0),)))
        at, before = self.written, self.written - 1
        put = [f.key for f in records(self.instance) if self.origins.has(f.key, at)]
        put = [k for k in put if not self.origins.has(k, before)]
        tells = f"tells {self.who} of" if self.who else "promises"
        text = f"the write at {at} set no bit that {tells} page {self.page}"
        if put:
            named = field_names(self.instance, put)
            text = f"the write at {at} put page {self.page} into {named} only, and from there no run {self._brings()}"
        first: list[Claim] = [claims.SetNothing(text, self.page, self.key, at), *self._missed(at)]
        sentences = [tuple(first)]
        taken = [i for i in range(1, at) if takes_page(self.trace, i, self.key, self.page)]
        if taken and self.who:
            text = f"{self.who} had read the page at {taken[-1]}, before it"
            sentences.append((claims.Took(text, self.page, self.key, taken[-1]),))
        return Argument(tuple(sentences), self._broken_note(at))

    def _missed(self, at: int) -> Iterator[Claim]:
        """What cut the mark of the write: `page & armed` where the page was not armed, `page - tlb` where it was in."""
        for target in records(self.instance):
            value = assigned(self.instance, self.trace.moves[at - 1], target.key)
            if value is None or self.origins.has(target.key, at):
                continue
            for key, holds in self._cuts(value, at):
                if key != target.key:
                    name, missed = field_name(self.instance, key), field_name(self.instance, target.key)
                    text = f"{name} {'held' if holds else 'did not hold'} the page, so {missed} was not set"
                    yield claims.Missed(text, self.page, self.key, at, key, holds)
                    return

    def _cuts(self, value: Expr, at: int) -> Iterator[tuple[Key, bool]]:
        for part in walk(value):
            if part.op not in ("meet", "minus") or self.origins._value(part, at):
                continue
            left, right = (self.origins._value(a, at) for a in part.args)
            if part.op == "minus" and left and right and part.args[1].op == "field":
                yield part.args[1].args, True
            if part.op == "meet" and left != right:
                without = part.args[1 if left else 0]
                if without.op == "field":
                    yield without.args, False

    # -- a move took the last promise away

    def _cut_off(self, broken: int) -> Claim:
        after = f"after the {self._operation(broken)} at {broken}" if broken else "from the start"
        text = f"{after} no run without another write {self._brings()}"
        return claims.CutOff(text, self.page, self.key, broken)

    def _taken_away(
        self, broken: int, keys: tuple[Key, ...], kind: type[claims.OnlyPromised] | type[claims.NamedOnly]
    ) -> Argument:
        names, page = field_names(self.instance, keys), self.page
        since = f", because of the write at {self.written}" if self._owe_the_write(keys, broken) else ""
        text = f"only {names} promised page {page}{self._to_whom()}{since}"
        if kind is claims.NamedOnly:
            text = f"of what the property names, only {names} held page {page}{self._for_whom()}{since}"
        sentences: list[tuple[Claim, ...]] = []
        if keys:
            sentences.append((kind(text, page, self.key, broken, keys, self.written if since else None),))
        removed = tuple(k for k in keys if not self.origins.has(k, broken))
        if not keys or removed != keys:
            sentences += [(self._cut_off(broken),)] if kind is claims.OnlyPromised else self._known()
            return Argument(tuple(sentences), self._broken_note(broken))
        text = f"the {self._operation(broken)} at {broken} removed {'it' if len(keys) == 1 else 'them'}"
        grounds, notes = self._grounds(broken, keys)
        sentences.append((claims.Removed(text, page, self.key, broken, keys), *grounds))
        for at, note in self._broken_note(broken).items():
            notes.setdefault(at, []).extend(note)
        return Argument(tuple(sentences), notes)

    def _for_whom(self) -> str:
        return f" for {self.who}" if self.who else ""

    def _owe_the_write(self, keys: Sequence[Key], broken: int) -> bool:
        """Each of these bits was there after the write, or descends from it."""
        if not self.written or self.written >= broken:
            return False
        return all(
            self.origins.has(k, self.written)
            or any(o.made >= (self.written or 0) for o in self.origins.chain(iter([k]), broken - 1))
            for k in keys
        )

    # -- on what grounds

    def _grounds(self, broken: int, keys: Sequence[Key]) -> tuple[list[Claim], dict[int, list[Note]]]:
        masks = [m for k in keys for m in self.origins.masks(k, broken)]
        relied = [k for m in masks for k in self.origins.support(m, broken)]
        values = [assigned(self.instance, self.trace.moves[broken - 1], k) for k in keys]
        if all(v is not None and v.op == "none" for v in values) or (relied and set(relied) <= set(keys)):
            return [*self._everything(broken, tuple(keys))], {}
        chain = self.origins.chain(iter(relied), broken - 1)
        if not chain:
            return [], {}
        report = next((o for o in chain if self.origins.is_report(o)), None)
        nearest = next((o for o in chain if not is_register(o.key[0])), chain[0])
        return [*self._relied_on(broken, nearest, report)], self._reported(chain, broken)

    def _everything(self, broken: int, keys: tuple[Key, ...]) -> Iterator[Claim]:
        yield claims.TookEverything("it takes away every bit", self.page, self.key, broken, keys)
        if self.written and not any(self._copied(at) for at in range(self.written + 1, broken + 1)):
            text = f"no move since the write at {self.written} has copied page {self.page} anywhere"
            yield claims.NotCopied(text, self.page, self.key, self.written, broken)

    def _copied(self, at: int) -> bool:
        return any(self.origins.has(f.key, at) and not self.origins.has(f.key, at - 1) for f in records(self.instance))

    def _relied_on(self, broken: int, nearest: Origin, report: Origin | None) -> Iterator[Claim]:
        fatal, owner = self.trace.moves[broken - 1].ground, self.instance.fields[self.instance.position[nearest.key]]
        own = (owner.per, owner.number) == (fatal.sort, fatal.thread) and not is_register(owner.name)
        what = field_name(self.instance, nearest.key)
        if own:
            what = f"{thread_name(self.instance, fatal.sort, fatal.thread)}'s own bitmap"
        page, key, written = self.page, self.key, self.written
        if report is None or not written or report.made == written:
            yield claims.ReliedOn(f"it relied on {what}", page, key, broken, nearest.key)
            return
        shown = f"{self._operation(report.made)} at {report.made}"
        if report.made < written:
            older = max((w for w in range(1, report.made) if writes_page(self.trace, w, page)), default=0)
            before = f"the write at {older}" if older else "an older state"
            text = f"{what} dates from the {shown} and cannot tell {before} from the write at {written}"
            yield claims.DatesFrom(text, page, key, broken, nearest.key, report.made, older, written)
            return
        merge = self._ends(report.made)
        text = f"{what} shows the report of the {shown}"
        if merge == 0 or merge > broken:
            text += ", which was still on its way"
            if merge and not self._copied(merge):
                text += f": {self.trace.moves[merge - 1].ground.step.label} at {merge} finds nothing of it"
            yield claims.NotMerged(text, page, key, broken, report.made, merge)
        elif self.who and not any(self._reached(at) for at in range(report.made, broken + 1)):
            text += f", and that report never reached {self.who}"
            yield claims.NotReached(text, page, key, broken, report.made)
        else:
            yield claims.ReliedOn(f"it relied on {what}", page, key, broken, nearest.key)

    def _ends(self, at: int) -> int:
        """The move that ends the operation of move `at`, or 0."""
        begun = self.trace.moves[at - 1].ground
        for later in range(at, len(self.trace) + 1):
            ground = self.trace.moves[later - 1].ground
            if (ground.sort, ground.thread) == (begun.sort, begun.thread) and ground.step.last:
                return later
        return 0

    def _reached(self, at: int) -> bool:
        """Some set of whom the page is owed holds it."""
        per = self.instance.fields[self.instance.position[self.key]].per
        own = [f.key for f in self.instance.fields if f.sort == PAGES and (f.per, f.number) == (per, self.key[1])]
        return any(self.origins.has(k, at) for k in own if k != self.key and per is not None)

    def _reported(self, chain: Sequence[Origin], broken: int) -> dict[int, list[Note]]:
        """A note on the move that put what was relied on into a bitmap of its own thread: which report it shows."""
        reports = [o.made for o in chain if self.origins.is_report(o)]
        own = [o for o in chain if o.made and self._movers_own(o) and not is_register(o.key[0])]
        latest = max(own, key=lambda o: o.made, default=None)
        if not reports or latest is None or min(reports) >= latest.made:
            return {}
        text = f"reported by the {self._operation(min(reports))} at {min(reports)}"
        claim = claims.ReportedBy(text, self.page, self.key, latest.made, latest.key, min(reports))
        return {latest.made: [Note(NoteKind.REPORTED, claim)]}

    def _movers_own(self, origin: Origin) -> bool:
        ground = self.trace.moves[origin.made - 1].ground
        owner = self.instance.fields[self.instance.position[origin.key]]
        return (owner.per, owner.number) == (ground.sort, ground.thread)
