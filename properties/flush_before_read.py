"""The rule that makes reading after an ioctl's return safe."""

from model.expr import NONE, Client, Flag, always, some


@always
class flush_before_read:
    """No client reads a page that is armed while some TLB still holds a writable translation of it.

    Through such an entry a vCPU writes on without a trap, after the page was read and with nothing to show for it.
    Between arming and flushing the entry may exist; the ioctl returns after the flush, and reading comes after that.

    Source: Linux 198c74f43f0f; the comment of kvm_mmu_slot_apply_flags() on "before userspace can consume the dirty
    status".
    """

    needs = ("tlb", "armed", "unread")
    stale = Flag("a page was read through whose stale translation it can still be written")

    def observe(step, before, s, me):
        if step.by != Client.name or "unread" not in step.writes:
            return
        read = before.unread[me] - s.unread[me]
        cached = some(s.tlb.sort_of_index, lambda each: s.tlb[each]) if hasattr(s.tlb, "sort_of_index") else s.tlb
        s.stale |= ~(read & s.armed & cached <= NONE)

    def holds(s):
        return ~s.stale
