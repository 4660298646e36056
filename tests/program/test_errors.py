"""Every misuse of the language raises an error that names file and line and says what to write instead."""

import pytest

from model.designs.catalogue import load
from model.errors import DesignError, shown_path
from model.program.design import record
from tests.support.my_design import HEAD, write_design

# what is wrong: the body of the operation, and the whole message
CASES = {
    "unknown field": (
        "s.kernal |= page",
        "my_design.py:15: Mine has no field 'kernal'; did you mean 'kernel'? It has flag, kernel, lock, perv, unread.",
    ),
    "unknown field read": (
        "s.kernel |= s.mnie[me]",
        "my_design.py:15: Mine has no field 'mnie'. It has flag, kernel, lock, perv, unread.",
    ),
    "if on state": (
        "if page <= s.kernel:\n            s.kernel = NONE",
        "my_design.py:15: Mine.clear: `if`, `and`, `or` and `not` cannot look at the state: an "
        "operation runs once, while it is recorded, and its answer would be frozen into every "
        "run. Write `wait_for(...)` for a guard, `&`, `|`, `~` for logic, `choose(cond, a, b)` "
        "for data.",
    ),
    "and on state": (
        "wait_for(page <= s.kernel and page <= s.kernel)",
        "my_design.py:15: Mine.clear: `if`, `and`, `or` and `not` cannot look at the state: an "
        "operation runs once, while it is recorded, and its answer would be frozen into every "
        "run. Write `wait_for(...)` for a guard, `&`, `|`, `~` for logic, `choose(cond, a, b)` "
        "for data.",
    ),
    "not on state": (
        "wait_for(not page <= s.kernel)",
        "my_design.py:15: Mine.clear: `if`, `and`, `or` and `not` cannot look at the state: an "
        "operation runs once, while it is recorded, and its answer would be frozen into every "
        "run. Write `wait_for(...)` for a guard, `&`, `|`, `~` for logic, `choose(cond, a, b)` "
        "for data.",
    ),
    "use across a yield": (
        "known = s.kernel & page\n        yield 'seen'\n        s.kernel -= known\n        yield 'cleared'",
        "my_design.py:17: Mine.clear: a value read before a yield is used after it, and another thread"
        " may have changed it in between. Keep it in the thread: me.known = ... before the yield,"
        " me.known after it.",
    ),
    "guard across a yield": (
        "free = page <= s.kernel\n        s.flag = True\n        yield 'a'\n        wait_for(free)\n        yield 'b'",
        "my_design.py:18: Mine.clear: a value read before a yield is used after it, and another thread may have "
        "changed it in between. Keep it in the thread: me.known = ... before the yield, me.known after it.",
    ),
    "missing last name": (
        "s.kernel -= page\n        yield 'cleared'\n        s.unread[me] -= page",
        'my_design.py:17: Mine.clear: the step after "cleared" has no name. End it with `yield "..."`;'
        " the name is what a counterexample shows.",
    ),
    "missing name before a lock": (
        "s.kernel -= page\n        with s.lock:\n            s.kernel = NONE\n            yield 'x'",
        "my_design.py:16: Mine.clear: the step before lock is taken has no name. End it with `yield "
        '"..."` before the lock; the name is what a counterexample shows.',
    ),
    "missing name under a lock": (
        "with s.lock:\n            s.kernel = NONE",
        "my_design.py:15: Mine.clear: lock is freed, but the last step under it has no name. End that "
        'step with `yield "..."` inside the lock.',
    ),
    "empty lock": (
        "with s.lock:\n            pass\n        s.kernel = NONE",
        "my_design.py:15: Mine.clear: lock is freed, but nothing happens under it. End that step with "
        '`yield "..."` inside the lock.',
    ),
    "yield without a name": (
        "s.kernel = NONE\n        yield",
        'my_design.py:16: Mine.clear: `yield` ends a step and names it: yield "cleared".',
    ),
    "nothing before a yield": (
        "s.kernel = NONE\n        yield 'a'\n        yield 'b'",
        'my_design.py:17: Mine.clear: nothing happens before `yield "b"`; a step changes something or waits.',
    ),
    "same name twice": (
        "s.kernel = NONE\n        yield 'a'\n        s.kernel |= page\n        yield 'a'",
        'my_design.py:18: Mine.clear: two steps of this operation are named "a", and a counterexample '
        "could not tell them apart; give each its own name.",
    ),
    "lock taken twice": (
        "with s.lock:\n            with s.lock:\n                s.kernel = NONE\n                yield 'a'",
        "my_design.py:16: Mine.clear: lock is taken twice: the thread would wait for itself for ever. "
        "Take it once, around both parts.",
    ),
    "lock freed by nobody": (
        "s.lock.release()",
        "my_design.py:15: Mine.clear: lock is freed by a thread that does not hold it; take it first: `with s.lock:`.",
    ),
    "lock never freed": (
        "s.lock.acquire()\n        s.kernel = NONE\n        yield 'a'",
        "my_design.py:13: Mine.clear: lock is taken and never freed; use `with s.lock:`.",
    ),
    "lock assigned": (
        "s.lock = NONE",
        "my_design.py:15: Mine.clear: lock is a lock and cannot be assigned; take it with `with s.lock:`.",
    ),
    "lock as a value": (
        "s.kernel |= s.lock",
        "my_design.py:15: Mine.clear: lock is a lock, not a value; take it with `with s.lock:`.",
    ),
    "assignment to a parameter": (
        "page |= s.kernel\n        s.kernel = page",
        "my_design.py:15: Mine.clear: page is a parameter: it is chosen once, when the operation "
        "starts, and cannot be assigned. Keep the new value in a register of another name, "
        "me.kept_page = ...",
    ),
    "assignment to a parameter through me": (
        "me.page = s.kernel\n        yield 'a'",
        "my_design.py:15: Mine.clear: page is a parameter: it is chosen once, when the operation "
        "starts, and cannot be assigned. Keep the new value in a register of another name, "
        "me.kept_page = ...",
    ),
    "parameter through me": (
        "s.kernel |= me.page",
        "my_design.py:15: Mine.clear: page is a parameter; write page, not me.page.",
    ),
    "register before it is set": (
        "s.kernel -= me.known",
        "my_design.py:15: Mine.clear: me.known is read before the operation has set it. Registers are "
        "empty when an operation starts.",
    ),
    "all of them as one": (
        "s.kernel |= s.unread",
        "my_design.py:15: Mine.clear: unread is one per Client; say whose: s.unread[me], or "
        "s.unread[Client.every] for all of them.",
    ),
    "all of them assigned": (
        "s.unread = NONE",
        "my_design.py:15: Mine.clear: unread is one per Client; say whose: s.unread[me], or "
        "s.unread[Client.every] for all of them.",
    ),
    "number as index": (
        "s.unread[0] |= page",
        "my_design.py:15: Mine.clear: unread[0]: the index is a Client, such as me, Client[0] or "
        "Client.every; a design does not know how many there are.",
    ),
    "every client in a guard": (
        "wait_for(s.unread[every_client] <= NONE)",
        "my_design.py:15: Mine.clear: `every client` stands for one Client after another and needs the"
        " same on the left: s.part[every_client] = ...; for a guard or a property write"
        " every(Client, lambda c: ...).",
    ),
    "every client on the right only": (
        "s.kernel |= s.unread[every_client]",
        "my_design.py:15: Mine.clear: `every client` stands for one Client after another and needs the"
        " same on the left: s.part[every_client] = ...; for a guard or a property write"
        " every(Client, lambda c: ...).",
    ),
    "pages for a flag": (
        "s.flag = page",
        "my_design.py:15: Mine.clear: flag is a truth value, and page is a set of pages.",
    ),
    "truth for pages": (
        "s.kernel = page <= s.kernel",
        "my_design.py:15: Mine.clear: kernel is a set of pages, and page <= kernel is a truth value.",
    ),
    "pages and truth": (
        "s.kernel = page | (page <= s.kernel)",
        "my_design.py:15: Mine.clear: page is a set of pages and page <= kernel is a truth value; `|` "
        "and `&` take two of one kind.",
    ),
    "guard that is no truth value": (
        "wait_for(s.kernel)",
        "my_design.py:15: Mine.clear: wait_for(...) takes a truth value, and kernel is a set of pages; compare it.",
    ),
    "guard that is never true": (
        "wait_for(False)\n        s.kernel = NONE",
        "my_design.py:15: Mine.clear: this guard is never true, so the operation can never run; remove"
        " it or the operation.",
    ),
    "guard that no state satisfies": (
        "wait_for(page <= s.kernel)\n        wait_for(page <= ~s.kernel)\n        s.kernel = NONE",
        "my_design.py:15: Mine.clear: its first guard is never true, so the operation can never run: "
        "page <= kernel & page <= (ALL - kernel).",
    ),
    "None for the empty set": (
        "s.kernel = None",
        "my_design.py:15: Mine.clear: a set of pages or a truth value is needed here, not None: use "
        "NONE for the empty set. A call that only acts gives None as well: what pop() takes away is read before, as "
        ".head.",
    ),
    "plus": (
        "s.kernel = s.kernel + page",
        "my_design.py:15: Mine.clear: sets of pages are joined with `|`, cut with `&` and taken away "
        "with `-`, not `+`.",
    ),
    "less than": (
        "wait_for(page < s.kernel)",
        "my_design.py:15: Mine.clear: sets of pages are compared with `<=` (is contained in) and `==`, not `<` or `>`.",
    ),
    "loop over pages": (
        "for p in s.kernel:\n            s.kernel -= p",
        "my_design.py:15: Mine.clear: a loop or a count over the state cannot be recorded; make the "
        "set of pages a parameter of the operation, which the checker chooses in every possible "
        "way.",
    ),
    "length": (
        "wait_for(len(s.kernel))",
        "my_design.py:15: Mine.clear: a loop or a count over the state cannot be recorded; make the "
        "set of pages a parameter of the operation, which the checker chooses in every possible "
        "way.",
    ),
    "does nothing": (
        "pass",
        "my_design.py:13: Mine.clear: the operation does nothing; let it change a part, or remove it.",
    ),
    "python error": (
        "s.kernel |= 1 / 0",
        "my_design.py:15: Mine.clear: ZeroDivisionError: division by zero",
    ),
    "python error inside our words": (
        "wait_for(every(Client, 3))",
        "my_design.py:15: Mine.clear: TypeError: 'int' object is not callable",
    ),
    "set of pages minus flag": (
        "s.kernel -= s.flag",
        "my_design.py:15: Mine.clear: `-` works on sets of pages, and flag is a truth value.",
    ),
    "wrong sort of index": (
        "s.perv[me] |= page",
        "my_design.py:15: Mine.clear: perv is per Vcpu, and me is a Client here. Index it by a "
        "parameter named vcpu, by Vcpu[0] or Vcpu.every, or let those threads run the operation: "
        "@operation(by=Vcpu).",
    ),
    "choose with pages": (
        "s.kernel = choose(s.kernel, page, NONE)",
        "my_design.py:15: Mine.clear: choose(cond, a, b): cond is a truth value, and kernel is a set of pages.",
    ),
    "choose of two kinds": (
        "s.kernel = choose(s.flag, page, s.flag)",
        "my_design.py:15: Mine.clear: choose(cond, a, b): a and b are of one kind, not pages and truth.",
    ),
    "compared with something else": (
        "wait_for(me == 3)\n        s.kernel = NONE",
        "my_design.py:15: Mine.clear: me can only be compared with another Client, such as Client[0].",
    ),
}


@pytest.mark.parametrize("what", CASES)
def test_a_misuse_is_refused_with_file_line_and_advice(what, tmp_path, monkeypatch):
    """The message is compared whole: it is part of the contract."""
    monkeypatch.chdir(tmp_path)
    body, message = CASES[what]
    write_design(tmp_path, body)
    with pytest.raises(DesignError) as caught:
        record(load("my_design.py"))
    assert message == str(caught.value)


def test_a_design_without_operations_is_refused(tmp_path, monkeypatch):
    """Nothing can happen in it, so everything would hold."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "empty.py").write_text(
        "from model import Design, Pages\n\n\nclass Empty(Design):\n    a = Pages('a')\n"
    )
    with pytest.raises(DesignError) as caught:
        record(load("empty.py"))
    expected = "empty.py:4: Empty has no operations, so nothing can happen; mark what threads do with @operation."
    assert expected == str(caught.value)


def test_an_initial_value_is_a_constant(tmp_path, monkeypatch):
    """`initially` takes NONE or ALL, or a dictionary over constants."""
    monkeypatch.chdir(tmp_path)
    text = "from model import Design, Pages, operation\n\n\nclass Odd(Design):\n    a = Pages('a', initially=3)\n"
    (tmp_path / "odd.py").write_text(text + "\n    @operation\n    def grow(s, me, page):\n        s.a |= page\n")
    with pytest.raises(DesignError) as caught:
        record(load("odd.py"))
    assert "odd.py:5: a starts as 3; it can start as NONE or ALL." == str(caught.value)


def refusal_of(folder, text):
    """What is said of a file broken.py in the current directory."""
    (folder / "broken.py").write_text(text)
    with pytest.raises(DesignError) as caught:
        load("broken.py")
    return str(caught.value)


def test_a_syntax_error_in_a_design_names_its_line(tmp_path, monkeypatch):
    """As any other mistake: one message, file and line."""
    monkeypatch.chdir(tmp_path)
    text = "from model import Design\n\nclass Broken(Design)\n    pass\n"
    assert "broken.py:3: expected ':'." == refusal_of(tmp_path, text)


def test_an_exception_while_a_file_is_run_names_its_line(tmp_path, monkeypatch):
    """A misspelt import is the commonest."""
    monkeypatch.chdir(tmp_path)
    message = "broken.py:2: ImportError: cannot import name 'Desing' from 'model'"
    assert refusal_of(tmp_path, "import os\nfrom model import Desing\n").startswith(message)


def test_wait_for_outside_an_operation_is_refused():
    """A guard belongs to a step."""
    from model import wait_for

    with pytest.raises(DesignError, match=r"only has a meaning inside an @operation"):
        wait_for(True)


FORGOTTEN = "from model import Design, Pages, operation\n\n\nclass Mine(Design):\n    log = Pages('log')\n\n"
FORGOTTEN += "    @operation\n    def write(s, me, page):\n        s.log |= page\n\n"
FORGOTTEN += "    def clear(s, me, want):\n        s.log -= want\n"


def test_a_method_that_nobody_runs_is_refused(tmp_path, monkeypatch):
    """A forgotten @operation would make every property hold."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(FORGOTTEN)
    with pytest.raises(DesignError) as caught:
        record(load("mine.py"))
    assert (
        "mine.py:11: Mine.clear is no operation and no operation calls it, so it would never run; write @operation in "
        "front of it, or remove it."
    ) == str(caught.value)
    (tmp_path / "yours.py").write_text(FORGOTTEN.replace("s.log |= page", "Mine.clear(s, me, page)"))
    assert ("write",) == record(load("yours.py")).operations


@pytest.mark.parametrize(
    ("right", "wrong", "message"),
    [
        (
            "Pages('log')",
            "Pages('log', per='Client')",
            "mine.py:5: Mine.log: per='Client' is no index sort; write per=",
        ),
        ("Pages('log')", "Pages()", "mine.py:5: Mine.log: say in a string which field of the real program it is"),
        ("write(s, me, page)", "write(s, page)", "mine.py:7: Mine.write: an operation takes the state and the thread"),
    ],
)
def test_a_declaration_that_makes_no_sense_is_refused(right, wrong, message, tmp_path, monkeypatch):
    """Quoted sorts, parts without a word, operations without a thread."""
    monkeypatch.chdir(tmp_path)
    text = FORGOTTEN.partition("    def clear")[0]
    assert right in text
    (tmp_path / "mine.py").write_text(text.replace(right, wrong))
    with pytest.raises(DesignError) as caught:
        record(load("mine.py"))
    assert str(caught.value).startswith(message)


def test_a_place_is_shown_from_the_folder_that_one_is_in(tmp_path, monkeypatch):
    (tmp_path / "inner").mkdir()
    for folder, shown in ((tmp_path, "inner/mine.py"), (tmp_path / "inner", "mine.py")):
        monkeypatch.chdir(folder)
        assert shown == shown_path(str(tmp_path / "inner" / "mine.py"))


def test_a_file_that_was_mended_is_read_again(tmp_path):
    """What a text says is read once, and another text in the same file is another."""
    mine = tmp_path / "mine.py"
    for line in ("wait_for(page <= s.kernel); s.kernel is NONE", "wait_for(page <= s.kernel); s.kernel = NONE"):
        mine.write_text(f"{HEAD}        {line}\n")
        if "is NONE" in line:
            with pytest.raises(DesignError, match="the value of this line is thrown away|`is` asks"):
                record(load(str(mine)))
        else:
            assert 1 == len(record(load(str(mine))).steps)
