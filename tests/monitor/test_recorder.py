"""The recorder: it follows a program and its children, passes on the exit status, and writes what happened."""

import contextlib
import json
import shutil
import signal
import subprocess
import threading
import time
from pathlib import Path

import pytest

from model.kvm.driver import REQUESTS
from model.monitor.recorder import KINDS
from model.monitor.watch import check
from tests.support import qemu as qemu_needed
from tests.support.kvm import needs_kvm
from tests.support.mask_of_ones import migrated
from tests.support.qemu import Qemu, different_pages, needs_qemu
from tests.support.recorder import PYTHON, RECORD, needs_ptrace, record
from tests.support.small_vmm import build, needs_gcc


def lines(out: Path) -> list[dict]:
    return [json.loads(line) for line in out.read_text().splitlines()]


@pytest.mark.parametrize("name", ["CREATE_VM", "CREATE_VCPU", "GET_DIRTY_LOG", "CLEAR_DIRTY_LOG", "ENABLE_CAP"])
def test_the_recorder_and_the_driver_mean_the_same_ioctl(name):
    assert REQUESTS[f"KVM_{name}"] in KINDS


@needs_ptrace
@pytest.mark.parametrize(("script", "status"), [("exit 17", 17), ("kill -9 $$", 137), ("sleep 0.1 & exit 3", 3)])
def test_the_exit_status_of_the_program_is_passed_on(tmp_path, script, status):
    done = record(tmp_path / "out", "sh", "-c", script)
    assert (status, "", "") == (done.returncode, done.stdout, done.stderr)
    assert ["hdr", "end"] == [line["t"] for line in lines(tmp_path / "out")]
    assert ["sh", "-c", script] == lines(tmp_path / "out")[0]["argv"]


@needs_ptrace
def test_a_program_that_does_not_exist_is_bad_use(tmp_path):
    done = record(tmp_path / "out", "/no/such/vmm")
    assert (2, "error: cannot run /no/such/vmm: No such file or directory.\n") == (done.returncode, done.stderr)


def test_a_file_that_cannot_be_written_is_bad_use(tmp_path):
    done = record(tmp_path / "none" / "out", "true")
    assert (2, f"error: cannot write {tmp_path}/none/out: No such file or directory.\n") == (
        done.returncode,
        done.stderr,
    )


@needs_ptrace
def test_a_program_whose_recording_cannot_be_written_is_not_run(tmp_path):
    done = record(Path("/dev/full"), "touch", str(tmp_path / "ran"))
    assert (2, "error: cannot write /dev/full: No space left on device.\n") == (done.returncode, done.stderr)
    assert not (tmp_path / "ran").exists()


@needs_ptrace
def test_a_signal_to_the_recorder_reaches_the_program(tmp_path):
    script = "trap 'exit 9' TERM; echo up; while :; do sleep 0.05; done"
    with subprocess.Popen([*RECORD, "-o", str(tmp_path / "out"), "--", "sh", "-c", script], stdout=-1) as process:
        assert b"up\n" == process.stdout.readline()
        process.send_signal(signal.SIGTERM)
        assert 9 == process.wait(20)


VMM = """
import errno, os, sys, threading
from model.kvm.driver import KvmError, Vm
def work():
    with Vm((64, 130), manual=3) as vm:
        vm.clear(0b110, 1, first=64)
        vm.write(70, 5, 1)
        vm.get(1)
        try:
            vm.clear(1, 0, first=1)
        except KvmError as error:
            assert error.errno == errno.EINVAL
        threads = [threading.Thread(target=lambda: [vm.get(0) for _ in range(50)]) for _ in range(3)]
        for thread in threads: thread.start()
        for thread in threads: thread.join()
work()
if os.fork() == 0:
    work()
    os._exit(0)
os.wait()
"""


@needs_ptrace
@needs_kvm
def test_every_dirty_log_ioctl_is_recorded_with_its_bitmap(tmp_path):
    out = tmp_path / "out"
    done = record(out, *PYTHON, "-c", VMM)
    assert (0, "") == (done.returncode, done.stderr)
    *found, trailer = lines(out)
    assert ("end", len(found) - 1, 2 * (len(found) - 1), []) == tuple(
        trailer[name] for name in ("t", "lines", "positions", "unseen")
    )
    positions = sorted(p for line in found[1:] for p in line["q"])
    assert list(range(2 * (len(found) - 1))) == positions
    assert sorted(line["q"][1] for line in found[1:]) == [line["q"][1] for line in found[1:]]
    mine = [line for line in found[1:] if "pid" not in line]
    child = [line for line in found[1:] if "pid" in line]
    assert [
        "vm",
        "cap",
        "region",
        "region",
        "region",
        "vcpu",
        "clear",
        "get",
        "clear",
    ] == [line["t"] for line in mine[:9]]
    clear, get, refused = mine[6:9]
    assert (64, 66, "0:6", 0) == (clear["first"], clear["n"], clear["bm"], clear["rc"])
    # pages 65 and 66 were cleared; the write to 70 was set already
    assert f"0:{2**64 - 1:x},1:{2**64 - 7:x},2:3" == get["bm"]
    assert (-1, 22, 0) == (refused["rc"], refused["errno"], refused["slot"])
    assert (3, 150) == (len({line["tid"] for line in mine[9:]}), sum(line["t"] == "get" for line in mine[9:]))
    assert len(mine) == len(child)
    judged = check(str(out))
    assert (0, 0, []) == (judged.blind, judged.damaged, judged.reasons)
    # each VM clears what INITIALLY_SET says before any GET has: parent and child are told apart
    assert [("untold", 2), ("untold", 2)] == [(f.case, f.pages) for f in judged.listed]
    assert 2 == len({f.clear.process for f in judged.listed})


# ---------------------------------------------------------------- real QEMU


@pytest.mark.skipif(not (shutil.which("as") and shutil.which("objcopy")), reason="binutils (as, objcopy) are missing")
def test_the_boot_sectors_bytes_are_what_the_assembler_makes_of_its_source(tmp_path):
    (tmp_path / "boot.s").write_text(qemu_needed.BOOT_SOURCE)
    subprocess.run(["as", "--32", "-o", "boot.o", "boot.s"], cwd=tmp_path, check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", "boot.o", "boot.bin"], cwd=tmp_path, check=True)
    assert (tmp_path / "boot.bin").read_bytes() == qemu_needed.BOOT_CODE


@pytest.mark.slow  # small VMMs that clear rightly are recorded by default, and so is a real QEMU that does not
@needs_qemu
@needs_ptrace
def test_a_migration_of_real_qemu_to_a_file_has_no_blind_clear(tmp_path):
    out = tmp_path / "qemu.jsonl"
    with Qemu(tmp_path, "source", wrap=[*RECORD, "-o", str(out), "--"]) as qemu:
        qemu.running()
        assert "completed" == qemu.migrate(f"exec:cat > {tmp_path}/state", 1.0)["status"]
        qemu("quit")
        assert 0 == qemu.process.wait(20)
    found = check(str(out))
    assert (0, 0, 0) == (found.blind, found.possible, found.damaged)
    assert found.counts["clear"] > 100
    assert found.counts["get"] > 10


@pytest.mark.slow  # small VMMs with such masks are recorded and lose memory by default
@needs_qemu
@needs_ptrace
def test_a_mask_of_all_ones_in_real_qemu_is_blind_and_loses_memory(tmp_path):
    different, out = migrated(tmp_path, "ones")
    found = check(str(out))
    assert found.blind > 20
    assert 1 == found.exit_code
    assert different


@pytest.mark.slow
@needs_qemu
@needs_ptrace
def test_qemu_own_masks_leave_source_and_destination_the_same(tmp_path):
    different, out = migrated(tmp_path, "as it is")
    assert ([], 0) == (different, check(str(out)).exit_code)


@pytest.fixture(scope="module")
def busy(tmp_path_factory):
    return build(tmp_path_factory.mktemp("vmm"), "busy_vmm")


@needs_gcc
@needs_kvm
@needs_ptrace
def test_a_program_that_was_started_outlives_a_recorder_that_is_killed(tmp_path, busy):
    out = tmp_path / "out.gz"
    with subprocess.Popen([*RECORD, "-o", str(out), "--", busy, "0.6"], stdout=subprocess.PIPE, text=True) as recorder:
        recorder.stdout.readline()
        time.sleep(0.2)
        recorder.kill()
        assert "unharmed\n" == recorder.stdout.read()
    assert 3 == check(str(out)).exit_code


@needs_gcc
@needs_kvm
@needs_ptrace
@pytest.mark.parametrize(("number", "trailers"), [(signal.SIGKILL, 0), (signal.SIGINT, 1)])
def test_a_program_that_is_attached_to_outlives_its_recorders_one_after_the_other(tmp_path, busy, number, trailers):
    """The second recorder finds the hooks of the first, which it could not take out if it was killed."""
    with subprocess.Popen([busy, "20"], stdout=subprocess.PIPE, text=True) as program:
        pid = program.stdout.readline().strip()
        for name in ("one", "two"):
            out = tmp_path / name
            with subprocess.Popen([*RECORD, "-o", str(out), "-p", pid], stderr=subprocess.PIPE) as recorder:
                assert recorder.stderr.readline().startswith(b"recording process")
                time.sleep(0.2)
                recorder.send_signal(number)
            assert (trailers, 3) == (out.read_bytes().count(b'"t":"end"'), check(str(out)).exit_code)
            assert out.read_bytes().count(b'"t":"clear"') > 5
        program.kill()


def recorder_of(qemu: Qemu) -> int:
    """The process that traces a QEMU."""
    status = Path(f"/proc/{qemu.process.pid}/status").read_text()
    return int(next(line.split()[1] for line in status.splitlines() if line.startswith("TracerPid")))


@contextlib.contextmanager
def attached(qemu: Qemu, out: Path):
    """A recorder that has come to a running QEMU."""
    with subprocess.Popen([*RECORD, "-o", str(out), "-p", str(qemu.process.pid)], stderr=subprocess.PIPE) as process:
        assert process.stderr.readline().startswith(b"recording process")
        yield process


@pytest.mark.slow
@needs_qemu
@needs_ptrace
def test_a_recorder_that_is_killed_in_the_middle_of_a_migration_spares_the_vm(tmp_path):
    """kill -9: the VM goes on, its migration ends well, memory is the same, and the recording is undetermined."""
    out = tmp_path / "qemu.jsonl"
    with Qemu(tmp_path, "source") as source, Qemu(tmp_path, "target", incoming=f"unix:{tmp_path}/mig") as target:
        source.running()
        with attached(source, out) as recorder:
            killer = threading.Timer(0.7, recorder.kill)
            killer.start()
            assert "completed" == source.migrate(f"unix:{tmp_path}/mig", 1.5)["status"]
            assert -signal.SIGKILL == recorder.wait(5)
        assert 0 == recorder_of(source)
        assert [] == different_pages(source.memory(), target.memory())
    found = check(str(out))
    assert found.counts["clear"] > 10
    assert 3 == found.exit_code


@pytest.mark.slow
@needs_qemu
@needs_ptrace
def test_attaching_to_a_running_qemu_and_detaching_leaves_it_running_twice(tmp_path):
    with Qemu(tmp_path, "source") as qemu:
        qemu.running()
        for name in ("one", "two"):
            with attached(qemu, tmp_path / name) as recorder:
                assert recorder.pid == recorder_of(qemu)
                assert "completed" == qemu.migrate(f"exec:cat > {tmp_path}/state", 0.5)["status"]
                qemu("cont")
                recorder.send_signal(signal.SIGINT)
                assert 0 == recorder.wait(10)
            assert 0 == recorder_of(qemu)
            *_, trailer = lines(tmp_path / name)
            assert ("end", "detached") == (trailer["t"], trailer["why"])
            found = check(str(tmp_path / name))
            assert (0, 0) == (found.blind, found.possible)
            assert found.counts["clear"] > 10
        before = qemu.serial.stat().st_size
        time.sleep(0.5)
        assert qemu.serial.stat().st_size > before
