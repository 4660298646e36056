"""What both engines that unroll a program in z3 do when they are stopped."""

import subprocess
import sys

import pytest

from model.engines import bounded, induction
from model.limits import Limits
from model.verdict import Undetermined
from tests.support.packed import question

both = pytest.mark.parametrize("engine", [bounded, induction], ids=lambda engine: engine.__name__.split(".")[-1])


@both
def test_a_limit_of_seconds_holds_while_z3_is_thinking(engine):
    """Per-slot cache at 6 pages and 3 clients, far deeper than a second allows."""
    verdict = engine.search(question("per-slot-cache", "no_lost_write", 6, 3), Limits(seconds=1.0, depth=500))
    assert ("undetermined", "the limit of 1 seconds was reached") == (verdict.word, verdict.reason)
    assert 0 < verdict.depth < 500
    assert verdict.seconds < 5


@both
def test_an_interrupt_between_two_depths_gives_what_was_covered(engine):
    def stop(progress):
        if progress.depth == 4:
            raise KeyboardInterrupt

    verdict = engine.search(question("per-slot-cache", "promise_kept", 1, 2), Limits(report=stop))
    assert (Undetermined(depth=4), True) == (verdict, verdict.interrupted)


INTERRUPT = """
import os, signal, threading
from model.program.design import record
from model.designs.per_slot_cache import PerSlotCache
from model.engines import unrolling, {engine}
from model.limits import Limits
from model.instance.problem import Problem
from properties.no_lost_write import no_lost_write

asked = Problem.of(record(PerSlotCache), no_lost_write, pages=6, sizes={{"Client": 3}})
threading.Timer(1.0, os.kill, (os.getpid(), signal.SIGINT)).start()
verdict = {engine}.search(asked, Limits(depth=500, seconds=60))
print(verdict.word, verdict.reason, verdict.interrupted, 0 < verdict.depth < 500)
"""


@pytest.mark.parametrize("engine", ["bounded", "induction"])
def test_control_c_while_z3_is_thinking_gives_what_was_covered(engine):
    done = subprocess.run([sys.executable, "-c", INTERRUPT.format(engine=engine)], capture_output=True, text=True)
    assert ("undetermined interrupted True True\n", "", 0) == (done.stdout, done.stderr, done.returncode)


SWALLOWED = """
import os, signal, time
from model.limits import interrupts_kept

class Term:
    def __del__(self):
        os.kill(os.getpid(), signal.SIGINT)
        time.sleep(0.1)

try:
    with interrupts_kept():
        term = Term()
        del term
        time.sleep(30)
except KeyboardInterrupt:
    print("interrupted")
"""


def test_control_c_within_a_destructor_is_not_lost():
    """As it comes where z3's terms are given back by the thousand."""
    done = subprocess.run([sys.executable, "-c", SWALLOWED], capture_output=True, text=True, timeout=25)
    assert ("interrupted\n", "", 0) == (done.stdout, done.stderr, done.returncode)
