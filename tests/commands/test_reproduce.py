"""`clearorder reproduce` as a user types it, with a program that passes for a QEMU; the real thing is slow."""

import json
import os
import re
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import jsonschema
import pytest

from model.kvm import device
from model.reproduce.qemu import find
from tests.support.command import clearorder
from tests.support.fake_qemu import fake_qemu, pids
from tests.support.kvm import needs_kvm
from tests.support.paths import ROOT

SCHEMA = json.loads((ROOT / "reports" / "reproductions.schema.json").read_text())


def reproduce(at, behaviour, *arguments, version="10.0.2", scenario="qemu-rearm-offset"):
    return clearorder(
        "reproduce", scenario, "--qemu", fake_qemu(at, behaviour, version), *arguments, env={"COLUMNS": "300"}
    )


def test_each_run_is_a_line_and_the_end_a_verdict(tmp_path):
    done = reproduce(tmp_path, "stale-3", "--case", "second-block", "--runs", 2)
    lines = [re.sub(r"\d+\.\d s", "T", line) for line in done.stdout.splitlines()]
    assert (1, "") == (done.returncode, done.stderr)
    assert "qemu-rearm-offset: TCG re-arms pages at their offset" == lines[0][:52]
    assert lines[0].endswith("(QEMU emulator version 10.0.2 (a fake))")
    run = "  second-block {}            3 of 256 pages stale; 2 rounds, T; page 0: source 2, destination 1"
    assert [run.format(1), run.format(2)] == lines[1:3]
    assert ["qemu-rearm-offset on QEMU 10.0.2: seen in 2 of 2 runs, 3 of 256 pages stale."] == lines[3:]


def test_lines_break_between_words_at_the_width_of_the_terminal():
    done = clearorder("reproduce", "--list", env={"COLUMNS": "70"})
    assert 70 >= max(map(len, done.stdout.splitlines()))


def test_nothing_seen_is_no_more_than_that(tmp_path):
    done = reproduce(tmp_path, "same", "--case", "uneven-blocks", version="7.2.22")
    assert 0 == done.returncode
    since = "QEMU has this fault since 9.0 (03bfc2188f), and qemu-no-rearm before 9.0."
    assert f"qemu-rearm-offset on QEMU 7.2.22: not seen in 1 run; {since}" == done.stdout.splitlines()[-1]


def test_a_migration_that_does_not_end_is_undetermined(tmp_path):
    done = reproduce(tmp_path, "hang", "--case", "uneven-blocks", "--timeout", 0.4)
    assert 3 == done.returncode
    assert "no answer: did not complete within 0.4 s;" in done.stdout
    assert "qemu-rearm-offset on QEMU 10.0.2: no answer; 1 run without an answer." == done.stdout.splitlines()[-1]


def test_json_fits_its_schema(tmp_path):
    done = reproduce(tmp_path, "stale-1", "--case", "uneven-blocks", "--json")
    document = json.loads(done.stdout)
    jsonschema.validate(document, SCHEMA)
    (found,) = document["reproductions"]
    assert (1, "seen", False) == (done.returncode, found["verdict"], found["interrupted"])
    assert [{"page": 0, "source": 2, "destination": 1}] == found["runs"][0]["differing"]
    found["runs"][0]["stale"] = 0
    with pytest.raises(jsonschema.ValidationError):
        jsonschema.validate(document, SCHEMA)


def test_ktap_is_read_by_a_tap_parser(tmp_path):
    parser = pytest.importorskip("tap.parser")
    done = reproduce(tmp_path, "abort", "--case", "uneven-blocks", "--format", "ktap", "-o", tmp_path / "out")
    assert (1, "") == (done.returncode, done.stdout)
    text = (tmp_path / "out").read_text()
    assert ["KTAP version 1", "1..2"] == text.splitlines()[:2]
    read = list(parser.Parser().parse_text(text.split("\n", 1)[1]))
    assert [False, False] == [line.ok for line in read if line.category == "test"]
    assert [] == [line for line in read if line.category == "unknown"]
    assert "# QEMU aborted: the source QEMU was ended by SIGABRT" in text


def test_list_shows_every_scenario_and_starts_nothing():
    done = clearorder("reproduce", "--list", env={"COLUMNS": "300"})
    assert 0 == done.returncode
    for name in ("qemu-rearm-offset", "qemu-rearm-if-new", "qemu-no-rearm"):
        assert f"\n{name}: TCG " in f"\n{done.stdout}"
    assert "    in QEMU since 9.0 (03bfc2188f)\n" in done.stdout
    assert 2 == done.stdout.count(
        "    in a QEMU that was broken on purpose (docs/findings-qemu.md says how); needs /dev/kvm\n"
    )
    assert "    control first-block: 128 and 128 MiB, 256 pages of the first block are written\n" in done.stdout


@pytest.mark.parametrize(
    ("arguments", "code", "said"),
    [
        ((), 2, "name a SCENARIO; --list shows them."),
        (("qemu-rearm-ofset",), 2, "did you mean 'qemu-rearm-offset'"),
        (("qemu-rearm-offset", "--case", "third"), 2, "has no case 'third'; it has second-block"),
        (("qemu-rearm-offset", "--qemu", "./nowhere"), 2, "nowhere: No such file or directory"),
        (("qemu-rearm-offset", "--qemu", "qemu-system-pdp11"), 4, "there is no 'qemu-system-pdp11' on PATH"),
        (("qemu-rearm-offset", "--qemu", "/bin/true"), 2, "is no QEMU system emulator"),
        (("qemu-rearm-offset", "--runs", "0"), 2, "0 is not in the range x>=1"),
    ],
)
def test_bad_use_is_one_clear_message(arguments, code, said):
    done = clearorder("reproduce", *arguments)
    assert (code, "") == (done.returncode, done.stdout)
    assert said in done.stderr


def test_a_qemu_without_the_machine_is_told_in_its_own_words(tmp_path):
    done = reproduce(tmp_path, "no-machine")
    assert 2 == done.returncode
    assert "cannot run this scenario" in done.stderr
    assert "unsupported machine type 'pc'" in done.stderr


def test_without_kvm_what_needs_it_is_refused_by_name(tmp_path, monkeypatch):
    monkeypatch.setattr(device, "DEVICE", tmp_path / "kvm")
    done = reproduce(tmp_path, "same", scenario="top-layer")
    assert (4, "") == (done.returncode, done.stdout)
    assert "top-layer needs KVM: " in done.stderr
    assert [] == pids(tmp_path)


def started(at, *arguments, **how):
    """A process of its own with a QEMU that never ends; both sides are running."""
    at.joinpath("scratch").mkdir()
    command = [
        sys.executable,
        "-m",
        "model",
        "reproduce",
        "qemu-rearm-offset",
        "--qemu",
        fake_qemu(at, "hang"),
        *arguments,
    ]
    env = os.environ | {"TMPDIR": str(at / "scratch")}
    process = subprocess.Popen(
        command, cwd=ROOT, env=env, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, **how
    )
    deadline = time.monotonic() + 30
    while len(pids(at)) < 2:
        assert time.monotonic() < deadline and process.poll() is None
        time.sleep(0.01)
    return process


def running(at):
    return [pid for pid in pids(at) if Path(f"/proc/{pid}").exists()]


def test_ctrl_c_says_what_was_covered_and_leaves_nothing_behind(tmp_path):
    process = started(tmp_path, "--json")
    process.send_signal(signal.SIGINT)
    out, err = process.communicate(timeout=30)
    assert (130, "") == (process.returncode, err)
    (found,) = json.loads(out)["reproductions"]
    assert (True, "undetermined", []) == (found["interrupted"], found["verdict"], found["runs"])
    assert ([], []) == (running(tmp_path), [*(tmp_path / "scratch").iterdir()])


@pytest.mark.slow
@pytest.mark.parametrize(("number", "code"), [(signal.SIGTERM, 143), (signal.SIGKILL, -signal.SIGKILL)])
def test_whatever_ends_it_ends_the_qemus(tmp_path, number, code):
    if number == signal.SIGKILL and not shutil.which("setpriv"):
        pytest.skip("setpriv (util-linux) is missing")
    process = started(tmp_path)
    process.send_signal(number)
    process.communicate(timeout=30)
    assert code == process.returncode
    deadline = time.monotonic() + 5
    while running(tmp_path) and time.monotonic() < deadline:
        time.sleep(0.01)
    assert [] == running(tmp_path)


# ---------------------------------------------------------------- on a real QEMU


def real_qemu(*, least=(0, 0), before=(99, 0)):
    """The QEMU of CLEARORDER_QEMU or of PATH, or a skip by name."""
    named = os.environ.get("CLEARORDER_QEMU", "qemu-system-x86_64")
    if not shutil.which(named):
        pytest.skip("qemu-system-x86_64 is missing: apt-get install qemu-system-x86")
    found = find(named)
    if not least <= found.version[:2] < before:
        pytest.skip(
            f"needs a QEMU from {least} and before {before}: this is {found.name}; CLEARORDER_QEMU names another"
        )
    return found.path


def really(scenario, runs, **versions):
    done = clearorder("reproduce", scenario, "--qemu", real_qemu(**versions), "--runs", runs, "--json")
    return done.returncode, json.loads(done.stdout)["reproductions"][0]


def outcomes(found, case):
    return [run["outcome"] for run in found["runs"] if run["case"] == case]


@pytest.mark.slow
def test_real_qemu_loses_writes_behind_the_first_block():
    """10.0.2: 160 to 256 pages stale in most runs of the second block, an abort, and none of the first."""
    code, found = really("qemu-rearm-offset", 8, least=(9, 0))
    assert (1, "seen") == (code, found["verdict"])
    assert {"stale"} & {*outcomes(found, "second-block")} or {"aborted"} & {*outcomes(found, "uneven-blocks")}
    assert ["same"] * 4 == outcomes(found, "first-block")


@pytest.mark.slow
def test_real_qemu_loses_writes_to_pages_that_wait_to_be_sent():
    """10.0.2: 64 of 64."""
    code, found = really("qemu-rearm-if-new", 3, least=(9, 2))
    assert (1, "seen") == (code, found["verdict"])
    assert 2 <= outcomes(found, "sync-in-mid-round").count("stale")


@pytest.mark.slow
def test_real_qemu_before_9_0_re_arms_nothing():
    code, found = really("qemu-no-rearm", 6, before=(9, 0))
    assert (1, "seen") == (code, found["verdict"])


@needs_kvm
@pytest.mark.slow
@pytest.mark.parametrize("scenario", ["naive", "top-layer"])
def test_an_unbroken_qemu_under_kvm_loses_nothing(scenario):
    code, found = really(scenario, 2)
    assert (0, "not seen") == (code, found["verdict"])
    assert "it takes a QEMU that was broken on purpose" in found["sentence"]
