"""Sizes that a program can have, and those that it cannot."""

import pytest

from model import ALL, Client, operation
from model.errors import UsageError
from model.instance.instance import Instance
from model.program.design import record
from tests.support.designs import Plain


def test_sizes_that_make_no_sense_are_refused():
    """No page, no client, or a sort that the design lacks."""
    program = record(Plain)
    with pytest.raises(UsageError, match="an instance has at least 1 page, not 0."):
        Instance(program, 0)
    with pytest.raises(UsageError, match="an instance has at least 1 client, not 0."):
        Instance(program, 1, {"Client": 0})
    with pytest.raises(UsageError, match="plain has no Vcpu; it has Client."):
        Instance(program, 1, {"Vcpu": 2})


def test_a_constant_beyond_the_size_is_refused():
    """Client[1] needs two clients."""

    class Second(Plain):
        @operation
        def take(s, me):
            s.own[Client[1]] = ALL

    with pytest.raises(
        UsageError, match=r"second names VGA, client number 1, and needs at least 2 of them: --clients 2"
    ):
        Instance(record(Second), 1, {"Client": 1})
