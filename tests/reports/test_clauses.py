"""What `--explain` prints of an invariant: clauses in words, and a glossary."""

import pytest

from model.designs.catalogue import find_property, load
from model.instance.problem import Problem
from model.program.design import record
from reports.clauses import glossary, plain
from tests.support.command import check


@pytest.mark.parametrize(
    ("clause", "said"),
    [
        ("c.want <= NONE unless c is at clear.chosen", "c.want is empty unless c is at clear.chosen"),
        ("unread[c] <= kernel | mine[c] | user[c]", "every page of unread[c] is in kernel, mine[c] or user[c]"),
        ("kernel & c.known <= NONE while began", "no page is in both kernel and c.known while began"),
        ("a & b & c <= d | e", "every page in a, b and c is in d or e"),
        ("ALL <= armed | kernel while stopped", "every page is in armed or kernel while stopped"),
        ("a <= b   (c and d different)", "every page of a is in b   (c and d different)"),
        ("stopped while synced", "stopped while synced"),
        ("never the holder is at sync.reported", "never the holder is at sync.reported"),
    ],
)
def test_a_clause_is_said_in_words(clause, said):
    assert said == plain(clause)


def test_the_glossary_has_what_the_clauses_name_and_nothing_else():
    design = load("per-slot-cache")
    program = Problem.of(record(design), find_property("no_lost_write", design)).program
    clauses = ["slots_lock is taken while the holder is at sync.reported", "c.want & cache <= user[c] while synced"]
    assert {
        "the holder": "the thread that holds a lock",
        "c": "any client, other than the holder",
        "slots_lock (lock)": "kml_slots_lock: guards every slot's cache",
        "user": "ram_list.dirty_memory[client]: synced for this client, not collected yet",
        "cache": "KVMSlot.dirty_bmap: what the last GET_DIRTY_LOG reported and nobody cleared since",
        "want of a thread": "the pages that clear has chosen",
        "synced": "flag of the property: it has completed that sync",
        "at sync.reported": "has taken that step and not yet the next one of its operation",
    } == dict(glossary(program, clauses))


def test_explain_ends_with_the_words():
    """A design of the field, as the command prints it: no sign of a formula is left."""
    done = check("per-slot-cache", "--explain", "--pages", "1", "--property", "promise_kept", env={"COLUMNS": "100"})
    assert 0 == done.returncode
    said, _, words = done.stdout.partition("  The words:\n")
    assert "   1. slots_lock is taken while a client holds a lock\n" in said
    assert "c.want is empty unless c is at clear.chosen or c is at clear.forgotten" in " ".join(said.split())
    assert not {"<=", "NONE", "&", "|"} & set(said.split())
    assert "    known of a thread: kept by the thread: register of clear\n" in words
