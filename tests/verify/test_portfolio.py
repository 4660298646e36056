"""How the engines' answers combine: `auto`, a proof beside a search, scopes, limits."""

import pytest

from model.designs.catalogue import built_in_properties, load
from model.engines.worker import Aside
from model.errors import UsageError
from model.limits import Limits
from model.verdict import Proved, Refuted, Undetermined, exit_code
from model.verify.portfolio import answer
from model.verify.question import Question


def ask(design, property="promise_kept", pages=1, clients=2, engine="auto", **more):
    """One answer."""
    return answer(Question(load(design), built_in_properties()[property], pages, {"Client": clients}, engine, **more))


def test_auto_proves_for_any_number_and_keeps_the_finite_search_as_evidence():
    """The proof decides; what was searched stands beside it."""
    result = ask("per-slot-cache")
    assert ({"pages": "any", "clients": "any"}, "proved") == (dict(result.scope), result.verdict.word)
    assert [("views", "proved"), ("lanes", "proved")] == [(e.engine, e.verdict.word) for e in result.evidence]
    assert 1_505 == result.evidence[1].verdict.states


def test_auto_side_by_side_says_the_same():
    """In a second process; only how long it takes may differ."""
    alone, beside = ask("per-slot-cache"), ask("per-slot-cache", side_by_side=True)
    assert (alone.verdict, alone.scope, alone.notes) == (beside.verdict, beside.scope, beside.notes)


def test_auto_refutes_by_the_finite_search():
    """And shows it at the smallest size."""
    result = ask("top-layer", side_by_side=True)
    assert (Refuted(states=66, depth=8), ["lanes"]) == (result.verdict, [e.engine for e in result.evidence])


def test_a_design_that_is_safe_with_one_client_is_proved_for_any_number_of_pages():
    """The scope says so: top-layer with a single client."""
    result = ask("top-layer", clients=1, pages=2)
    assert ({"pages": "any", "clients": 1}, "proved") == (dict(result.scope), result.verdict.word)


@pytest.mark.parametrize(
    "design", ["naive", "top-layer", "read-before-clear", "cache-not-forgotten", "no-lock", "two-in-one"]
)
def test_the_proof_side_alone_never_proves_an_unsafe_design(design):
    """With the finite search switched off; the promise of all six is broken with two clients or two pages."""
    assert "undetermined" == ask(design, engine="inductive", limits=Limits(seconds=5)).verdict.word


def test_bounded_checking_of_a_safe_design_is_undetermined_up_to_its_bound():
    """Never rounded up."""
    verdict = ask("per-slot-cache", engine="bounded", limits=Limits(depth=4)).verdict
    assert ("undetermined", 4) == (verdict.word, verdict.depth)


def test_a_vacuous_pass_is_named():
    """delivers-nothing keeps every promise because nobody ever clears."""
    notes = ask("delivers-nothing", engine="explicit").notes
    assert (
        "vacuous in part: at 1 page clear.cleared, clear.read can never be taken",
        "vacuous: MIGRATION and VGA can never read a page that was written, so nothing can be lost",
        "what never happens was looked for with a search at 1 page, 2 clients",
    ) == notes


def test_an_unknown_engine_is_refused():
    """With the nearest name."""
    with pytest.raises(UsageError, match="there is no engine 'explict'; did you mean 'explicit'?"):
        ask("naive", engine="explict")


def test_exit_codes_rank_interrupted_refuted_undetermined_proved():
    """A refutation outranks undetermined; no verdict at all is undetermined."""
    proved, refuted, open_ = Proved(), Refuted(), Undetermined(reason="x")
    cut = Undetermined(reason="interrupted", interrupted=True)
    sets = [[proved], [proved, open_], [open_, refuted, proved], [refuted, cut], []]
    assert [0, 3, 1, 130, 3] == [exit_code(s) for s in sets]


def test_verdicts_of_different_kinds_are_never_equal():
    """Equal counts do not make a limit a proof."""
    assert Proved(states=5, depth=2) != Undetermined(states=5, depth=2, reason="limit")
    assert Proved(states=5, depth=2) == Proved(states=5, depth=2, seconds=3.0, engine="lanes")


def test_work_aside_returns_its_result_or_its_error():
    """And never outlives its block."""
    with Aside(divmod, 7, 2) as work:
        assert (3, 1) == work.result()
    with Aside(divmod, 7, 0) as work, pytest.raises(RuntimeError, match="ZeroDivisionError"):
        work.result()
    with Aside(sum, range(10**9)) as work:
        assert not work.done
    assert not work.process.is_alive()


def test_a_proof_at_fixed_sizes_never_claims_more_than_them():
    """A sort of two words too: DirtyUser at 2 is `2 dirtyusers`, not any number of them."""
    from model import Design, Pages, Sort, operation
    from model.expr import NONE, always
    from model.instance.problem import Problem
    from model.program.design import record
    from model.verify.beyond import proven
    from model.verify.portfolio import _Asked

    class Own(Design):
        a = Pages("a", per=Sort("DirtyUser", "a user of the log"))

        @operation
        def empty(s, me, dirtyuser):
            s.a[dirtyuser] = NONE

    @always
    def nothing(s):
        """Nothing is ever in it."""
        return every_user_is_empty(s)

    def every_user_is_empty(s):
        from model.expr import every

        return every(s.a.sort_of_index, lambda u: s.a[u] <= NONE)

    program = record(Own)
    sizes = {"Client": 1, "DirtyUser": 2}
    asked = _Asked(Question(Own, nothing, 1, sizes), program, Problem.of(program, nothing))
    expected = {"pages": "any", "clients": "any", "dirtyusers": 2}
    assert expected == dict(proven(asked.problem, Proved(), {"DirtyUser": 2}).scope)
    assert {"pages": 1, "clients": 1, "dirtyusers": 2} == dict(asked.ask("explicit").scope)


def test_auto_finds_the_three_clients_that_lose_a_write_and_says_that_two_are_safe():
    """no-lock-register at one page and two clients; the question that nobody asked is answered."""
    result = ask("no-lock-register", property="no_lost_write", clients=2)
    assert ("refuted", 13, {"pages": 1, "clients": 3}) == (
        result.verdict.word,
        result.verdict.depth,
        dict(result.scope),
    )
    assert "safe with 2 clients; 3 clients lose a write in 13 moves" in result.notes
    assert 13 == len(result.trace.moves)


def test_views_alone_is_an_engine():
    """per-slot-cache for any number."""
    result = ask("per-slot-cache", engine="views")
    assert ({"pages": "any", "clients": "any"}, "proved") == (dict(result.scope), result.verdict.word)


def test_a_question_about_one_client_stays_one_and_the_note_says_what_two_do():
    """top-layer is for one client."""
    assert "safe with 1 client; 2 clients break promise_kept in 8 moves" in ask("top-layer", clients=1, pages=1).notes


def test_a_violation_that_the_proof_meets_is_shown_by_a_command():
    """It used to say that a finite engine finds the trace."""
    result = ask("no-lock", engine="inductive", pages=1)
    command = "python -m model.check no-lock --property promise_kept --pages 1 --clients 2 --engine lanes"
    assert ("undetermined", (f"the trace: {command}",)) == (result.verdict.word, result.notes)
