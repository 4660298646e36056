"""Store buffers: what an entry is, when it is seen, and which stores may not overtake it."""

import pytest

from model import ALL, NONE, Client, Design, Flag, Lock, Machine, Pages, choose, fence, operation
from model.designs.catalogue import find_property, load
from model.engines import explicit
from model.errors import DesignError
from model.expr import always, eventually
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.liveness.goal import applies
from model.program.design import record
from model.verify import packed
from tests.support.designs import ONE, TWO, Overtaking, T
from tests.support.moves import after
from tests.support.paths import ROOT


def searched(design, rule, pages=1, entries=2, **sizes):
    """The reference's verdict."""
    problem = Problem.of(record(design, buffer=entries), rule, pages=pages, sizes=sizes)
    return explicit.search(problem)


def test_a_thread_sees_its_own_pending_store():
    """And another does not, until the machine drains it; a locked store is seen at once."""

    class Own(Design):
        x = Pages("x", memory="tso")
        seen = Pages("seen", per=Client)

        @operation
        def put(s, me, page):
            s.x = page

        @operation
        def put_at_once(s, me, page):
            s.locked.x = page

        @operation
        def look(s, me):
            s.seen[me] = s.x

    put, look = ("put", 0, {"page": 1}), [("look", 0, {}), ("look", 1, {})]
    assert (1, 0) == tuple(after(Own, put, *look)["seen", k] for k in (0, 1))
    drain = ("drain_x_of_client", 0, {"thread": 0, "page": 1})
    assert (1, 1) == tuple(after(Own, put, drain, *look)["seen", k] for k in (0, 1))
    assert (1, 1) == tuple(after(Own, ("put_at_once", 0, {"page": 1}), *look)["seen", k] for k in (0, 1))


def test_a_property_sees_memory_and_no_store_buffer():
    """A store that is pending has not happened yet: it takes the machine's move as well."""

    class Own(Design):
        f = Flag("f", memory="tso")

        @operation
        def put(s, me):
            s.f = True

    @always
    def clear(s):
        """The flag is never seen set."""
        return ~s.f

    found = searched(Own, clear, Client=1)
    assert ("refuted", 2) == (found.word, found.depth)


def test_two_plain_stores_in_one_step_are_refused():
    """Each is an instruction of its own, and another thread may act between them."""

    class Twice(Design):
        x = Flag("x", memory="tso")
        y = Flag("y", memory="tso")

        @operation
        def put(s, me):
            s.x = True
            s.y = True

    with pytest.raises(DesignError, match="two plain stores in one step, to x and to y; each is an instruction"):
        record(Twice)


class Cards(Design):
    """Threads mark cards by plain stores, and each mark counts once it is visible."""

    card = Pages("a byte a page", memory="tso")
    done = Pages("marked and visible", ghost=True)

    @operation(by=T)
    def mark(s, me, page):
        s.card |= page
        yield "stored"
        fence()
        s.done |= page
        yield "visible"


class Word(Cards):
    """The same bits in one word: a plain `word |= bit` is a load and a store of all of it."""

    card = Pages("a bitmap of one word", memory="tso", cell=ALL)


@always
def marks_stay(s):
    """What was marked and became visible stays marked."""
    return s.done <= s.card


def test_a_byte_map_is_a_cell_a_page_and_a_word_is_one_cell():
    """Two threads that mark two bytes lose neither; of two bits in a word one is lost."""
    assert "proved" == searched(Cards, marks_stay, pages=2).word
    assert "refuted" == searched(Word, marks_stay, pages=2).word
    assert "proved" == searched(Word, marks_stay, pages=1).word


def test_a_store_of_what_is_there_already_is_a_store():
    """`card[page] = 1` onto a 1 still comes after a clear that came first: the mask is read off the assignment."""

    class Cleared(Cards):
        @operation(by=T)
        def mark(s, me, page):
            s.card |= page
            yield "stored"
            fence()
            yield "visible"

        @operation
        def clear(s, me, page):
            s.locked.card -= page

    mark, clear = ("mark.stored", 0, {"page": 1}), ("clear", 0, {"page": 1})
    drain = ("drain_card_of_t", 0, {"thread": 0, "page": 1})
    state = after(Cleared, mark, drain, ("mark.visible", 0, {}), mark, clear, drain)
    assert 1 == state["card"]


def test_a_conditional_store_that_is_not_made_leaves_no_entry():
    """`s.card |= page - s.card` and `choose(..., s.card)` say: only where it is not marked yet."""

    class Skips(Cards):
        flag = Flag("f", memory="tso")

        @operation(by=T)
        def mark(s, me, page):
            s.card |= page - s.card
            yield "stored"
            s.flag = choose(page <= s.card, s.flag, True)
            yield "visible"

    mark, drain = ("mark.stored", 0, {"page": 1}), ("drain_card_of_t", 0, {"thread": 0, "page": 1})
    skipped = after(Skips, mark, ("mark.visible", 0, {}), drain, mark, ("mark.visible", 0, {}))
    assert (1, 0, 0, 0) == tuple(
        skipped[n] for n in ("card", ("card.t.cells.0", 0), ("flag.t.waits.0", 0), ("flag.t.waits.1", 0))
    )


def test_a_store_of_several_pages_is_seen_a_page_at_a_time():
    """In any order, and before what the thread stores next."""

    class Loop(Cards):
        @operation(by=T)
        def mark(s, me, want):
            s.card |= want
            yield "stored"
            s.card -= want
            yield "taken back"

    put = [("mark.stored", 0, {"want": 3}), ("mark.taken back", 0, {})]
    for first, second in ((1, 2), (2, 1)):
        drains = [("drain_card_of_t", 0, {"thread": 0, "page": p}) for p in (first, second, first)]
        assert first == after(Loop, *put, drains[0])["card"]
        assert 3 == after(Loop, *put, *drains[:2])["card"]
        assert second == after(Loop, *put, *drains)["card"]


def test_machines_store_into_buffers_that_drain_by_themselves():
    """A piece of hardware that stores, waits for the store and goes on does go on."""

    class Hardware(Cards):
        @operation(by=Machine)
        def mark(s, me, page):
            s.card |= page
            yield "stored"
            fence()
            s.done |= page
            yield "visible"

    @always
    def never_done(s):
        """Refuted after store, drain and fence."""
        return s.done <= NONE

    found = searched(Hardware, never_done)
    assert ("refuted", 3) == (found.word, found.depth)


@pytest.mark.parametrize(
    ("file", "rule", "pages", "word"),
    [
        ("tso_machine", "never_done", 1, "refuted"),
        ("tso_machine_one", "never_done", 1, "refuted"),
        ("tso_pages_one_cell", "marks_stay", 2, "proved"),
        ("tso_hidden_fence", "not_both_empty", 1, "refuted"),
        ("tso_no_hidden_fence", "not_both_empty", 1, "refuted"),
    ],
)
def test_what_was_answered_wrongly(file, rule, pages, word):
    """A machine that waited for its own drain, bytes that took each other away, a store that acted as a fence."""
    design = load(str(ROOT / "tests" / "data" / "reproducers" / "tso" / f"{file}.py"))
    assert word == searched(design, find_property(rule, design), pages=pages).word


def test_a_plain_store_that_would_overtake_is_refused():
    """The message has the line of the second store and says what to write."""
    line = Overtaking.write.function.__code__.co_firstlineno + 4
    with pytest.raises(DesignError) as refused:
        record(Overtaking)
    assert refused.value.place.line == line
    expected = (
        "Overtaking.write: mark is stored while an earlier store to field may still wait in the store buffer, so other "
        "threads would see the later store first; x86 keeps the order. Write s.locked.mark for a locked instruction, "
        'which waits until the buffer is empty; or fence() before it; or declare mark with memory="tso" as well; '
        "or, where the real program has no such variable, with ghost=True."
    )
    assert expected == refused.value.message


def test_what_the_message_says_to_write_is_accepted():
    """A locked store, a fence, a buffered part, a ghost."""

    class Locked(Overtaking):
        @operation(by=ONE)
        def write(s, me):
            s.field = True
            yield "stored"
            s.locked.mark = True
            yield "marked"

    class Fenced(Overtaking):
        @operation(by=ONE)
        def write(s, me):
            s.field = True
            yield "stored"
            fence()
            s.mark = True
            yield "marked"

    class Buffered(Overtaking):
        mark = Flag("a mark that others look at", memory="tso")

    class Ghostly(Overtaking):
        mark = Flag("a mark that others look at", ghost=True)
        look = None

    for design in (Locked, Fenced, Buffered, Ghostly):
        assert 2 == record(design).buffer


def test_an_operation_may_begin_with_a_store_of_the_one_before():
    """The thread ends its operation while the store waits; the next operation's first store would overtake it."""

    class Next(Overtaking):
        @operation(by=ONE)
        def write(s, me):
            s.field = True

        @operation(by=ONE)
        def tell(s, me):
            s.mark = True

    with pytest.raises(DesignError, match="Next.tell: mark is stored while an earlier store to field may still wait"):
        record(Next)


def test_what_no_other_thread_sees_may_be_stored():
    """A flag that one thread alone touches is as good as a register; with two such threads it is not."""

    class Private(Overtaking):
        look = None

    assert 2 == record(Private).buffer

    class Several(Private):
        write = operation(by=T)(Overtaking.write.function)

    with pytest.raises(DesignError, match="mark is stored while an earlier store"):
        record(Several)


def test_a_lock_is_taken_by_a_locked_instruction_and_freed_by_a_store():
    """Taking waits until the buffer is empty; freeing while a store waits is refused."""

    class Under(Overtaking):
        look = None

        @operation(by=ONE)
        def write(s, me):
            s.field = True
            yield "stored"
            with s.lock:
                s.mark = True
                yield "marked"

    class Freed(Overtaking):
        look = None

        @operation(by=ONE)
        def write(s, me):
            with s.lock:
                s.field = True
                yield "stored"

    class Emptied(Overtaking):
        look = None

        @operation(by=ONE)
        def write(s, me):
            with s.lock:
                s.field = True
                yield "stored"
                fence()
                yield "fenced"

    step = next(t for t in record(Under).steps if t.label == "write.marked")
    assert any("field.one.waits.0" in str(g) for g in step.guards)
    with pytest.raises(DesignError, match="the lock lock is freed while a store to field may still wait"):
        record(Freed)
    assert 2 == record(Emptied).buffer


@pytest.mark.parametrize("late", ["fence", "locked", "take"])
def test_a_fence_in_the_step_of_the_store_is_refused(late):
    """It would wait for a store that the same step makes."""

    class Late(Overtaking):
        look = None

        @operation(by=ONE)
        def write(s, me):
            s.field = True
            if late == "fence":
                fence()
            elif late == "locked":
                s.locked.mark = True
            else:
                s.lock.acquire()
                s.lock.release()
            yield "stored"

    with pytest.raises(DesignError, match="in the step of the plain store to field|has no name"):
        record(Late)


def test_a_ghost_is_looked_at_by_ghosts_alone():
    """A guard or a store to another part that reads one would be seen by threads."""

    class Guarded(Overtaking):
        mark = Flag("a mark", ghost=True)

    class Copied(Overtaking):
        mark = Flag("a mark", ghost=True)
        other = Flag("another")

        @operation(by=TWO)
        def look(s, me):
            s.other = s.mark

    for design in (Guarded, Copied):
        with pytest.raises(DesignError, match="mark is a ghost, which the real program does not have"):
            record(design)


@pytest.mark.parametrize(
    ("part", "message"),
    [
        (Pages("x", per=Client, memory="tso"), 'memory="tso" is for a set of pages or a flag that all threads share'),
        (Lock("x", memory="tso"), 'memory="tso" is for a set of pages'),
        (Pages("x", memory="pso"), 'memory="tso" is for a set of pages'),
        (Pages("x", memory="tso", ghost=True), 'memory="tso" is for a set of pages'),
        (Pages("x", cell=ALL), "cell=ALL says of a part with memory"),
        (Pages("x", memory="tso", cell=NONE), "cell=ALL says of a part with memory"),
        (Lock("x", ghost=True), "ghost=True is for a set of pages, a flag or a queue"),
    ],
)
def test_what_a_part_says_of_its_memory_has_a_meaning(part, message):
    """Or is refused by name."""

    class Said(Cards):
        x = part

    with pytest.raises(DesignError, match=f"Said.x: {message}"):
        record(Said)


def test_a_drain_of_ones_own_is_refused():
    """Its name is taken by what the buffer does."""

    class Own(Cards):
        @operation
        def drain_card_of_t(s, me, page):
            s.locked.card |= page

    with pytest.raises(DesignError, match="drain_card_of_t is what its store buffer does; give yours another name"):
        record(Own)


def test_designs_without_plain_stores_have_no_buffer():
    """A part with memory="tso" that is stored by locked instructions only needs none."""

    class Locked(Cards):
        mark = None

        @operation
        def put(s, me, page):
            s.locked.card |= page

    program = record(Locked)
    assert (0, ["put"]) == (program.buffer, [t.label for t in program.steps])
    assert ["card", "done"] == [f.name for f in Instance(program, 1, {"Client": 1}).fields]


@pytest.mark.parametrize("design", [Cards, Word])
@pytest.mark.parametrize("entries", [1, 2])
@pytest.mark.parametrize("reductions", [("symmetry",), ("order",), ("pages",), ("symmetry", "order", "pages")])
def test_reductions_leave_verdict_and_depth(design, entries, reductions):
    """Threads with buffers are alike, drains are steps like others, and a buffer relates the pages that wait in it."""
    problem = Problem.of(record(design, buffer=entries), marks_stay, pages=2, sizes={"T": 2})
    found, reduced = explicit.search(problem), packed.search(problem, reductions=reductions)
    assert (found.word, found.depth) == (reduced.word, reduced.depth)


def test_what_drains_is_no_writer_that_liveness_does_not_know():
    """A store is seen some time: each buffer drains by itself, and a fence waits for it."""

    class Stored(Design):
        x = Flag("x", memory="tso")

        @operation
        def put(s, me):
            s.x = True
            yield "stored"
            fence()
            yield "fenced"

    @eventually
    def seen(s):
        """The store is seen."""
        return s.x

    assert "" == applies(record(Stored), seen)
