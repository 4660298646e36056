"""Designs in the environment of real clients: the table of corrections, what is refused, and what reports say."""

import json

import pytest

from model.designs.catalogue import built_in_properties, load
from model.designs.environment import ENVIRONMENTS, inhabit, within
from model.designs.environment.big_lock import BigLock
from model.designs.environment.display import Display
from model.designs.naive import Naive
from model.engines import explicit
from model.errors import UsageError
from model.instance.problem import Problem
from model.program.design import record
from model.program.observers import invariant
from model.verify import verify
from tests.support.command import check
from tests.support.designs import Logged

ROWS = {  # design: moves to no_lost_write and to promise_kept, None where it is proved; alone, and in qemu
    "top-layer": ((10, 8), (16, 12)),
    "asker-only": ((10, 6), (15, 6)),
    "wrong-start-for-one": ((16, 12), (None, None)),
    "colo-checkpoint-uncleared": ((14, 10), (None, None)),
    "no-lock": ((16, 13), (None, 19)),
    "cache-not-forgotten": ((14, 11), (None, 15)),
}


def asked(design, property):
    found = verify(design, property, pages=1, clients=2, engine="lanes")
    return None if found.verdict.word == "proved" else len(found.trace)


@pytest.mark.parametrize("name", ROWS)
def test_the_table_of_real_clients_is_found_again(name):
    alone, in_qemu = ROWS[name]
    for environment, expected in (("none", alone), ("qemu", in_qemu)):
        design = inhabit(load(name), environment)
        assert expected == (asked(design, "no_lost_write"), asked(design, "promise_kept"))


def test_colo_without_a_clear_needs_the_big_lock():
    """With a display that syncs first and no BQL the checkpoint falls between the display's sync and its clear."""
    design = within(load("colo-checkpoint-uncleared"), "display", (Display,))
    assert 19 == asked(design, "no_lost_write")


@pytest.mark.parametrize("name", ["per-slot-cache", "top-layer-and-cache"])
def test_the_safe_designs_stay_safe_in_the_environment_of_qemu(name):
    design = inhabit(load(name), "qemu")
    assert (None, None) == (asked(design, "no_lost_write"), asked(design, "promise_kept"))


IN_BOTH = [
    ("per-slot-cache", "no_lost_write"),
    ("top-layer-and-cache", "no_lost_write"),
    ("top-layer-and-cache", "promise_kept"),
    ("per-slot-cache", "promise_kept"),
]


@pytest.mark.slow
@pytest.mark.parametrize("environment", ENVIRONMENTS)
@pytest.mark.parametrize(("name", "property"), IN_BOTH)
def test_the_safe_designs_are_proved_for_any_number_in_both_environments(name, property, environment):
    """By views, in 0.1 to 5 CPU seconds each."""
    found = verify(inhabit(load(name), environment), property, engine="views")
    assert ("proved", {"pages": "any", "clients": "any"}) == (found.verdict.word, dict(found.scope))


@pytest.mark.parametrize("mixin", [Display, BigLock], ids=lambda mixin: mixin.name)
def test_what_a_mixin_says_of_itself_holds(mixin):
    """Two clients never hold the BQL at once; a refresh that goes on was due."""
    program = record(inhabit(load("no-lock"), "qemu"))
    problem = Problem(program, (invariant(program, mixin),), 1, {"Client": 2})
    assert "proved" == explicit.search(problem).word


def test_a_part_of_the_environment_has_a_name_that_no_design_can_have():
    parts = record(inhabit(load("no-lock"), "qemu")).parts
    expected = ["Display.due", "Display.inside", "Display.synced", "Display.ready", "BigLock.bql"]
    assert expected == [p for p in parts if "." in p]


def test_nothing_of_the_environment_is_dead():
    """Every step fires in it, and every bitmap fills."""
    design = inhabit(load("per-slot-cache"), "qemu")
    for property in built_in_properties().values():
        if property.kind == "sometimes":
            found = verify(design, property, pages=1, clients=2)
            assert (property.name, "proved") == (property.name, found.verdict.word)


def test_the_environment_is_part_of_the_digest_and_leaves_the_design_alone():
    alone, inside = record(load("top-layer")), record(inhabit(load("top-layer"), "qemu"))
    assert load("top-layer") is inhabit(load("top-layer"), "none")
    assert alone.digest != inside.digest
    assert ("", "qemu") == (alone.environment, inside.environment)
    assert set(alone.operations) < set(inside.operations)


def test_the_report_and_json_name_the_environment():
    text = check("top-layer", "--environment", "qemu", "--property", "no_lost_write")
    assert 1 == text.returncode
    assert "in the environment qemu: Display, MainLoopSync, BigLock" in text.stdout
    assert "16 moves" in text.stdout
    found = check("top-layer", "--environment", "qemu", "--property", "no_lost_write", "--format", "json")
    assert "qemu" == json.loads(found.stdout)["results"][0]["environment"]


def test_a_misspelt_environment_is_answered_with_the_nearest():
    found = check("top-layer", "--environment", "qmeu")
    assert (2, "") == (found.returncode, found.stdout)
    assert "there is no environment 'qmeu'; did you mean 'qemu'?" in found.stderr


class Wakes(Naive):
    """A design with a word of the environment."""

    wake = Naive.sync


REFUSED = {
    Logged: "logged cannot be put into the environment qemu: that is about clients that sync, collect and clear, "
    "and Logged has no sync, collect, clear, user, mine.",
    Wakes: "wakes cannot be put into the environment qemu: Display adds the operation wake, and Wakes has one of that "
    "name; rename yours.",
}


@pytest.mark.parametrize("design", REFUSED)
def test_a_design_that_the_environment_says_nothing_of_is_refused_by_name(design):
    with pytest.raises(UsageError) as wrong:
        record(inhabit(design, "qemu"))
    assert REFUSED[design] == wrong.value.message


def test_a_design_with_threads_of_its_own_is_refused_by_name():
    with pytest.raises(UsageError, match="dirty-rate-reset cannot be put into the environment qemu"):
        inhabit(load("dirty-rate-reset"), "qemu")
