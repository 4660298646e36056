"""A counterexample that was exported and read back is the same run."""

import json

import pytest

from model.designs.catalogue import load
from model.errors import UsageError
from model.program.design import record
from model.verify.trace_file import NotATrace, OtherDesign, load_trace, load_traces, replay
from reports.formats import registry as formats
from tests.support.results import HOSTILE, broken, hostile, proved, recovered, refuted, result

KINDS = {"refuted": refuted, "broken": broken, "recovered": recovered}


@pytest.mark.parametrize("form", ["json", "itf"])
@pytest.mark.parametrize("make", KINDS.values(), ids=KINDS)
def test_a_trace_that_is_read_back_replays_to_the_same_states(form, make, tmp_path):
    """From a file and from text."""
    text = formats.render(form, [make()])
    (tmp_path / "trace.json").write_text(text)
    for source in (text, tmp_path / "trace.json", str(tmp_path / "trace.json")):
        trace = replay(load_trace(source))
        assert make().trace.states == trace.states
        assert [m.number for m in make().trace.moves] == [m.number for m in trace.moves]
        assert make().trace.number == trace.number


@pytest.mark.parametrize("form", ["json", "itf"])
def test_a_users_design_with_hostile_names_is_read_back(form):
    """Thread names, arguments and steps that are anything but identifiers."""
    trace = replay(load_trace(formats.render(form, [hostile()])), load(str(HOSTILE)))
    assert hostile().trace.states == trace.states


def test_itf_names_a_users_design_by_its_file():
    """So that it can be found again without being told."""
    trace = replay(load_trace(formats.render("itf", [result(str(HOSTILE))])))
    assert hostile().trace.states == trace.states


def test_every_trace_of_a_document_is_read():
    """Proved results have none."""
    saved = list(load_traces(formats.render("json", [refuted(), proved(), broken()])))
    assert [("top-layer", 1), ("naive", 2)] == [(s.design, s.pages) for s in saved]


@pytest.mark.parametrize("form", ["json", "itf"])
def test_another_definition_of_the_design_is_refused(form):
    """The digest of its meaning is compared, not its name."""
    saved = load_trace(formats.render(form, [refuted()]))
    with pytest.raises(OtherDesign, match="written for a top-layer with digest e681281ab792, and the one that is here"):
        replay(saved, load("naive"))


def changed(form, change):
    document = json.loads(formats.render(form, [refuted()]))
    change(document)
    return json.dumps(document)


@pytest.mark.parametrize(
    ("form", "change", "message"),
    [
        ("json", lambda d: d.update(results=[]), "has no counterexample"),
        ("json", lambda d: d.update(results=7), "is not what --format json or --format itf writes"),
        ("json", lambda d: d["results"][0]["trace"].update(pages=True), "True is no size"),
        ("json", lambda d: d["results"][0]["trace"].update(clients=10**9), "is no size"),
        ("json", lambda d: d["results"][0]["trace"]["moves"][3].update(thread="nobody"), "move 4 of this trace"),
        ("json", lambda d: d["results"][0]["trace"]["moves"][0]["arguments"].update(page=[5]), "move 1 of this trace"),
        ("json", lambda d: d["results"][0]["trace"]["moves"].pop(), "violates no no_lost_write"),
        ("itf", lambda d: d.update(states=[]), "has no counterexample"),
        ("itf", lambda d: d.pop("#meta"), "is not what --format json or --format itf writes"),
        ("itf", lambda d: d["states"][2]["#meta"].update(thread=10**6), "is no size"),
        ("itf", lambda d: d["states"].pop(4), "is not possible there"),
        ("itf", lambda d: d["states"].append(d["states"][-1]), "is not possible there|violated already"),
    ],
)
def test_what_is_no_trace_is_refused_with_a_reason(form, change, message):
    """A file is data from outside."""
    with pytest.raises(NotATrace, match=message):
        replay(load_trace(changed(form, change)))


def test_a_file_that_is_not_there_is_refused(tmp_path):
    """And one that is no JSON."""
    with pytest.raises(NotATrace, match="No such file"):
        load_trace(tmp_path / "nothing.json")
    (tmp_path / "text.json").write_text("not json")
    with pytest.raises(NotATrace, match="is not what"):
        load_trace(tmp_path / "text.json")


def test_a_design_that_does_not_exist_is_refused():
    """The catalogue says what there is."""
    with pytest.raises(UsageError, match="there is no design 'nowhere'"):
        replay(load_trace(changed("json", lambda d: d["results"][0].update(design="nowhere"))))


def test_the_digest_is_the_one_of_the_design_that_was_asked():
    """Not of the program with the property's ghosts."""
    assert record(load("top-layer")).digest == load_trace(formats.render("itf", [refuted()])).digest
