"""The discipline that a monitor of a real VMM can check."""

from model.expr import Client, Flag, Pages, always, every


@always
class no_blind_clear:
    """No step takes away a kernel bit that has not been reported to every client since it was last taken away.

    Reported means: a sync that saw the bit in the kernel's log has put it where the client will find it. The start
    counts as taken away, except that a log which starts all ones (INITIALLY_SET) counts as reported.
    """

    needs = ("kernel", "user")
    seen = Pages("what the sync in progress of this client has seen in the kernel's log", per=Client)
    told = Pages("kernel bits that have been reported to this client", per=Client, initially="kernel")
    blind = Flag("some step has taken away a bit that some client was not told of")

    def observe(step, before, s, me):
        gone = before.kernel - s.kernel
        if step.operation == "sync" and step.by == Client.name:
            if step.first or "kernel" in step.reads:
                s.seen[me] |= before.kernel
            s.told[Client.every] |= s.seen[me] & s.user[Client.every]
            if step.last:
                s.seen[me] = s.seen[me] - s.seen[me]
        if "kernel" in step.writes:
            s.blind |= ~(gone <= every(Client, lambda c: before.told[c]))
            s.told[Client.every] -= gone
            s.seen[Client.every] -= gone

    def holds(s):
        return ~s.blind
