"""The scenarios as data: what they claim fits the memory that they set up, and the gallery."""

import pytest

from model.designs.gallery import entries
from model.designs.manifest import rows
from model.reproduce.run import options_of
from model.reproduce.scenario import MIB, OPEN, OPEN_SOON, PAGE, SCENARIOS

ALL = [pytest.param(scenario, id=name) for name, scenario in SCENARIOS.items()]
CASES = [pytest.param(case, id=f"{name}-{case.name}") for name, s in SCENARIOS.items() for case in s.cases]
GALLERY = {entry.design: {row.verdict for row in entry.rows} for entry in entries()}


@pytest.mark.parametrize("scenario", ALL)
def test_the_designs_that_predict_it_are_refuted_in_the_gallery(scenario):
    for name in scenario.designs:
        assert "refuted" in {row.verdict for row in rows() if row.design == name} | GALLERY.get(name, set()), name


@pytest.mark.parametrize("scenario", ALL)
def test_a_scenario_has_cases_of_its_own_names_and_one_in_question(scenario):
    names = [case.name for case in scenario.cases]
    assert len(names) == len(set(names))
    assert not scenario.cases[0].control


@pytest.mark.parametrize("case", CASES)
def test_everything_that_the_guest_writes_is_memory_and_is_written_by_one_loop_only(case):
    """Below 1 MiB are the BIOS and the VGA; the areas that are written for ever are apart."""
    for area in (case.watched, case.also, case.filled)[bool(case.screen) :]:
        assert MIB <= area.at and area.at + area.pages * PAGE <= sum(case.blocks) * MIB
    low, high = sorted([case.watched, case.also])
    assert low.at + low.pages * PAGE <= high.at


@pytest.mark.parametrize("case", CASES)
def test_a_migration_that_loses_nothing_is_let_through_in_the_end(case):
    assert case.changes[-1] in (OPEN, OPEN_SOON)


@pytest.mark.parametrize("case", [c for c in CASES if c.values[0].pause])
def test_pages_that_are_written_in_no_order_are_a_power_of_two(case):
    """The guest picks one by a mask; of a screen, one that is shown."""
    assert 1 == case.watched.pages.bit_count()
    width, height = case.screen or (1024, 4096)
    assert case.watched.pages * PAGE <= width * height * 4


def test_the_scenarios_for_a_broken_qemu_say_that_they_need_kvm():
    assert ["naive", "top-layer"] == [name for name, scenario in SCENARIOS.items() if scenario.since is None]
    for scenario in SCENARIOS.values():
        assert {scenario.kvm} == {"kvm" in case.options for case in scenario.cases}


def test_the_control_of_top_layer_is_the_same_without_a_second_client():
    case, control = SCENARIOS["top-layer"].cases
    assert (True, False) == (case.drawn, control.drawn)
    assert case.firmware == control.firmware and case.options == control.options


def test_the_cases_of_the_offset_write_to_the_block_that_they_name():
    second, uneven, first = SCENARIOS["qemu-rearm-offset"].cases
    assert second.watched.at >= second.blocks[0] * MIB
    assert uneven.watched.at >= uneven.blocks[0] * MIB
    assert first.watched.at + first.watched.pages * PAGE <= first.blocks[0] * MIB


def test_the_control_of_the_hot_pages_differs_in_the_periodic_sync_only():
    case, control = SCENARIOS["qemu-rearm-if-new"].cases
    assert (("auto-converge",), ()) == (case.capabilities, control.capabilities)
    same = ("watched", "also", "filled", "blocks", "bandwidth", "downtime", "changes", "options")
    assert [] == [name for name in same if getattr(case, name) != getattr(control, name)]


def test_controls_get_half_of_the_runs_and_the_abort_one():
    assert [8, 1, 4] == [case.runs(8) for case in SCENARIOS["qemu-rearm-offset"].cases]
    assert [1, 1, 1] == [case.runs(1) for case in SCENARIOS["qemu-rearm-offset"].cases]


def test_several_blocks_are_nodes_and_one_is_the_machines_memory():
    offset, hot = (
        " ".join(options_of(SCENARIOS[name].cases[0])) for name in ("qemu-rearm-offset", "qemu-rearm-if-new")
    )
    assert "-m 256M" in offset and "node,memdev=ram1" in offset and "memory-backend=" not in offset
    assert "-m 128M" in hot and "-numa" not in hot and "memory-backend=ram0" in hot
