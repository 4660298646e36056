"""The rule of writers that do not trap: host threads, devices, vhost."""

from model.expr import Flag, always


@always
class mark_after_store:
    """A writer that is not trapped marks a page in the log no earlier than it stores to it.

    A mark that comes first can be reported, cleared and acted on before the store, which nothing notes any more.
    vCPUs trap and then store; there the fault marks first and arming makes up for it. Said of one writer at a time.

    Source: Linux virt/kvm/kvm_main.c, __kvm_write_guest_page(); libvfio-user pull request 753.
    """

    needs = ("kernel", "unread")
    lacks = ("armed", "ring")
    stored = Flag("the write in progress has stored")
    early = Flag("a page was marked before it was stored to")

    def observe(step, before, s, me):
        if step.operation != "write":
            return
        if "unread" in step.writes:
            s.stored = True
        elif step.first:
            s.stored = False
        if "kernel" in step.writes:
            s.early |= ~s.stored

    def holds(s):
        return ~s.early
