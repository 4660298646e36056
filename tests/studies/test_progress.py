"""A change that only stops a design is no repair: whatever could happen before still can."""

from click.testing import CliRunner

from model import operation, wait_for
from model.commands.repair import command
from model.program.design import record
from model.studies.reorder import taken
from model.studies.repair import repairs
from model.verify.defaults import asked_of
from model.verify.judge import Judge
from tests.support.designs import FlushBlindly, Flusher
from tests.support.paths import ROOT


class Waits(FlushBlindly):
    """The bit is taken, and then the flush waits for the bit."""

    @operation(by=Flusher)
    def flush(s, me, page):
        s.kernel -= page
        yield "chosen"
        wait_for(page <= s.kernel)
        s.unread -= page
        yield "written"


def test_what_can_happen_names_steps_readers_the_end_and_that_nobody_is_stuck():
    """A flush that waits for its own bit can be stuck for good."""
    before, after = taken(record(FlushBlindly)), taken(record(Waits))
    assert {"flush.written", ("unread", None), ("finished", None), "nobody is stuck"} <= before
    assert "nobody is stuck" not in after


def test_a_design_without_clients_is_repaired_by_moving_a_line_of_its_own_thread():
    """complete_copy is asked, as `check` asks it; no repair stops the design."""
    program = record(FlushBlindly)
    found = repairs(program, Judge(asked_of(FlushBlindly)), 1)
    assert found.repairs
    assert all(taken(program) <= taken(r.program) for r in found.repairs)
    assert any("flush" in r.changes[0].text for r in found.repairs)


def test_repair_asks_what_check_asks():
    """finished_never_set has an end of its own, so no_lost_write is not what is asked of it."""
    file = ROOT / "tests" / "data" / "reproducers" / "silent" / "finished_never_set.py"
    ran = CliRunner().invoke(command, [str(file)], standalone_mode=False)
    assert "nothing to repair, but it holds vacuously: finished is never set" in " ".join(ran.stdout.split())
