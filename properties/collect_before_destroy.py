"""The rule of everything that frees a log: removing a slot, switching logging off, unmapping."""

from model.expr import Client, Flag, always, every


@always
class collect_before_destroy:
    """Whoever is no client takes a bit out of the kernel's log only after every client was told of the page.

    Deleting a memory slot frees its log. What stood in it and had not been merged is reported by nobody afterwards.

    Source: QEMU 3fbffb628c, "Otherwise, the dirty log information is lost in the kernel forever"; the comment of
    kvm_set_phys_mem() on the window that remains.
    """

    needs = ("kernel", "user", "mine", "unread")
    destroyed = Flag("a bit was destroyed whose page some client still has to read and was not told of")

    def observe(step, before, s, me):
        if step.by == Client.name or "kernel" not in step.writes:
            return
        gone = before.kernel - s.kernel
        s.destroyed |= ~every(Client, lambda c: gone & s.unread[c] <= s.user[c] | s.mine[c])

    def holds(s):
        return ~s.destroyed
