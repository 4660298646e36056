"""Which ioctls of a process the recorder sees: the C library's `mov eax, 16; syscall` goes by a page of ours.

On that page an ioctl of interest is made by a `syscall` instruction that a seccomp filter knows by its address and
stops at; every other one goes back to where it came from, at full speed. A filter can never be taken off, and without
a tracer it fails the call with ENOSYS. So the page then makes the call again where no filter looks: when the recorder
dies the program does not notice. The page also counts how often vCPUs ran.

Source: Linux man page seccomp(2), Documentation/userspace-api/seccomp_filter.rst; glibc ioctl.c, syscall.S; x86-64.
"""

from __future__ import annotations

import errno
import re
import struct
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from itertools import pairwise
from pathlib import Path

from model.monitor.remote import PAGE, Borrowed, Mapping, borrowed, mappings, peek, poke

MAGIC = b"clearorder hook\0"
BEGUN, ENDED, STUBS, FILTER = 16, 24, 64, 3072  # places on the page
IOCTL, KVM_RUN = 16, 0xAE80
PROCESS_VM_READV = 310
# Five bytes that a jump replaces, and the instruction after them: ioctl() and its like, process_vm_readv(), syscall().
SITE = re.compile(rb"(\xb8\x10\0\0\0|\xb8\x36\x01\0\0|\x4c\x8b\x4c\x24\x08)\x0f\x05")
HOOKED = re.compile(rb"\xe9(.{4})\x0f\x05", re.DOTALL)
LIBRARY = re.compile(r"/(libc|ld)[-.][^/]*$|/ld-linux[^/]*$|/libc\.musl[^/]*$")
MMAP, PRCTL, SECCOMP = 9, 157, 317
NO_NEW_PRIVS, SET_MODE_FILTER, TSYNC = 38, 1, 1
READ_WRITE_RUN, PRIVATE_ANONYMOUS_HERE = 7, 0x100022  # MAP_FIXED_NOREPLACE
REACH = 1 << 30
LOAD_NUMBER = 0xB8  # mov eax, …
TRACED_LENGTH = 2 + 4 + 6 + 5 + 5  # of what Stub.trace adds


class Unhooked(Exception):
    """A process has no place that we know, or refuses what we need; its ioctls stay unseen."""


@dataclass
class Hook:
    """A page of ours in a process, and the bytes that jumps to it replaced."""

    page: int
    replaced: dict[int, bytes]

    def runs(self, pid: int) -> tuple[int, int]:
        """How often KVM_RUN has begun and has ended."""
        data = peek(pid, self.page + BEGUN, 16)
        return struct.unpack("<QQ", data) if len(data) == 16 else (0, 0)

    def in_place(self, pid: int) -> bool:
        """A process has this page; a child that was forked has that of its parent."""
        return peek(pid, self.page, len(MAGIC)) == MAGIC

    def remove(self, pid: int) -> None:
        """Put the bytes back; the page stays, for threads that are on it."""
        for site, code in self.replaced.items():
            poke(pid, site, code)


def sites(pid: int, mapping: Mapping) -> dict[int, bytes]:
    """Address -> five bytes, of each place in a mapping; those of a recorder that died count as not replaced."""
    code = peek(pid, mapping.start, mapping.end - mapping.start)
    found = {mapping.start + m.start(): m[1] for m in SITE.finditer(code)}
    for match in HOOKED.finditer(code):
        stub = mapping.start + match.start() + 5 + struct.unpack("<i", match[1])[0]
        if stub > 0 and peek(pid, stub & -PAGE, len(MAGIC)) == MAGIC:
            found[mapping.start + match.start()] = peek(pid, stub, 5)
    return found


class Stub:
    """Code that a site jumps to, put together from its address on.

    Attributes:
        stop: the address after its traced `syscall`.
    """

    def __init__(self, at: int, site: int, replaced: bytes, page: int, requests: Sequence[int]) -> None:
        self.at, self.site, self.page = at, site, page
        self.code = bytearray(replaced)
        number = struct.unpack("<I", replaced[1:])[0] if replaced[0] == LOAD_NUMBER else IOCTL
        if number == IOCTL:
            self.sort_out(requests)
        self.stop = at + len(self.code) + 2
        self.trace(number)
        if number == IOCTL:
            self.count()

    def jump(self, opcode: bytes, target: int) -> None:
        self.code += opcode + struct.pack("<i", target - (self.at + len(self.code) + len(opcode) + 4))

    def sort_out(self, requests: Sequence[int]) -> None:
        """Ioctls of interest go on after this, KVM_RUN to where it is counted, all else back."""
        back = self.at + len(self.code) + 3 + 6 + 12 * (1 + len(requests))
        traced = back + 5
        self.code += b"\x83\xf8\x10"  # cmp eax, 16
        self.jump(b"\x0f\x85", back)
        for request, target in ((KVM_RUN, traced + TRACED_LENGTH), *((r, traced) for r in requests)):
            self.code += b"\x81\xfe" + struct.pack("<I", request)  # cmp esi, request
            self.jump(b"\x0f\x84", target)
        self.jump(b"\xe9", self.site + 5)

    def trace(self, number: int) -> None:
        """The call where the filter sees it, and once more where it does not if nobody traces us."""
        self.code += b"\x0f\x05\x48\x83\xf8\xda"  # syscall; cmp rax, -ENOSYS
        self.jump(b"\x0f\x85", self.site + 7)
        self.code += b"\xb8" + struct.pack("<I", number)  # mov eax, number
        self.jump(b"\xe9", self.site + 5)

    def count(self) -> None:
        """KVM_RUN, counted before and after."""
        self.jump(b"\xf0\x48\xff\x05", self.page + BEGUN)  # lock inc qword [begun]
        self.code += b"\x0f\x05"
        self.jump(b"\xf0\x48\xff\x05", self.page + ENDED)
        self.jump(b"\xe9", self.site + 7)


def program(addresses: Iterable[int]) -> bytes:
    """A seccomp filter: stop at system calls made just before one of these addresses, which share their top half."""
    load, equal, leave, allow, trace = 0x20, 0x15, 0x06, 0x7FFF0000, 0x7FF00000
    places = sorted(addresses)
    rows = [(load, 0, 0, 8), *((equal, len(places) - i, 0, a & 0xFFFFFFFF) for i, a in enumerate(places))]
    rows += [(leave, 0, 0, allow), (load, 0, 0, 12), (equal, 0, 1, places[0] >> 32)]
    rows += [(leave, 0, 0, trace), (leave, 0, 0, allow)]
    return b"".join(struct.pack("<HBBI", *row) for row in rows)


def room_near(pid: int, near: Mapping) -> int:
    """An unused page that a jump from the mapping reaches."""
    taken = sorted((m.start, m.end) for m in mappings(pid))
    for (_, end), (start, _) in pairwise(taken):
        if start - end >= 16 * PAGE and abs(end - near.start) < REACH and end >> 32 == (end + PAGE) >> 32:
            return end + 8 * PAGE
    raise Unhooked("there is no room for a page near its code")


def install(tid: int, pid: int, requests: Sequence[int]) -> list[Hook]:
    """Hook a process all of whose threads are stopped; `tid`, one of them, makes the system calls that it takes.

    Raises:
        Unhooked: no place where it makes ioctls is known, or it is not allowed.
    """
    program_file = str(Path(f"/proc/{pid}/exe").resolve())
    code = [m for m in mappings(pid) if "x" in m.rights and (m.path == program_file or LIBRARY.search(m.path))]
    found = [(m, places) for m in code if (places := sites(pid, m))]
    if not found:
        raise Unhooked("no place where it makes ioctls is known")
    with borrowed(tid, next(iter(found[0][1])) + 5) as call:
        return [_page(call, pid, mapping, places, requests) for mapping, places in found]


def _page(call: Borrowed, pid: int, near: Mapping, places: dict[int, bytes], requests: Sequence[int]) -> Hook:
    page = call(MMAP, room_near(pid, near), PAGE, READ_WRITE_RUN, PRIVATE_ANONYMOUS_HERE, -1, 0)
    if page < 0:
        raise Unhooked(f"it cannot have a page of code ({errno.errorcode.get(-page, -page)})")
    text, stops, jumps = bytearray(MAGIC.ljust(STUBS, b"\0")), [], {}
    for site, replaced in places.items():
        at = page + len(text)
        added = Stub(at, site, replaced, page, requests)
        if len(text) + len(added.code) > FILTER:
            break
        text += added.code
        stops.append(added.stop)
        jumps[site] = b"\xe9" + struct.pack("<i", at - site - 5)
    filter = program(stops)
    text = text.ljust(FILTER, b"\0") + struct.pack("<HxxxxxxQ", len(filter) // 8, page + FILTER + 16) + filter
    poke(pid, page, bytes(text))
    _filter(call, page + FILTER)
    for site, jump in jumps.items():
        poke(pid, site, jump)
    return Hook(page, {site: places[site] for site in jumps})


def _filter(call: Borrowed, at: int) -> None:
    """Install the filter for every thread; without the right to, only after giving up setuid programs."""
    result = call(SECCOMP, SET_MODE_FILTER, TSYNC, at)
    if result == -errno.EACCES:
        call(PRCTL, NO_NEW_PRIVS, 1, 0, 0, 0)
        result = call(SECCOMP, SET_MODE_FILTER, TSYNC, at)
    if result:
        raise Unhooked(f"it cannot have a seccomp filter ({errno.errorcode.get(-result, result)})")
