"""The rule of QEMU's slots lock."""

from model.expr import Client, Flag, always, some


@always
class one_lock_around_sync:
    """Between the report of a sync and its merge no other client changes the cache.

    What a sync merges is then what the kernel reported to it; a clear in between takes bits out of the cache that
    have not reached the clients yet.

    Source: QEMU 36adac4934, a2f77862ff: kml_slots_lock is held from KVM_GET_DIRTY_LOG to the end of the merge.
    """

    needs = ("cache", "sync")
    between = Flag("this client's sync has reported and not merged", per=Client)
    changed = Flag("the cache was changed in between")

    def observe(step, before, s, me):
        if step.by != Client.name:
            return
        if "cache" in step.writes:
            s.changed |= some(Client, lambda c: before.between[c] & ~(c == me)) & ~(before.cache == s.cache)
        if step.operation == "sync":
            s.between[me] = (True if step.first else before.between[me]) if not step.last else False

    def holds(s):
        return ~s.changed
