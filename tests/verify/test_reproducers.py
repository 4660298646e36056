"""Every small input that once went wrong has the right outcome; those that no test of their room holds stand here."""

import pytest

from model.designs.catalogue import find_property, load
from model.limits import Limits
from model.verify.api import verify
from tests.support.command import check
from tests.support.paths import ROOT

FOLDER = ROOT / "tests" / "data" / "reproducers"
ELSEWHERE = {  # folder -> the tests that go through it
    "silent": "verify/test_silent.py",
    "messages": "program/test_declared.py",
    "tso": "program/test_store_buffer.py",
}
PROVED, REFUTED, REFUSED, OPEN = 0, 1, 2, 3
OUTCOMES = [  # file and class, property or nothing for what is asked by default, exit code, what is said
    ("engines/a1_thread.py", "never_lost", REFUTED, "2 threads"),
    ("engines/a1c_control.py", "never_lost", PROVED, "2 threads"),
    ("engines/a1c_thread.py", "never_lost", PROVED, "2 threads"),
    ("engines/a1d_page.py", "same", PROVED, "2 pages, 2 clients"),
    ("engines/a2_at.py", "never_bad", REFUTED, "2 moves"),
    ("engines/a2b_at.py", "nobody_arrives", REFUTED, "1 move"),
    ("engines/a2c_at.py", "never", REFUTED, "3 moves"),
    ("engines/a3_distinct.py:Names", "clear", REFUTED, "1 move"),
    ("engines/a3_distinct.py:Names2", "clear2", REFUTED, "1 move"),
    ("engines/a3_distinct.py:Names3", "clear3", REFUTED, "1 move"),
    ("engines/a3p_distinct.py", "clear", PROVED, "vacuous: distinct is never set"),
    ("engines/a12_newline.py", "never_lost", REFUSED, "does not print"),
    ("engines/a7_unused.py:Seen", "no_vcpu", REFUSED, "it is about each Vcpu, and Seen has none"),
    ("engines/a7_unused.py:Seen", "some_vcpu", REFUSED, "it is about each Vcpu, and Seen has none"),
    ("engines/a7_unused.py:Seen", "chunk", REFUSED, "it is about each Chunk, and Seen has none"),
    ("engines/a7_unused.py:Seen", "ghost_sort", REFUSED, "seen has no Chunk"),
    ("engines/a7_unused.py:Seen", "ghost_sort2", REFUSED, "seen has no Slot"),
    ("engines/a7_unused.py:OnlyVcpu", "by_client", REFUSED, "it is about each Client, and OnlyVcpu has none"),
    ("engines/a7_unused.py:OnlyVcpu", "some_vcpu", PROVED, "vacuous: it holds vacuously"),
    ("engines/a9_names.py:Buf", "never_bad", REFUSED, "bad is stored while an earlier store to x may still wait"),
    ("engines/a9_names.py:Op", "never_bad", REFUSED, "bad is stored while an earlier store to x may still wait"),
    ("engines/a9_names.py:PendingStore", "not_pending", REFUSED, "pending_irq is stored while an earlier store"),
    ("engines/a9_names.py:TwoSorts", "never_bad", REFUSED, "two sorts that are both called Chunk"),
    ("engines/a9_names.py:Guests", "never_bad", REFUTED, "3 moves"),
    ("engines/a9_names.py:Clients", "never_bad", PROVED, "1 client"),
    ("engines/a9_names.py:FixedSize", "never_bad", REFUTED, "3 fixeds"),
    ("engines/a14_recursive.py", "migration_blocks", PROVED, "deadlock: after MIGRATION: go.own"),
    (
        "engines/a15_misspelt.py",
        "cleared_blindly",
        REFUSED,
        "the operation 'cleer', which Mine does not have; did you mean 'clear'?",
    ),
    ("engines/a18_vacuous.py:Mine", "no_lost_write", OPEN, "it holds of every state there could be"),
    ("engines/a18_vacuous.py:Mine", "implied", PROVED, "vacuous: it holds vacuously: it holds of every state"),
    ("engines/a18_vacuous.py:Mine", "blocks", PROVED, "unread[MIGRATION] is always empty"),
    ("engines/a18_vacuous.py:Mine", "blocks_late", PROVED, "clear.cleared, clear.read can never be taken"),
    ("engines/a18_vacuous.py:Stuck", "never", REFUSED, "helper_ is assigned and never read"),
    ("engines/a18_vacuous.py:Deadlock", "never", PROVED, "waits.lost, readies.ready can never be taken"),
    ("misleading/abba.py", "", REFUTED, "deadlock: after"),
    ("misleading/why_wrong.py", "", REFUTED, "2 moves"),
    ("repair/repair_deadlock.py:FlushBufferBlindly", "", REFUTED, "6 moves"),
    ("repair/repair_deadlock.py:RepairedByDeadlock", "", OPEN, "nobody can ever read a page that was written"),
    ("scope/k15_fix_one_vcpu.py", "", PROVED, "1 cpu"),
    ("scope/live.py", "", PROVED, "not asked: drained: it speaks of infinite runs"),
    ("scope/q13_fix_busy.py", "", PROVED, "2 writers"),
    ("scope/q13_fix_own_sort.py", "", PROVED, "1 migration"),
    ("scope/q13_fix_two.py", "", PROVED, "2 writers"),
    ("scope/scope_two.py", "marks_stay", REFUTED, "2 markers"),
]


@pytest.mark.parametrize(("spec", "property", "code", "said"), OUTCOMES)
def test_the_outcome_is_the_right_one(spec, property, code, said):
    """At two pages, by a search: what is said of more is a matter of other tests."""
    named = ["--property", property] if property else []
    done = check(FOLDER / spec, *named, "--engine", "lanes", "-q")
    words = " ".join((done.stdout + done.stderr).split())
    assert (code, True) == (done.returncode, said in words), words


BIG = {  # safe at 2 pages and 2 of each sort; lost with so many
    "ThreePages": {"pages": 3, "clients": 1},
    "ThreeClients": {"clients": 3},
    "FourClients": {"clients": 4},
    "FivePages": {"pages": 5, "clients": 1},
    "RegisterChain": {"pages": 3, "clients": 3},
    "ThreeChunks": {"sizes": {"Chunk": 3}, "clients": 1},
    "NestedForallExists": {"pages": 3, "clients": 3},
    "SetsOfSets": {"pages": 3, "clients": 1},
    "ChunkEffect": {"pages": 3, "clients": 1},
    "ThreeVcpus": {"sizes": {"Vcpu": 3}},
    "OneVcpuOnly": {"clients": 3},
}


@pytest.mark.parametrize(("design", "size"), BIG.items())
def test_no_proof_speaks_of_a_size_at_which_it_is_lost(design, size):
    """Views prove nothing for any number, or for as many as were asked for."""
    asked = load(f"{FOLDER / 'engines' / 'big_only.py'}:{design}")
    rule = find_property("never_lost", asked)
    assert "proved" == verify(asked, rule, engine="lanes").verdict.word
    assert "refuted" == verify(asked, rule, engine="lanes", **{"pages": 1, **size}).verdict.word
    views = verify(asked, rule, engine="views", limits=Limits(seconds=1))
    more = [f"{sort.lower()}s" for sort in size.get("sizes", {})] + [
        k for k, n in size.items() if k != "sizes" and n > 2
    ]
    assert "proved" != views.verdict.word or "any" not in [views.scope[k] for k in more][-1:]


def test_no_input_is_left_without_a_test():
    """Each file stands in the table, in a folder that another test goes through, or is named by a test."""
    texts = [f.read_text() for f in (ROOT / "tests").rglob("test_*.py")]
    for file in FOLDER.rglob("*.py"):
        known = file.parent.name in ELSEWHERE or any(f'"{file.stem}"' in t or f"{file.name}" in t for t in texts)
        assert known or any(f"{file.parent.name}/{file.stem}" in row[0] for row in OUTCOMES), file.name
