"""Every command that takes a design puts it into the environment that is named, and says so."""

import json

import pytest

from model.__main__ import COMMANDS
from model.cli.app import load as command_of
from model.commands.certify import certify
from model.commands.mutants import judged
from model.designs.environment import ENVIRONMENTS
from model.explorer.command import Options, _session
from model.studies.campaign import answered, campaign
from model.verify.trace_file import load_trace
from model.verify.trace_file import replay as run_again
from tests.support.command import check, clearorder

QEMU = ("--environment", "qemu")
SMALL = (*QEMU, "--pages", "1", "--clients", "1")
WHERE = "top-layer in the environment qemu"


def takes_a_design(verb):
    """What `gallery` shows is recorded, of designs by themselves."""
    if verb == "gallery":
        return False
    return any(
        p.name in ("design", "designs") and not p.opts[0].startswith("-") for p in command_of(COMMANDS[verb]).params
    )


@pytest.mark.parametrize("verb", [*filter(takes_a_design, COMMANDS)])
def test_a_command_that_takes_a_design_takes_its_environment(verb):
    options = {name for p in command_of(COMMANDS[verb]).params for name in p.opts}
    assert {"--environment"} == options & {"--environment"}


@pytest.mark.parametrize(
    "verb", ["check", "liveness", "edges", "repair", "synthesize", "cost", "mutants", "sweep", "explore"]
)
def test_a_misspelt_environment_is_answered_with_the_nearest(verb, tmp_path):
    """Whoever reads the option: there is one place in which a design is put into its environment."""
    needed = {"edges": ("-o", tmp_path / "graph"), "sweep": ("-o", tmp_path / "rows")}.get(verb, ())
    done = clearorder(verb, "top-layer", "--environment", "qmeu", *needed)
    assert (2, "") == (done.returncode, done.stdout)
    assert "there is no environment 'qmeu'; did you mean 'qemu'?" in " ".join(done.stderr.split())


def test_the_graph_has_the_states_of_the_environment(tmp_path):
    done = clearorder("edges", "top-layer", *SMALL, "-o", tmp_path / "graph")
    assert done.stdout.startswith(f"{WHERE}, 1 page, 1 client")
    assert "25 states" in done.stdout


def test_liveness_is_asked_in_the_environment():
    done = clearorder("liveness", "top-layer", "--property", "told_is_read", *SMALL)
    assert (0, True) == (done.returncode, "in the environment qemu: Display, MainLoopSync, BigLock" in done.stdout)


def test_costs_are_those_of_the_environment():
    done = clearorder("cost", "top-layer", *SMALL, "--source", "none", "--format", "json")
    assert 0 == done.returncode
    assert WHERE in done.stdout


def test_a_repair_is_looked_for_in_the_environment():
    done = clearorder("repair", "top-layer", *QEMU, "--pages", "1", "--clients", "1")
    assert f"{WHERE} is safe as it is." in done.stdout


def test_a_sweep_files_the_environment_with_its_rows():
    """A row of no environment is what it was, so that old files are gone on with."""
    wanted = [c for e in ENVIRONMENTS for c in campaign(["top-layer"], ["promise_kept"], [(1, 1)], environment=e)]
    rows = [answered(c) for c in wanted]
    assert [(None, 17), ("qemu", 25)] == [(row.get("environment"), row["states"]) for row in rows]


@pytest.mark.parametrize("form", ["json", "itf"])
def test_a_saved_trace_knows_its_environment(form, tmp_path):
    file = tmp_path / "trace.json"
    check("top-layer", "--property", "no_lost_write", *QEMU, "--pages", "1", "--format", form, "-o", file)
    saved = load_trace(file)
    assert "qemu" == saved.environment
    assert 16 == len(run_again(saved).moves)


def test_a_page_in_a_browser_has_the_moves_of_the_environment():
    session = _session("top-layer", Options(1, 1, (), (), "", 0, environment="qemu"))
    assert "qemu" == session.program.environment


@pytest.mark.slow
def test_mutants_are_made_of_the_design_in_its_environment():
    """Its own guards are changed as well as the design's."""
    with_guards = judged("top-layer", pages=1, clients=1, seconds=0.01, properties=["promise_kept"], environment="qemu")
    assert {WHERE} == {one.design for one in with_guards}


@pytest.mark.slow
def test_a_certificate_is_about_a_design_in_its_environment(tmp_path):
    """It is made and confirmed in 10 CPU seconds; a manifest that names another environment is not confirmed."""
    asked = ("top-layer-and-cache", "--property", "promise_kept", *QEMU)
    assert 0 == check(*asked, "--certificate", tmp_path, "-q").returncode
    found = certify(directory := tmp_path / "top-layer-and-cache-promise_kept")
    assert (0, "promise_kept of top-layer-and-cache in the environment qemu, any number of everything") == (
        found.exit_code,
        found.title,
    )
    manifest = json.loads((directory / "manifest.json").read_text())
    for other in ("none", "qmeu"):
        (directory / "manifest.json").write_text(json.dumps(manifest | {"environment": other}))
        assert 1 == certify(directory).exit_code
