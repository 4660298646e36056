"""The firmware's bytes, and what is in it."""

import shutil
import struct
import subprocess

import pytest

from model.reproduce import guest

LISTINGS = {"writer": guest.WRITER, "random": guest.RANDOM, "screen": guest.SCREEN + guest.RANDOM}


@pytest.mark.skipif(not (shutil.which("as") and shutil.which("objcopy")), reason="binutils (as, objcopy) are missing")
@pytest.mark.parametrize("name", LISTINGS)
def test_the_firmwares_bytes_are_what_the_assembler_makes_of_its_source(tmp_path, name):
    (tmp_path / "guest.s").write_text(guest.source(LISTINGS[name]))
    subprocess.run(["as", "--32", "-o", "guest.o", "guest.s"], cwd=tmp_path, check=True)
    subprocess.run(["objcopy", "-O", "binary", "-j", ".text", "guest.o", "guest.bin"], cwd=tmp_path, check=True)
    assert guest.firmware(LISTINGS[name]) == (tmp_path / "guest.bin").read_bytes()


@pytest.mark.parametrize("name", LISTINGS)
def test_the_parts_of_the_firmware_do_not_overlap(name):
    ends = [part.at + len(guest.code(part.listing)) for part in guest.parts(LISTINGS[name])]
    begins = [part.at for part in guest.parts(LISTINGS[name])][1:]
    assert all(end <= begin for end, begin in zip(ends, [guest.WORDS, *begins[1:], guest.SIZE], strict=True))


def test_the_guest_finds_its_words_where_its_source_reads_them():
    image = guest.firmware(guest.WRITER, (1, 2, 3, 4, 5, 6))
    assert guest.SIZE == len(image)
    assert (1, 2, 3, 4, 5, 6) == struct.unpack_from("<6I", image, guest.WORDS)
    assert 6 == sum(f"{0xFFFF0000 + guest.WORDS + 4 * n:#x}" in guest.source(guest.WRITER) for n in range(6))
