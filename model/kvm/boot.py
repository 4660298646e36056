"""Where the guest's code, page tables and mailboxes lie, in a slot of their own that has no log."""

from __future__ import annotations

import struct

from model.kvm import guest
from model.kvm.device import PAGE, Memory

BOOT_SLOT, BOOT_PAGES = 400, 32
CODE_AT, PML4, PDPT, PD, STACK, MAILBOX_AT = 0x1000, 0x2000, 0x3000, 0x4000, 0x7000, 0x8000
FREE_AT = CODE_AT + 0x100
MOST_VCPUS = BOOT_PAGES - MAILBOX_AT // PAGE
DATA_AT = 0x100000  # the first slot with a log
PRESENT_TABLE, PRESENT_PAGE = 0x27, 0xE7  # user, accessed and dirty set: walking never writes guest memory


def filled() -> Memory:
    """The guest's code, and page tables that map the first GiB onto itself with pages of 2 MiB."""
    boot = Memory(BOOT_PAGES)
    for at, listing in ((CODE_AT, guest.STORE), (FREE_AT, guest.RUN)):
        code = guest.code(listing)
        boot.bytes[at : at + len(code)] = code
    struct.pack_into("<Q", boot.bytes, PML4, PDPT | PRESENT_TABLE)
    struct.pack_into("<Q", boot.bytes, PDPT, PD | PRESENT_TABLE)
    for i in range(512):
        struct.pack_into("<Q", boot.bytes, PD + 8 * i, i << 21 | PRESENT_PAGE)
    return boot
