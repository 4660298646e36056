"""What a design says as a class: how its parts begin, what it inherits, what it is called, when it is the same."""

import pickle

from model import ALL, MIGRATION, NONE, Client, Design, Flag, Pages, Sort, operation, wait_for
from model.designs.per_slot_cache import PerSlotCache
from model.instance.instance import Instance
from model.program.design import kebab, record
from tests.support.designs import Plain
from tests.support.moves import after
from tests.support.reachable import reachable


def test_initial_values_can_be_given():
    """QEMU starts migration with RAMBlock.bmap all ones; a constant client can differ from the rest."""

    class Starts(Design):
        full = Pages("full", initially=ALL)
        some_full = Pages("bmap", per=Client, initially={MIGRATION: ALL})
        up = Flag("flag", initially=True)

        @operation
        def empty(s, me):
            s.full = NONE

    state = after(Starts)
    assert (3, 3, 0, 1) == (state["full"], state["some_full", 0], state["some_full", 1], state["up"])


def test_a_design_may_declare_an_index_sort_of_its_own():
    """Sizes are given by its name."""
    Chunk = Sort("Chunk", "64 pages that are cleared together")

    class Chunked(Design):
        owed = Flag("clear_bmap", per=Chunk, initially=True)

        @operation
        def clear(s, me, chunk: Chunk):
            wait_for(s.owed[chunk])
            s.owed[chunk] = False

    assert 8 == len(reachable(Instance(record(Chunked), 1, {"Client": 1, "Chunk": 3})))


def test_none_removes_an_inherited_operation_and_a_part():
    """A variant says what it leaves out."""

    class Less(Plain):
        take = None
        on = None

    program = record(Less)
    assert (("write",), ["log", "own"]) == (program.operations, [v.name for v in program.variables])


def test_recording_twice_gives_the_same_digest_and_a_changed_line_another():
    """The digest identifies the meaning of a design."""

    class Other(PerSlotCache):
        @operation
        def collect(s, me):
            s.mine[me] = s.user[me]
            s.user[me] = NONE

    assert record(PerSlotCache).digest == record(PerSlotCache).digest
    assert record(PerSlotCache).digest != record(Other).digest


def test_a_program_survives_pickling():
    """Engines may run in other processes."""
    program = record(PerSlotCache)
    again = pickle.loads(pickle.dumps(program))
    assert program.digest == again.digest
    assert len(Instance(program, 1, {"Client": 2}).moves) == len(Instance(again, 1, {"Client": 2}).moves)


def test_class_names_become_command_line_names():
    """As a user types them."""
    names = ["PerSlotCache", "TopLayerAndCache", "Naive", "My_Design", "K1Legacy"]
    typed = ["per-slot-cache", "top-layer-and-cache", "naive", "my-design", "k1-legacy"]
    assert typed == [kebab(n) for n in names]
