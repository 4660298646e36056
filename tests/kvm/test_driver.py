"""The driver on the real kernel, and the kernel against the model of one bit a page."""

import errno
import shutil
import subprocess
import time
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from model.errors import MissingTool
from model.kvm import device, guest
from model.kvm.driver import INITIALLY_SET, LEGACY, MANUAL, KvmError, Vm
from tests.support.kvm import Log, needs_kvm

# ---------------------------------------------------------------- without the kernel


@pytest.mark.skipif(not (shutil.which("as") and shutil.which("objcopy")), reason="binutils (as, objcopy) are missing")
@pytest.mark.parametrize("listing", [guest.STORE, guest.RUN], ids=["store", "run"])
def test_the_guests_bytes_are_what_the_assembler_makes_of_its_source(tmp_path, listing):
    (tmp_path / "guest.s").write_text(guest.source(listing))
    subprocess.run(["as", "--64", "-o", "guest.o", "guest.s"], cwd=tmp_path, check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", "guest.o", "guest.bin"], cwd=tmp_path, check=True)
    assert guest.code(listing) == (tmp_path / "guest.bin").read_bytes()


def test_ioctl_numbers_are_those_of_the_kernels_headers():
    numbers = {n: device.REQUESTS[f"KVM_{n}"] for n in ("GET_DIRTY_LOG", "CLEAR_DIRTY_LOG", "ENABLE_CAP", "RUN")}
    numbers |= {n: device.REQUESTS[f"KVM_{n}"] for n in ("SET_USER_MEMORY_REGION", "RESET_DIRTY_RINGS")}
    assert {
        "GET_DIRTY_LOG": 0x4010AE42,
        "CLEAR_DIRTY_LOG": 0xC018AEC0,
        "ENABLE_CAP": 0x4068AEA3,
        "RUN": 0xAE80,
        "SET_USER_MEMORY_REGION": 0x4020AE46,
        "RESET_DIRTY_RINGS": 0xAEC7,
    } == numbers


def test_without_the_device_the_driver_says_in_one_line_what_is_missing(monkeypatch, tmp_path):
    monkeypatch.setattr(device, "DEVICE", tmp_path / "kvm")
    with pytest.raises(MissingTool) as error:
        Vm()
    assert f"{tmp_path}/kvm is missing: this needs Linux with KVM and virtualisation turned on." == str(error.value)
    assert 4 == error.value.exit_code


def test_a_device_that_cannot_be_opened_is_named_too(monkeypatch):
    def refuse(*args: object) -> int:
        raise PermissionError(errno.EACCES, "Permission denied")

    monkeypatch.setattr(device.platform, "machine", lambda: "x86_64")
    monkeypatch.setattr(device.os, "open", refuse)
    expected = "/dev/kvm cannot be opened (Permission denied): you may have to join the group that owns it."
    assert expected == device.missing()


def test_on_another_processor_the_driver_says_so(monkeypatch):
    monkeypatch.setattr(device.platform, "machine", lambda: "aarch64")
    assert "the KVM driver speaks x86-64, and this machine is aarch64." == device.missing()


# ---------------------------------------------------------------- the driver


@needs_kvm
def test_a_write_is_logged_a_get_reports_it_and_only_a_clear_takes_it_away():
    with Vm((128,)) as vm:
        vm.write(70, 0x1111)
        assert (0x1111, 1 << 70, 1 << 70) == (vm.read(70), vm.get(), vm.get())
        vm.clear(1 << 70)
        assert 0 == vm.get()
        vm.write(70, 0x2222)
        assert (0x2222, 1 << 70) == (vm.read(70), vm.get())


@needs_kvm
def test_each_slot_and_each_vcpu_has_its_own():
    with Vm((64, 65), vcpus=2) as vm:
        vm.write(3, 7, slot=0, vcpu=0)
        vm.write(64, 8, slot=1, vcpu=1)
        assert (1 << 3, 1 << 64) == (vm.get(0), vm.get(1))
        assert (7, 8) == (vm.read(3, 0), vm.read(64, 1))


@needs_kvm
def test_the_vmm_own_stores_are_never_logged():
    with Vm() as vm:
        vm.store(1, 5)
        assert (5, 0) == (vm.read(1), vm.get())


@needs_kvm
def test_a_log_that_is_turned_off_and_on_or_made_again_is_fresh_and_one_that_is_moved_is_not():
    with Vm((64,)) as vm:
        vm.write(1, 1)
        vm.set_region(0, gpa=1 << 29)
        assert 2 == vm.get()
        vm.set_region(0, log=False)
        with pytest.raises(KvmError) as error:
            vm.get()
        assert errno.ENOENT == error.value.errno
        vm.set_region(0)
        assert 0 == vm.get()
        vm.write(2, 1)
        vm.set_region(0, pages=0)
        vm.set_region(0)
        assert 0 == vm.get()


@needs_kvm
def test_a_dirty_ring_refuses_both_ioctls_and_reports_each_page_once_until_reset():
    with Vm((64,), ring=4096, vcpus=2) as vm:
        vm.write(5, 1)
        vm.write(5, 2)
        vm.write(6, 1, vcpu=1)
        assert ([(0, 5)], [(0, 6)]) == (vm.harvest(0), vm.harvest(1))
        vm.write(5, 3)
        assert [] == vm.harvest(0)  # not reset yet: the write went unreported
        assert 2 == vm.reset()
        vm.write(5, 4)
        assert [(0, 5)] == vm.harvest(0)
        for call in (vm.get, lambda: vm.clear(1)):
            with pytest.raises(KvmError) as error:
                call()
            assert errno.ENXIO == error.value.errno


@needs_kvm
def test_a_full_ring_stops_the_vcpu_until_it_is_reset():
    """4096 bytes are 256 entries, and KVM keeps 64 in reserve: the 192nd entry is logged and its store waits."""
    with Vm((512,), ring=4096) as vm:
        written = 0
        while vm.write(written, 7):
            written += 1
        assert 191 == written
        assert not vm.write(300, 7)
        assert [(0, page) for page in range(192)] == vm.harvest()
        assert 192 == vm.reset()
        assert vm.write(300, 7)
        assert (7, 7) == (vm.read(191), vm.read(300))


@needs_kvm
def test_an_error_of_the_kernel_names_the_ioctl_and_its_arguments():
    with Vm((128,)) as vm, pytest.raises(KvmError) as error:
        vm.clear(0b101, first=3, pages=64)
    expected = "KVM_CLEAR_DIRTY_LOG(slot=0, first=3, pages=64, mask=0x5): EINVAL, Invalid argument."
    assert (expected, errno.EINVAL, 3) == (str(error.value), error.value.errno, error.value.exit_code)


@needs_kvm
def test_everything_is_released_whatever_happens():
    def held() -> tuple[int, int]:
        maps = Path("/proc/self/maps").read_text()
        return len(list(Path("/proc/self/fd").iterdir())), maps.count("kvm-vcpu") + maps.count("kvm-vm")

    before = held()
    with pytest.raises(ZeroDivisionError), Vm((64, 64), vcpus=2) as vm:
        vm.run(1, 0, 8)
        raise ZeroDivisionError
    vm.close()
    for bad in ({"ring": 100}, {"manual": 2}, {"vcpus": 25}):
        with pytest.raises(KvmError):
            Vm((64,), **bad)
    assert before == held()


# ---------------------------------------------------------------- the kernel is a bit a page

SIZES = (1, 63, 64, 65, 130)
STEPS = st.lists(
    st.tuples(
        st.sampled_from(["write", "write", "get", "clear", "clear", "odd clear", "fresh"]),
        st.integers(0, len(SIZES) - 1),
        st.integers(0, 129),
        st.integers(0, (1 << 140) - 1),
    ),
    max_size=40,
)


@needs_kvm
@settings(deadline=None, max_examples=60)
@given(STEPS, st.sampled_from([LEGACY, MANUAL, INITIALLY_SET]))
def test_the_kernel_and_the_ten_line_model_agree_on_any_sequence(steps, manual):
    with Vm(SIZES, manual=manual) as vm:
        logs = [Log(pages, manual) for pages in SIZES]
        for kind, slot, number, mask in steps:
            compare(vm, logs[slot], slot, kind, number, mask)
        assert [log.get() for log in logs] == [vm.get(slot) for slot in range(len(SIZES))]


def compare(vm: Vm, log: Log, slot: int, kind: str, number: int, mask: int) -> None:
    """One operation on both."""
    match kind:
        case "write":
            vm.write(number % log.pages, mask & 0xFFFF, slot)
            log.write(number % log.pages)
        case "get":
            assert log.get() == vm.get(slot)
        case "clear":
            first = number // 64 * 64 % (log.pages + 1) // 64 * 64
            vm.clear(mask, slot, first=first)
            log.clear(mask, first, log.pages - first)
        case "odd clear":
            first, count = number % 70, mask % 140
            if log.refuses(first, count):
                with pytest.raises(KvmError) as error:
                    vm.clear(mask, slot, first=first, pages=count)
                assert errno.EINVAL == error.value.errno
            else:
                vm.clear(mask, slot, first=first, pages=count)
                log.clear(mask, first, count)
        case "fresh":
            vm.set_region(slot, log=False)
            vm.set_region(slot)
            log.fresh()


# ---------------------------------------------------------------- writes that race with CLEAR


def unlogged(vm: Vm, pages: int, *, read_first: bool) -> tuple[int, int]:
    """One round: clear all that is reported; returns (pages whose content changed after the read, of those unlogged).

    The vCPUs write on while this runs.
    """
    cleared = vm.get()
    if read_first:
        seen = vm.contents()
    vm.clear(cleared)
    if not read_first:
        seen = vm.contents()
    time.sleep(1e-4)
    now = vm.contents()
    log = vm.get()
    changed = [p for p in range(pages) if cleared >> p & 1 and seen[p] != now[p]]
    return len(changed), sum(1 for p in changed if not log >> p & 1)


def race(pages: int, *, read_first: bool, seconds: float, until_lost: bool) -> tuple[int, int]:
    changed = lost = 0
    with Vm((pages,), vcpus=2) as vm:
        for vcpu in (0, 1):
            vm.run(vcpu, vcpu * pages // 2, pages // 2, value=vcpu << 56)
        end = time.monotonic() + seconds
        while time.monotonic() < end and not (until_lost and lost):
            one, two = unlogged(vm, pages, read_first=read_first)
            changed, lost = changed + one, lost + two
    return changed, lost


@needs_kvm
def test_a_page_that_is_read_after_clear_returned_never_changes_unlogged():
    changed, lost = race(64, read_first=False, seconds=2, until_lost=False)
    assert changed > 100
    assert 0 == lost


@needs_kvm
def test_a_page_that_is_read_before_the_clear_changes_unlogged_sooner_or_later():
    """Many pages, so that the guest takes longer to come round to a page again than a round of ours takes."""
    assert race(16_384, read_first=True, seconds=30, until_lost=True)[1] > 0
