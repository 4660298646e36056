"""Two pieces of hardware, a thread each: every engine, Spin, TLC and the graph of infinite runs let them interleave."""

import pytest

from model import Design, Guest, Lock, Machine, Pages, operation, wait_for
from model.engines import bounded, explicit, induction
from model.engines.packed import search as lanes
from model.export import ltl, promela, tla
from model.export.problem import claim
from model.expr import NONE, always, leads_to
from model.instance.instance import Instance
from model.instance.problem import Problem
from model.limits import Limits
from model.liveness import graph
from model.liveness.goal import asked
from model.liveness.lasso import Fairness
from model.program.design import record
from tests.support.tla import errors
from tests.support.tools import breaks, spin, tlc


class TwoDevices(Design):
    """A queue that drains and a cache that is written back both copy the log and then clear what they have copied."""

    log = Pages("pages that somebody has to take")
    written = Pages("each page is written once")
    drained = Pages("what the queue has delivered")
    flushed = Pages("what the cache has delivered")

    @operation(by=Guest)
    def write(s, me, page):
        wait_for(~(page <= s.written))
        s.written |= page
        s.log |= page

    def copy(s, me):
        wait_for(~(s.log <= NONE))
        me.taken = s.log
        yield "copied"
        s.log -= me.taken

    @operation(by=Machine)
    def drain(s, me):
        yield from TwoDevices.copy(s, me)
        s.drained |= me.taken
        yield "cleared"

    @operation(by=Machine)
    def flush(s, me):
        yield from TwoDevices.copy(s, me)
        s.flushed |= me.taken
        yield "cleared"


class OneAtATime(TwoDevices):
    """The two take turns: a lock is held from the copy to the clear."""

    turn = Lock("whose turn it is")

    @operation(by=Machine)
    def drain(s, me):
        with s.turn:
            yield from TwoDevices.drain.function(s, me)

    @operation(by=Machine)
    def flush(s, me):
        with s.turn:
            yield from TwoDevices.flush.function(s, me)


@always
def delivered_once(s):
    """No page is delivered by both; in one thread for both none ever would be."""
    return (s.drained & s.flushed) <= NONE


@leads_to
class delivery:
    """What was logged leaves the log in the end."""

    def premise(s):
        return ~(s.log <= NONE)

    def goal(s):
        return s.log <= NONE


DESIGNS = [(TwoDevices, "refuted", 5), (OneAtATime, "proved", None)]


def problem(design, pages=2):
    return Problem.of(record(design), delivered_once, pages=pages)


@pytest.mark.parametrize(("design", "word", "depth"), DESIGNS)
def test_the_engines_let_two_machines_interleave(design, word, depth):
    """Write, both copy, both deliver."""
    found = explicit.search(problem(design))
    assert (word, depth or found.depth) == (found.word, found.depth)
    for kernel in ("numpy", "c"):
        again = lanes.search(problem(design), kernel=kernel)
        assert (found.word, found.depth, found.states) == (again.word, again.depth, again.states)
    assert ("refuted" if depth else "undetermined") == bounded.search(problem(design), Limits(depth=6)).word
    assert induction.search(problem(design), Limits(depth=6)).word in (word, "undetermined")
    threads = {(m.ground.sort, m.ground.thread) for m in problem(design).instance.moves}
    assert {("Guest", 0), ("Machine", 0), ("Machine", 1)} == threads


@pytest.mark.parametrize(("design", "word", "depth"), DESIGNS)
def test_spin_and_tlc_let_two_machines_interleave(design, word, depth, tmp_path):
    """The verdict and the depth; of what is safe the states."""
    verdict = explicit.search(problem(design))
    made = claim(record(design), delivered_once, 2, {}, expected=verdict)
    failed, stored, _ = spin(tmp_path, promela.text(made))
    assert [] == errors(tla.text(made))
    found, states = tlc(tmp_path, made)
    assert (depth is not None, depth) == (failed == 1, found)
    assert depth or (verdict.states, verdict.states) == (stored, states)


@leads_to
class draining:
    """What was logged is drained in the end, whatever the cache takes."""

    def premise(s):
        return ~(s.log <= NONE)

    def goal(s):
        return ~(s.drained <= NONE)


@pytest.mark.parametrize("kind", ["strong", "weak", "none"])
@pytest.mark.parametrize("property", [delivery, draining])
@pytest.mark.parametrize("design", [TwoDevices, OneAtATime])
def test_each_machine_is_fair_by_itself(design, property, kind, tmp_path):
    """Either of the two empties the log, whoever is fair; neither always gets some. Spin says what the graph says."""
    question = asked(record(design), property)
    found = graph.search(Instance(question.program, 1), question, Fairness(kind), Limits())
    assert ("proved" if property is delivery else "refuted") == found.word
    text = ltl.text(question, Instance(question.observed, 1), Fairness(kind), found)
    assert (found.word == "refuted") == breaks(tmp_path, text)
