"""The Python API: asking from a test or a notebook, and what a failing assertion says."""

import doctest
import importlib
import subprocess
import sys

import pytest

import model.verify
from model.designs.catalogue import built_in_properties
from model.designs.kernel.one_log_two_clearers import OneLogTwoClearers
from model.designs.per_slot_cache import PerSlotCache
from model.designs.top_layer import TopLayer
from model.errors import UsageError
from model.expr import eventually
from model.verify import Limits, Proved, Refuted, Result, Trace, Undetermined, designs, properties, verify
from tests.support.paths import DATA, ROOT

PUBLIC = ("model.verify", "model.verify.api", "model.verify.result", "model.limits", "model.verdict")


@pytest.mark.parametrize("module", PUBLIC)
def test_the_examples_in_docstrings_run(module):
    failed, _ = doctest.testmod(importlib.import_module(module))
    assert 0 == failed


def test_every_public_name_says_what_it_is():
    """And `__all__` names nothing that is not there."""
    names = {n: getattr(model.verify, n) for n in model.verify.__all__}
    assert [] == [n for n, value in names.items() if not value.__doc__]
    assert {"Limits", "Proved", "Refuted", "Result", "Trace", "Undetermined", "designs", "properties", "verify"} == set(
        names
    )


def test_a_class_a_name_and_a_file_are_the_same_question():
    file = str(ROOT / "model" / "designs" / "top_layer.py")
    asked = [verify(d, pages=1, engine="lanes") for d in (TopLayer, "top-layer", file, f"{file}:TopLayer")]
    assert [Refuted(states=453, depth=10)] * 4 == [result.verdict for result in asked]


def test_a_property_and_its_name_are_the_same_question():
    by_name, by_value = (
        verify(PerSlotCache, p, pages=1, engine="lanes")
        for p in ("promise_kept", built_in_properties()["promise_kept"])
    )
    assert Proved(states=1_505, depth=26) == by_name.verdict == by_value.verdict


def test_a_property_of_the_designs_file_has_a_name():
    file = DATA / "hostile_design.py"
    with pytest.raises(UsageError, match="there is no property 'mine'"):
        verify(str(file), "mine")


def test_two_pages_and_two_clients_are_the_default():
    result = verify("naive", engine="lanes")
    assert {"pages": 2, "clients": 2} == dict(result.scope)


def test_sizes_of_other_sorts_are_given_by_name():
    """And clients are ignored where the design has none; sorts of fixed size are named."""
    result = verify("ring-with-bitmap", "complete_copy", pages=1, sizes={"Vcpu": 1}, engine="lanes")
    assert {"pages": 1, "vcpus": 1, "clients": 1, "itss": 1} == dict(result.scope)


def test_a_limit_is_undetermined_and_says_so():
    result = verify("per-slot-cache", engine="lanes", limits=Limits(states=100))
    assert isinstance(result.verdict, Undetermined)
    with pytest.raises(AssertionError, match=r"undetermined, expected proved(.|\n)*the limit of\s+100 states"):
        result.assert_proved()


def test_the_string_is_what_the_command_prints():
    """Byte for byte, with the counterexample where there is one."""
    for design, property in (("top-layer", "no_lost_write"), ("per-slot-cache", "promise_kept")):
        words = [sys.executable, "-m", "model.check", design, "--property", property, "--pages", "1"]
        shown = subprocess.run(words, capture_output=True, text=True, cwd=ROOT).stdout
        assert shown == f"{verify(design, property, pages=1)}\n"


def test_a_result_is_short_where_python_shows_it():
    assert "<Result per-slot-cache promise_kept: proved, any number of pages and clients>" == repr(
        verify(PerSlotCache, "promise_kept", pages=1)
    )


def test_an_assertion_that_holds_says_nothing():
    assert verify("per-slot-cache", "promise_kept", pages=1).assert_proved() is None
    refuted = verify("top-layer", pages=1)
    assert isinstance(refuted, Result) and isinstance(refuted.trace, Trace)
    assert refuted.assert_refuted() is None
    assert refuted.assert_refuted(moves=10) is None


def test_an_assertion_that_fails_has_the_whole_story():
    """The first line is the one that a summary shows."""
    result = verify("top-layer", pages=1)
    with pytest.raises(AssertionError) as failed:
        result.assert_proved()
    assert f"top-layer no_lost_write: refuted in 10 moves, expected proved\n\n{result}" == str(failed.value)
    assert "Why: only `kernel` promised page 0 to MIGRATION" in str(failed.value)


@pytest.mark.parametrize(
    ("design", "moves", "expected"),
    [
        ("top-layer", 9, "refuted in 10 moves, expected refuted in 9 moves"),
        ("per-slot-cache", None, "proved, expected refuted"),
    ],
)
def test_a_refutation_that_is_not_there_fails(design, moves, expected):
    with pytest.raises(AssertionError, match=f"^{design} no_lost_write: {expected}\n"):
        verify(design, pages=1, clients=2, engine="lanes").assert_refuted(moves)


def test_every_name_is_accepted():
    """What designs() and properties() say, verify() takes."""
    assert ("naive", "no_lost_write") == (designs()[0], properties()[0])
    assert {"top-layer", "dirty-ring"} <= set(designs())
    assert set(properties()) == set(built_in_properties())


@eventually
def settles(s):
    """Speaks of runs."""
    return s.kernel <= s.kernel


@pytest.mark.parametrize(
    ("asked", "message"),
    [
        ({"design": "top-layr"}, "there is no design 'top-layr'; did you mean 'top-layer'?"),
        ({"design": object}, "is not a design; a design is a class"),
        ({"property": "no_lost_writes"}, "there is no property 'no_lost_writes'; did you mean 'no_lost_write'?"),
        ({"property": 3}, "3 is not a property; write @always or @sometimes above it"),
        ({"property": settles}, "`clearorder liveness top-layer --property settles` asks it"),
        ({"pages": 0}, "pages is 0; write a whole number of at least 1"),
        ({"pages": 2.0}, "pages is 2.0; write a whole number"),
        ({"clients": True}, "clients is True; write a whole number"),
        ({"sizes": {"Slot": "2"}}, "Slot is '2'; write a whole number"),
        ({"sizes": {"Slot": 2}}, "top-layer has no Slot; it has Client"),
        ({"engine": "lane"}, "there is no engine 'lane'; did you mean 'lanes'?"),
        ({"design": OneLogTwoClearers}, "no_lost_write"),
    ],
)
def test_a_question_that_cannot_be_asked_is_refused_with_what_to_write(asked, message):
    with pytest.raises(UsageError) as refused:
        verify(**{"design": "top-layer", **asked})
    assert message in str(refused.value)


def test_asking_imports_nothing_heavy():
    """NumPy, z3 and what prints are loaded when they are needed."""
    heavy = {"z3", "numpy", "scipy", "networkx", "rich", "jinja2", "click", "reports"}
    code = f"import sys; from model.verify import verify; print({heavy} & set(sys.modules))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, cwd=ROOT)
    assert "set()\n" == done.stdout
