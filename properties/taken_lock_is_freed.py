"""Liveness: nobody sits on QEMU's slots lock, however much the guest writes."""

from model.expr import leads_to


@leads_to
class taken_lock_is_freed:
    """Whenever the slots lock is taken it is freed later, also while writes go on."""

    needs = ("slots_lock",)
    writers = "go on"

    def premise(s):
        return ~s.slots_lock.free

    def goal(s):
        return s.slots_lock.free
