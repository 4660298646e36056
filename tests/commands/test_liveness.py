"""`clearorder liveness`, the kinds of property of infinite runs, and who refuses them."""

import json
import re

import jsonschema
import pytest

from model.check.command import command as check
from model.commands.liveness import command
from model.commands.synthesize import command as synthesize
from model.designs.catalogue import built_in_properties, load
from model.errors import DesignError, UsageError
from model.expr import NONE, eventually, leads_to
from model.liveness.goal import asked
from model.program.design import record
from model.verify.portfolio import answer, applies
from model.verify.question import Question
from tests.support.paths import ROOT
from tests.support.tools import needed, run

SCHEMA = json.loads((ROOT / "reports" / "schema.json").read_text())


def live(*arguments):
    """The exit code of the command, run in this process."""
    return command.main([str(a) for a in arguments], standalone_mode=False)


# ---------------------------------------------------------------- the command


def test_every_property_that_applies_is_asked(capsys):
    """Four of a design with a lock, three without."""
    assert 0 == live("per-slot-cache", "-q")
    assert [
        "per-slot-cache  bitmaps_drain  proved  1 page, 2 clients",
        "per-slot-cache  every_write_is_read  proved  1 page, 2 clients",
        "per-slot-cache  taken_lock_is_freed  proved  1 page, 2 clients",
        "per-slot-cache  told_is_read  proved  1 page, 2 clients",
    ] == capsys.readouterr().out.splitlines()
    assert 1 == live("naive", "-q")
    assert ["bitmaps_drain", "every_write_is_read", "told_is_read"] == [
        line.split()[1] for line in capsys.readouterr().out.splitlines()
    ]


def test_a_lasso_is_told_stem_loop_and_why(capsys):
    """The whole of it: one client of delivers-nothing collects and syncs for ever, and never hears of the write."""
    assert 1 == live("delivers-nothing", "--clients", 1, "--property", "every_write_is_read")
    assert [
        "delivers-nothing  every_write_is_read  refuted  1 page, 1 client",
        "    fairness: strong; once nobody writes any more",
        "  1 the guest: write page 0 (P1)  kernel {0}  unread MIGRATION {0}",
        "  2 MIGRATION: sync               cache {0}",
        "    from here on this repeats for ever:",
        "  3 MIGRATION: collect",
        "  4 MIGRATION: sync",
        "    Why: the goal of every_write_is_read never holds in the loop for MIGRATION.",
        "         all through the loop: kernel {0}; cache {0}; user MIGRATION {}; mine",
        "         MIGRATION {}; unread MIGRATION {0}.",
    ] == capsys.readouterr().out.splitlines()


def test_why_says_for_whom_a_premise_waits(capsys):
    """With weak fairness VGA's syncs keep the lock from MIGRATION's."""
    arguments = ("per-slot-cache", "--fairness", "weak", "--engine", "z3", "--property", "told_is_read")
    assert 1 == live(*arguments)
    said = capsys.readouterr().out
    why = "the premise of told_is_read holds after 3 moves for MIGRATION page 0, and its goal never from then on."
    assert f"Why: {why}" in " ".join(said.split())
    assert "fairness: weak; once nobody writes any more" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (
            ("--fairness", "weak", "--property", "told_is_read"),
            "MIGRATION waits for slots_lock before clear.cleared; VGA takes it again in each turn of the loop, and "
            "weak fairness lets MIGRATION miss the moments between.",
        ),
        (
            ("--but", "sync=none", "--property", "every_write_is_read"),
            "MIGRATION waits for slots_lock before sync.reported; VGA holds it and never frees it. "
            "VGA can take sync.merged in the loop and never does: its fairness is none.",
        ),
    ],
)
def test_why_names_who_waits_for_what_and_who_keeps_it(arguments, said, capsys):
    assert 1 == live("per-slot-cache", *arguments)
    assert said in " ".join(capsys.readouterr().out.split())


TWO_LOCKS = '''
from model.designs.dirty_log import DirtyLog
from model.expr import NONE, Client, Lock, operation


class Two(DirtyLog):
    """A sync under two locks, the second of which somebody may keep; a gate for each client."""

    first = Lock("free")
    second = Lock("kept")
    gate = Lock("of a client", per=Client)

    @operation
    def sync(s, me):
        with s.first:
            with s.second:
                s.user[me] |= s.kernel
                s.kernel = NONE
                yield "synced"

    @operation
    def send(s, me, want):
        DirtyLog.read(s, me, want)

    @operation
    def keep(s, me, whom: Client):
        with s.second:
            with s.gate[whom]:
                s.kernel |= NONE
                yield "begun"
                s.kernel |= NONE
                yield "ended"
'''


def test_why_names_the_lock_that_is_shut_of_those_that_a_step_takes(tmp_path, capsys):
    """The first one was free, and it was said that weak fairness owes nothing, under strong fairness."""
    (tmp_path / "two.py").write_text(TWO_LOCKS)
    assert 1 == live(str(tmp_path / "two.py"), "--but", "keep=none", "--property", "every_write_is_read")
    said = " ".join(capsys.readouterr().out.split())
    waits, holds = re.search(
        r"(\w+) waits for second before sync.synced; (\w+) holds it and never frees it", said
    ).groups()
    assert {"MIGRATION", "VGA"} == {waits, holds}
    assert "weak fairness" not in said


def test_what_holds_because_nothing_happens_is_called_vacuous(capsys):
    """Nobody is ever told of anything in delivers-nothing."""
    assert 0 == live("delivers-nothing", "--property", "told_is_read")
    assert "vacuous: at this size nothing ever waits for its goal" in capsys.readouterr().out
    live("per-slot-cache")
    assert "vacuous" not in capsys.readouterr().out


def test_limits_are_undetermined(capsys):
    """Exit code 3, with the reason; a refutation outranks it."""
    assert 3 == live("per-slot-cache", "--max-states", 100, "-q", "--property", "told_is_read")
    said = " ".join(capsys.readouterr().out.split())
    assert "undetermined 1 page, 2 clients: the graph has more than 100 states" in said
    assert 3 == live("per-slot-cache", "--engine", "z3", "--depth", 4, "-q")
    said = " ".join(capsys.readouterr().out.split())
    assert "undetermined 1 page, 2 clients: no lasso of up to 4 moves" in said
    assert 1 == live("naive", "--engine", "z3", "--depth", 13, "-q")
    assert ["refuted", "refuted", "undetermined"] == re.findall(r"refuted|undetermined", capsys.readouterr().out)


def test_json_keeps_stem_and_loop_apart(tmp_path):
    """By the schema of every other result: `moves` is the stem, `afterwards` repeats for ever."""
    target = tmp_path / "out.json"
    arguments = ("delivers-nothing", "--clients", 1, "--property", "bitmaps_drain", "--format", "json", "-o", target)
    assert 1 == live(*arguments)
    document = json.loads(target.read_text())
    jsonschema.validate(document, SCHEMA)
    [result] = document["results"]
    assert ("refuted", "graph", ["fairness: strong; once nobody writes any more"]) == (
        result["verdict"],
        result["engine"],
        result["notes"],
    )
    told = [[m["text"] for m in result["trace"][part]] for part in ("moves", "afterwards")]
    assert [["the guest: write page 0 (P1)", "MIGRATION: sync"], ["MIGRATION: collect", "MIGRATION: sync"]] == told
    assert "repeats for ever" == result["trace"]["aftermath"]


def test_text_goes_to_a_file(tmp_path):
    """Without colour."""
    target = tmp_path / "out.txt"
    assert 0 == live("per-slot-cache", "-q", "--property", "told_is_read", "-o", target, "--color", "always")
    assert "per-slot-cache  told_is_read  proved  1 page, 2 clients\n" == target.read_text()


def test_promela_is_one_question_and_the_header_s_commands_answer_it(tmp_path):
    """Typed as they stand there; it is no verdict, so the command ends with 0."""
    target = tmp_path / "model.pml"
    arguments = ("naive", "--fairness", "none", "--property", "told_is_read", "--format", "promela", "-o", target)
    assert 0 == live(*arguments)
    text = target.read_text()
    assert "Expected: a fair run breaks it." in text
    needed("spin", "spin")
    needed("gcc", "gcc")
    typed = re.search(r"\* +(spin -a .*)", text)[1]
    assert "errors: 1" in run(tmp_path, "sh", "-c", typed)


def test_bad_use_is_told(capsys):
    """Each message says what to write instead."""
    with pytest.raises(UsageError, match="write collect=strong, collect=weak or collect=none"):
        live("naive", "--but", "collect=never")
    with pytest.raises(UsageError, match="there is no operation 'colect'; did you mean 'collect'?"):
        live("naive", "--but", "colect=none")
    with pytest.raises(UsageError, match="--format promela writes one property: name one --property."):
        live("naive", "--format", "promela")
    with pytest.raises(UsageError, match="promise_kept speaks of states, not of infinite runs"):
        live("naive", "--property", "promise_kept")


def test_a_property_beside_the_design_is_found(tmp_path, monkeypatch, capsys):
    """In the user's own file."""
    monkeypatch.chdir(tmp_path)
    (tmp_path / "mine.py").write_text(
        "from model.designs.naive import Naive\nfrom model.expr import NONE, eventually\n\n\n"
        "class Mine(Naive):\n    '''A copy.'''\n\n\n@eventually\ndef log_is_empty(s):\n"
        "    '''In the end the log is empty.'''\n    return s.kernel <= NONE\n"
    )
    assert 0 == live("mine.py", "--property", "log_is_empty")
    assert "mine  log_is_empty  proved" in capsys.readouterr().out


# ---------------------------------------------------------------- who refuses them


def test_check_names_the_command_that_asks():
    """For text, for exports, for a search by a program, and for the synthesiser."""
    message = "bitmaps_drain speaks of infinite runs, not of states; `clearorder liveness naive --property bitm"
    for more in ((), ("--format", "promela")):
        with pytest.raises(UsageError, match=message):
            check.main(["naive", "--property", "bitmaps_drain", *more], standalone_mode=False)
    property = built_in_properties()["bitmaps_drain"]
    with pytest.raises(UsageError, match="`clearorder liveness naive --property bitmaps_drain` asks it"):
        answer(Question(load("naive"), property, 1, {"Client": 1}, "explicit"))
    with pytest.raises(UsageError, match="`clearorder liveness DESIGN --property bitmaps_drain` asks it"):
        synthesize.main(["per-slot-cache", "--mask", "cache", "--property", "bitmaps_drain"], standalone_mode=False)


def test_all_properties_of_check_are_those_of_states(capsys):
    """`--property all` leaves the others out; `--list` shows them."""
    for name in ("bitmaps_drain", "every_write_is_read", "told_is_read", "taken_lock_is_freed"):
        assert "infinite runs" in applies(load("per-slot-cache"), built_in_properties()[name])
    check.main(["--list"], standalone_mode=False)
    assert "told_is_read" in capsys.readouterr().out


# ---------------------------------------------------------------- how they are written


def test_a_property_of_runs_says_what_is_missing():
    """A premise, a goal, a docstring; writers stop or go on; a premise has no cases."""
    with pytest.raises(DesignError, match=r"property half has no `def goal\(s, client\): ...`; @leads_to asks it"):

        @leads_to
        class half:
            """It has half of it."""

            def premise(s):
                return s.kernel <= NONE

    with pytest.raises(DesignError, match="property silent has no docstring"):

        @eventually
        def silent(s):
            return s.kernel <= NONE

    with pytest.raises(DesignError, match='writers = "stop" or "go on", not \'never\''):

        @eventually
        class odd:
            """Writers that never were."""

            writers = "never"

            def holds(s):
                return s.kernel <= NONE

    with pytest.raises(DesignError, match="property cased: @leads_to has one premise and one goal and no cases"):

        @leads_to
        class cased:
            """With cases."""

            def cases(program):
                return ["one"]

            def premise(s):
                return s.kernel <= NONE

            def goal(s):
                return s.kernel <= NONE


def test_a_mistake_in_a_property_is_told_with_the_design():
    """naive has no cache."""

    @eventually
    def cache_drains(s):
        """The cache drains."""
        return s.cache <= NONE

    with pytest.raises(UsageError, match="cache_drains cannot be asked of naive: Naive has no field 'cache'"):
        asked(record(load("naive")), cache_drains)
