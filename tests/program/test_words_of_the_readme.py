"""What the README's table says of threads and sorts: each row as a small design that is recorded and searched."""

from model import NONE, Client, every
from model.expr import sometimes
from model.instance.instance import Instance
from model.program.design import record
from model.verify.portfolio import answer
from model.verify.question import Question
from tests.support.designs import Words


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
