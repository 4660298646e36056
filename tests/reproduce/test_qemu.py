"""What the user names as a QEMU."""

import os

import pytest

from model.errors import MissingTool
from model.reproduce.qemu import BadQemu, find
from tests.support.fake_qemu import fake_qemu


def test_a_qemu_says_its_version(tmp_path):
    found = find(str(fake_qemu(tmp_path, "same", "7.2.22")))
    assert ((7, 2, 22), "QEMU 7.2.22", "QEMU emulator version 7.2.22 (a fake)") == (
        found.version,
        found.name,
        found.said,
    )
    assert (11, 1, 0) == find(str(fake_qemu(tmp_path, "same", "11.1"))).version


def test_a_name_is_looked_for_on_path(tmp_path, monkeypatch):
    monkeypatch.setenv("PATH", f"{tmp_path}{os.pathsep}{os.environ['PATH']}")
    assert fake_qemu(tmp_path, "same") == find("qemu").path
    with pytest.raises(MissingTool, match="there is no 'qemu-system-pdp11' on PATH: apt-get install"):
        find("qemu-system-pdp11")


def program(at, text, mode=0o755):
    path = at / "program"
    path.write_text(text)
    path.chmod(mode)
    return path


@pytest.mark.parametrize(
    ("text", "mode", "said"),
    [
        ("#!/bin/sh\necho qemu-img version 7.2.22\n", 0o755, "no QEMU system emulator .*'qemu-img version 7.2.22'"),
        ("#!/bin/sh\n", 0o755, "is no QEMU system emulator .--version says nothing.. Name a qemu-system-x86_64"),
        ("#!/bin/sh\n", 0o644, "cannot run .*program: Permission denied"),
        ("no program\n", 0o755, "cannot run .*program: Exec format error"),
        ("#!/bin/sh\nexec sleep 60\n", 0o755, "--version does not end within 0 s"),
    ],
)
def test_what_is_no_qemu_is_refused_with_what_it_says(tmp_path, monkeypatch, text, mode, said):
    monkeypatch.setattr("model.reproduce.qemu.SECONDS", 0.3 if "sleep" in text else 20.0)
    with pytest.raises(BadQemu, match=said):
        find(str(program(tmp_path, text, mode)))


def test_a_path_that_is_not_there_or_a_folder_is_refused(tmp_path):
    with pytest.raises(BadQemu, match="cannot run .*nowhere: No such file or directory"):
        find(str(tmp_path / "nowhere"))
    with pytest.raises(BadQemu, match="Permission denied"):
        find(f"{tmp_path}/")
