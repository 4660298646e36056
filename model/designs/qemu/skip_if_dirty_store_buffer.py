"""The same writer on a processor with store buffers. Unconfirmed reading of today's code."""

from model import Pages
from model.designs.qemu.skip_if_dirty import SkipIfDirty
from model.designs.qemu.skip_if_dirty import same_content as same_content


class SkipIfDirtyStoreBuffer(SkipIfDirty):
    """On x86 the look may be done while the store still waits in the processor's buffer.

    The mark is found standing; migration takes it and reads the page's old content; then the buffer drains. It needs a
    drain that takes longer than a sync and a send, which no real one does; by the letter of the architecture it may,
    and nobody has confirmed or refuted the reading.

    Source: QEMU 10.0 system/physmem.c, invalidate_and_set_dirty(), read under x86's total store order.
    """

    memory = Pages("guest memory: each write turns the page's content over", memory="tso")
