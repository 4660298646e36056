"""What the README's table says of threads and sorts: each row as a small design that is recorded and searched."""

from model import NONE, Client, Design, Flag, Guest, Pages, Queue, Sort, every, idle, operation, wait_for
from model.expr import sometimes
from model.instance.instance import Instance
from model.program.design import record
from model.verify.portfolio import answer
from model.verify.question import Question

OneClient = Sort("Client", "migration, the only reader", ("MIGRATION",), size=1)
Writer = Sort("Writer", "threads of the host that write", names=("vhost", "KVM"), size=2)


class Words(Design):
    """Writers fill a queue of two; one client empties it, and may finish when the writers are between operations."""

    ring = Queue("a bounded queue", length=2)
    mine = Pages("what the client has read", per=OneClient)
    paused = Flag("the guest has paused the device")
    done = Flag("the end")

    @operation(by=Writer)
    def mark(s, me, page):
        wait_for(~s.paused)
        yield "seen"
        s.ring.push(page)
        yield "pushed"

    @operation(by=Guest)
    def pause(s, me):
        s.paused = True

    @operation(by=OneClient)
    def read(s, me):
        s.mine[me] |= s.ring.head
        s.ring.pop()

    @operation(by=OneClient)
    def finish(s, me):
        wait_for(s.paused & every(Writer, lambda w: idle(w)) & s.ring.empty)
        s.done = True


@sometimes
def ends(s):
    """The end can be reached after something was read."""
    return s.done & ~(every(Client, lambda c: s.mine[c]) <= NONE)


def test_a_sort_with_names_and_a_size_is_named_in_the_scope():
    """Two writers, one client, one guest; the scope leaves out the guest, which is one by what it is."""
    found = Instance(record(Words), 1, {})
    assert {"Client": 1, "Writer": 2} == found.scope_sizes == found.fixed_sizes
    assert "KVM" == record(Words).sorts["Writer"].call(1)


def test_a_full_queue_blocks_and_a_sometimes_property_is_found():
    """The third push waits; the end is reached."""
    result = answer(Question(Words, ends, 1, {}, "explicit"))
    assert "proved" == result.verdict.word
