"""Beyond the size that was asked for: what is tried, in which order, and with which share of the time."""

from model import NONE, Client, Design, Page, Pages, Sort, every_client, operation, some, wait_for
from model.expr import always, shifted
from model.instance.problem import Problem
from model.limits import Limits
from model.program.design import record
from model.verdict import Proved, Undetermined
from model.verify import beyond as module
from model.verify.beyond import beyond
from model.verify.portfolio import answer
from model.verify.question import Question

SESSION = Sort("Session", "a backup job")
WORKER = Sort("Worker", "a thread that copies")


class Readahead(Design):
    """Who writes a page marks the next one too, so a page is not looked at alone."""

    kernel = Pages("what was written")
    ahead = Pages("what is to be read ahead")
    user = Pages("what a client knows", per=Client)

    @operation
    def write(s, me, page: Page):
        s.ahead |= shifted(page, 1)
        s.kernel |= page

    @operation
    def sync(s, me):
        s.user[every_client] |= s.kernel


@always
def next_is_marked(s):
    """The page after each written one is to be read."""
    return shifted(s.kernel, 1) <= s.ahead


def question(**given):
    return Question(Readahead, next_is_marked, 2, {"Client": 2}, **given)


def test_where_pages_are_related_any_number_of_clients_is_proved_at_these_pages():
    """Neither views of one page nor clauses can say anything of `shifted`; all pages together can be looked at."""
    result = answer(question())
    assert ("proved", {"pages": 2, "clients": "any"}) == (result.verdict.word, dict(result.scope))
    assert ["views", "lanes", "inductive", "views"] == [e.engine for e in result.evidence]


class HandOver(Design):
    """A session hands its pages to a worker that it picks one step earlier."""

    dirty = Pages("what a session has to copy", per=SESSION)
    todo = Pages("what a worker was handed", per=WORKER)

    @operation
    def write(s, me, page: Page):
        s.dirty[SESSION.every] |= page

    @operation(by=SESSION)
    def hand(s, me, worker: WORKER):
        wait_for(s.todo[worker] <= NONE)
        yield "picked"
        s.todo[worker] |= s.dirty[me]
        yield "handed"


@always
def handed_was_written(s):
    """Nothing is handed that no session has to copy; `dirty` is never taken back."""
    return some(WORKER, lambda w: s.todo[w]) <= some(SESSION, lambda x: s.dirty[x])


def test_the_line_that_keeps_views_from_any_number_is_named(monkeypatch):
    """What is proved for so many sessions says why not for any number of them, where clauses do not prove it either."""
    monkeypatch.setattr(module, "proof", lambda *asked: (Undetermined(reason="nothing"), {}))
    result = answer(Question(HandOver, handed_was_written, 1, {"Session": 2, "Worker": 2}))
    assert {"pages": "any", "sessions": 2, "workers": 2} == dict(result.scope)
    assert any("hand remembers one worker (`worker`) from one step to the next" in note for note in result.notes)


def asked_seconds(monkeypatch, seconds):
    """What each part may take where none of them says anything and each takes no time."""
    found = []

    def views(problem, limits, sizes, pages=None):
        found.append(("views", dict(sizes), pages, round(limits.seconds, 1)))
        return module._of_any(problem, "views", Undetermined(reason="nothing"), sizes)

    def clauses(problem, left, report=None):
        found.append(("inductive", round(left, 1)))
        return Undetermined(reason="nothing"), {}

    monkeypatch.setattr(module, "_viewed", views)
    monkeypatch.setattr(module, "proof", clauses)
    problem = Problem.of(record(Readahead), next_is_marked).at(2, {"Client": 2})
    beyond(problem, seconds)
    return found


def test_every_part_gets_a_share_of_the_whole_limit(monkeypatch):
    """Of 10 seconds; what a part does not need is left for the next."""
    assert [
        ("views", {}, None, 5.0),
        ("views", {"Client": 2}, None, 2.0),
        ("views", {}, 2, 4.0),
        ("inductive", 10.0),
    ] == asked_seconds(monkeypatch, 10.0)


def test_the_search_and_the_proof_share_a_limit(monkeypatch):
    """Half for the search; the proof has what is left of the whole."""
    given = []
    monkeypatch.setattr(
        "model.verify.portfolio.beyond", lambda problem, seconds, report=None: given.append(seconds) or [unknown()]
    )
    result = answer(question(limits=Limits(seconds=8.0)))
    assert isinstance(result.evidence[0].verdict, Proved)
    assert 4.0 < given[0] <= 8.0


def unknown():
    return module.Evidence("views", Undetermined(reason="nothing"), {})
