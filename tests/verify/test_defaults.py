"""What is asked where nobody names a property, and what is said of a question that cannot be asked."""

import pytest
from click.testing import CliRunner

from model import Client, Flag, Guest, Pages, operation
from model.check.command import command
from model.designs.dirty_log import DirtyLog
from model.verify.defaults import asked_of, default_questions
from tests.support.command import check
from tests.support.designs import NobodySyncs, WithAnEnd
from tests.support.paths import ROOT

REPRODUCERS = ROOT / "tests" / "data" / "reproducers"


def names(design):
    return [p.name for p in default_questions(design).properties]


def test_a_design_with_an_end_of_its_own_is_asked_about_that():
    """And about nothing else."""
    assert ["complete_copy"] == names(WithAnEnd)
    assert ["complete_copy"] == [p.name for p in asked_of(WithAnEnd)]
    assert ["promise_kept"] == [p.name for p in asked_of(WithAnEnd, ("promise_kept",))]


def test_a_question_that_cannot_be_asked_is_named_with_its_reason():
    """In the table of verdicts, not beside it."""
    found = default_questions(NobodySyncs)
    assert ["promise_kept"] == [p.name for p in found.properties]
    assert "it is about 'sync', which NobodySyncs lacks" in found.not_asked["no_lost_write"]
    assert found.notes[0].startswith("not asked: no_lost_write: ")


def test_the_table_names_the_question_that_is_not_asked(tmp_path):
    """On standard output, where the verdict stands."""
    text = "from model import every_client, operation\nfrom model.designs.dirty_log import DirtyLog\n\n\n"
    text += 'class Mine(DirtyLog):\n    """Nobody syncs."""\n\n    @operation\n    def report(s, me):\n'
    (tmp_path / "mine.py").write_text(text + "        s.user[every_client] |= s.kernel\n")
    ran = CliRunner().invoke(command, [str(tmp_path / "mine.py")], standalone_mode=False)
    assert "not asked: no_lost_write" in ran.stdout


def test_a_part_that_is_called_as_a_ghost_drops_no_question():
    """A flag `stopped` of the design's own, and a sync that delivers to nobody."""
    ran = CliRunner().invoke(
        command, [str(REPRODUCERS / "silent" / "stopped_drops_question.py")], standalone_mode=False
    )
    assert (1, True) == (ran.return_value, "no_lost_write  refuted" in ran.stdout)


def test_a_design_may_have_an_operation_called_stop():
    """The property's own operation has a name of its own then."""

    class Stops(DirtyLog):
        """Halts."""

        halted = Flag("halted")
        report = Pages("reported", per=Client)

        @operation(by=Guest)
        def stop(s, me):
            s.halted = True

        @operation
        def sync(s, me):
            s.report[me] = s.kernel

    assert ["no_lost_write", "promise_kept"] == names(Stops)


def test_writers_are_stopped_between_two_writes():
    """A write that stores and then marks is never cut in two by the stop: safe for one client."""
    file = str(REPRODUCERS / "misleading" / "stop_midop.py")
    ran = CliRunner().invoke(command, [file, "--clients", "1", "--property", "no_lost_write"], standalone_mode=False)
    assert (0, True) == (ran.return_value, "proved" in ran.stdout)


@pytest.mark.parametrize("name", ["m59_property_bool", "m61b"])
def test_a_property_beside_the_design_is_well_formed_also_where_nobody_asks_it(name):
    """It returns Python's True, or changes the state."""
    done = check(REPRODUCERS / "silent" / f"{name}.py", "--engine", "lanes")
    assert (2, "") == (done.returncode, done.stdout)
    assert "prop cannot be asked of mistake" in done.stderr


def test_a_property_beside_the_design_that_is_not_asked_is_named():
    """m61c: its own property is refuted when it is asked."""
    done = check(REPRODUCERS / "silent" / "m61c.py", "--engine", "lanes", "-q")
    assert "not asked: prop: it stands beside the design; --property prop asks it" in done.stdout
